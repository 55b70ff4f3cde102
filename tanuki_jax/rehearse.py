"""Serve a mock teacher with OpenAI's protocol: deterministic texts, a given latency, and faults on purpose.

python -m tanuki_jax.rehearse --latency 0.2
python -m tanuki_jax.rehearse --port 8010 --unavailable 0.05 --rate-limited 0.02 --stalled 0.01 --log requests.jsonl
python -m tanuki_jax.rehearse --port 8010 --down-between 60 120
"""

import asyncio
import dataclasses
import signal
from pathlib import Path
from typing import Annotated

from tanuki_jax.base.command import enter
from tanuki_jax.client.extra import import_http
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.command_line import parse_options
from tanuki_jax.config.limits import Limits


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(Behaviour):
    """Serve a mock endpoint with OpenAI's protocol until SIGTERM or Ctrl-C.

    It answers /v1/models, /v1/chat/completions, /v1/completions, /v1/embeddings and /health. The same request gets the
    same text. Faults hit at random, by --seed, or for a period.
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Limits(at_least=0, at_most=65535)] = 8010
    """Port to listen on; 0: any that is free."""
    log: str = ""
    """File to which a line of JSON is added for each request, with its id and answer; empty: none."""


def main(words: list[str]) -> None:
    """Run the command with its arguments."""
    asyncio.run(_serve(parse_options("rehearse", words, Options)))


async def _serve(options: Options) -> None:
    import_http()
    from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher

    log, stopped = Path(options.log) if options.log else None, asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with MockTeacher(options, host=options.host, port=options.port, log=log) as teacher:
        print(f"the mock teacher listens at {teacher.url}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    enter("rehearse", main)
