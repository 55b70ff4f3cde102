"""An arena of the tiny models of `make demo-chat`."""

from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.evaluation.arena.arena_settings import Arena, Contestant, Pace
from tanuki_jax.evaluation.arena.named_arenas import arena

_SERVER = "http://127.0.0.1:8100/v1"


def _tiny(name: str, description: str) -> Contestant:
    remote = RemoteModel(urls=(_SERVER,), model=name)
    return Contestant(name=name, remote=remote, organisation="tanuki_jax", description=description, max_tokens=128)


@arena("demo")
def demo() -> Arena:
    """Return an arena of two tiny models, which `make demo-arena` trains and serves."""
    return Arena(
        name="demo",
        models=(
            _tiny("tiny_sft", "A tiny model, tuned with instructions."),
            _tiny("tiny_dpo", "The same model, tuned with preferences as well."),
        ),
        pace=Pace(characters_a_second=20.0),
        board_battles=1,
    )
