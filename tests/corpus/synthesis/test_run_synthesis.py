"""A whole run with the mock teacher: what it writes, and what kills, faults and changes do to it."""

import dataclasses
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.endpoints import Requests
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.engines.engine import Local
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.records.write import write
from tanuki_jax.corpus.synthesis.filters.written_length import WrittenLength
from tanuki_jax.corpus.synthesis.made import Made
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Item
from tanuki_jax.corpus.synthesis.run_synthesis import Synthesized, synthesize
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis
from tanuki_jax.corpus.synthesis.write_part import FLUSH_SECONDS
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher, replying
from tests.corpus.synthesis.echo import FILE, Echo, EchoDocuments, Here, dropped_of, echo, texts_of
from tests.rehearsal import rehearsing


@pytest.fixture(scope="module")
def teacher() -> Iterator[str]:
    """Return the address of a mock teacher."""
    with in_a_thread(mock_teacher(Behaviour())) as url:
        yield url


def ran(run: Synthesis, folder: Path, workers: int = 0) -> Synthesized:
    """Make a run, in this process or in several others."""
    return synthesize(run, folder, Local(workers) if workers else Here())


def test_every_item_ends_as_one_record_or_one_reason(tmp_path: Path, teacher: str) -> None:
    done = ran(echo(teacher, count=60, steps=2, drops=0.3), tmp_path / "out")
    kept, dropped = texts_of(tmp_path / "out"), dropped_of(tmp_path / "out")
    assert {*kept, *(row["id"] for row in dropped)} == {f"echo/{number}" for number in range(60)}
    assert len(kept) + len(dropped) == 60
    assert done.totals.dropped == {"dropped by chance": len(dropped)}
    assert 5 < len(dropped) < 35
    assert all(row["text"] for row in dropped)
    assert (done.totals.requests, done.totals.reused) == (120, 0)


@pytest.mark.parametrize("parts", [3, 8])
def test_records_do_not_depend_on_the_number_of_parts(tmp_path: Path, teacher: str, parts: int) -> None:
    expected = ran(echo(teacher, count=48, drops=0.2), tmp_path / "one")
    divided = ran(echo(teacher, count=48, drops=0.2, part_items=-(-48 // parts)), tmp_path / "many", workers=2)
    assert len(list((tmp_path / "many" / "records").iterdir())) == parts
    assert texts_of(tmp_path / "many") == texts_of(tmp_path / "one")
    assert divided.totals == expected.totals


def test_documents_are_read_in_slices(tmp_path: Path, teacher: str) -> None:
    write(tmp_path / "in.jsonl", [Document(f"d{number}", f"文書{number}。" * 20) for number in range(50)])
    found = []
    for part_bytes in (1 << 20, 3_000):
        run = Synthesis(
            name="echo",
            recipe=EchoDocuments(),
            inputs=(str(tmp_path / "in.jsonl"),),
            teacher=RemoteModel(urls=(teacher,)),
            part_bytes=part_bytes,
            times=2,
            count=30,
        )
        out = tmp_path / str(part_bytes)
        ran(run, out)
        found.append(texts_of(out))
    assert found[0] == found[1]
    assert {*found[0]} == {f"echo/d{number}#{time}" for number in range(30) for time in range(2)}
    assert len({*found[0].values()}) > 50


def test_a_second_start_asks_nothing_again(tmp_path: Path, teacher: str) -> None:
    ran(echo(teacher, count=20), tmp_path / "out")
    before = texts_of(tmp_path / "out")
    more = ran(echo(teacher, count=30), tmp_path / "out")
    assert (more.totals.requests, more.totals.reused) == (30, 20)
    assert before.items() < texts_of(tmp_path / "out").items()
    assert len(texts_of(tmp_path / "out")) == 30


def test_a_changed_template_model_or_seed_asks_anew(tmp_path: Path, teacher: str) -> None:
    first = ran(echo(teacher, count=10), tmp_path / "out")
    (tmp_path / "templates" / "Echo").mkdir(parents=True)
    text = (Echo.templates / "Echo" / "echo.ja.jinja").read_text("utf-8")
    (tmp_path / "templates" / "Echo" / "echo.ja.jinja").write_text(text.replace("短く", "長く"), "utf-8")

    class Changed(Echo):
        """The recipe with other templates."""

        templates = tmp_path / "templates"

    changed = dataclasses.replace(echo(teacher, count=10), recipe=Changed())
    for run in (changed, echo(teacher, count=10, seed=1)):
        again = ran(run, tmp_path / "out")
        assert again.totals.reused == 0
        assert again.card["templates"] != first.card["templates"] or run.seed == 1
    assert ran(echo(teacher, count=10), tmp_path / "out").totals.reused == 10


def test_copies_are_left_out(tmp_path: Path) -> None:
    with in_a_thread(replying(lambda prompt: ("いつも同じ答えです。" * 10, None))) as url:
        run = echo(url, count=12, part_items=5, duplicates=Duplicates(), gate_items=0)
        done = ran(dataclasses.replace(run, teacher=RemoteModel(urls=(url,), model="m")), tmp_path / "out")
    assert (done.totals.kept, done.written.kept, done.written.copies) == (12, 1, 11)
    assert len(texts_of(tmp_path / "out")) == 1


def test_a_failed_request_is_a_named_failure_and_is_tried_again(tmp_path: Path) -> None:
    broken = True

    def reply(prompt: str) -> Any:
        if broken and "7" in prompt:
            return web.json_response({"error": {"message": "not today"}}, status=500)
        return f"答え{len(prompt)}", None

    with in_a_thread(replying(reply)) as url:
        limits = Requests(tries=1, failure_share=1.0)
        run = echo(url, count=20, requests=limits, gate_items=0)
        run = dataclasses.replace(run, teacher=RemoteModel(urls=(url,), model="m"))
        first = ran(run, tmp_path / "out")
        assert set(first.totals.failed) == {"server_error"}
        failed = {row["id"]: row for row in dropped_of(tmp_path / "out")}
        assert all(row["failure"] == "server_error" and "not today" in row["reason"] for row in failed.values())
        assert first.totals.kept + len(failed) == 20
        broken = False
        second = ran(run, tmp_path / "out")
    assert (second.totals.kept, second.totals.reused) == (20, first.totals.kept)
    assert not second.totals.failed


def test_faults_of_the_network_change_no_record(tmp_path: Path, teacher: str) -> None:
    ran(echo(teacher, count=120, steps=2), tmp_path / "whole")
    faults = Behaviour(unavailable=0.05, rate_limited=0.02, broken_json=0.01, cut=0.02, reset=0.02, retry_after=0.0)
    with in_a_thread(mock_teacher(faults)) as url:
        done = ran(echo(url, count=120, steps=2), tmp_path / "out")
    assert not done.totals.failed
    assert texts_of(tmp_path / "out") == texts_of(tmp_path / "whole")


def test_the_limit_of_the_cost_stops_the_run(tmp_path: Path, teacher: str) -> None:
    priced = RemoteModel(urls=(teacher,), input_price=100.0, output_price=1_000.0, concurrency=8)
    run = dataclasses.replace(echo(count=200, part_items=50), teacher=priced)
    whole = ran(run, tmp_path / "whole").totals.cost
    limit = whole / 4
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.05") as mock:
        limited = dataclasses.replace(run, max_cost=limit, teacher=dataclasses.replace(priced, urls=(mock.url,)))
        sent = list[int]()
        for _ in range(2):  # a further start spends nothing more
            with pytest.raises(InputError, match=r"--max-cost .* is reached"):
                ran(limited, tmp_path / "out", workers=2)
            sent.append(len(mock.log_lines()))
    assert 35 < sent[0] < 65
    assert sent[1] - sent[0] <= 2
    spent = ran(dataclasses.replace(run, max_cost=2 * whole), tmp_path / "out")
    assert spent.totals.cost == pytest.approx(whole)
    assert sent[1] - 10 <= spent.totals.reused <= sent[1]  # two workers: the other one's answers in flight are lost


def test_a_limit_of_the_cost_needs_prices() -> None:
    with pytest.raises(InputError, match="max_cost needs prices"):
        echo(max_cost=1.0)


def test_answers_without_counts_are_priced_by_their_length(tmp_path: Path) -> None:
    with in_a_thread(replying(lambda prompt: ("文" * 100, None))) as url:
        priced = RemoteModel(urls=(url,), model="m", output_price=1e6)
        done = ran(dataclasses.replace(echo(count=10), teacher=priced), tmp_path / "out")
    assert done.totals.cost == pytest.approx(1_000)


def test_a_run_stops_when_too_much_is_dropped(tmp_path: Path, teacher: str) -> None:
    with pytest.raises(InputError, match=r"of the first 40 items were dropped \(\d+ x dropped by chance\)"):
        ran(echo(teacher, count=100, drops=0.9, gate_items=40, gate_share=0.5), tmp_path / "out")
    assert dropped_of(tmp_path / "out")


def test_answers_that_are_cut_off_or_empty_are_dropped(tmp_path: Path) -> None:
    def reply(prompt: str) -> Any:
        choice = {"index": 0, "message": {"role": "assistant", "content": "" if "3" in prompt else "途中"}}
        return web.json_response({"choices": [choice | {"finish_reason": "stop" if "3" in prompt else "length"}]})

    with in_a_thread(replying(reply)) as url:
        run = dataclasses.replace(echo(count=20, gate_items=0), teacher=RemoteModel(urls=(url,), model="m"))
        with pytest.raises(InputError, match="none of the 20 items gave a record"):
            ran(run, tmp_path / "out")
    assert {row["reason"] for row in dropped_of(tmp_path / "out")} == {"the answer is empty", "the answer was cut off"}
    assert len(dropped_of(tmp_path / "out")) == 20


def test_an_answer_that_the_server_stopped_is_dropped(tmp_path: Path) -> None:
    def reply(prompt: str) -> Any:
        reason = "content_filter" if "3" in prompt else "stop"
        choice = {"index": 0, "message": {"role": "assistant", "content": "文"}, "finish_reason": reason}
        return web.json_response({"choices": [choice]})

    with in_a_thread(replying(reply)) as url:
        run = dataclasses.replace(echo(count=20, gate_items=0), teacher=RemoteModel(urls=(url,), model="m"))
        done = ran(run, tmp_path / "out")
    assert set(done.totals.dropped) == {"the server stopped the answer"}
    assert done.totals.kept > 3


def test_the_reason_of_a_drop_names_the_filter(tmp_path: Path, teacher: str) -> None:
    done = ran(echo(teacher, count=30, filters=(WrittenLength(shortest=70),), gate_items=0), tmp_path / "out")
    assert set(done.totals.dropped) == {"written_length: too short"}
    assert done.totals.kept == len(texts_of(tmp_path / "out")) > 3
    assert all(len(row["text"]) < 80 for row in dropped_of(tmp_path / "out"))


def test_one_item_on_which_the_recipe_fails_does_not_end_the_run(tmp_path: Path, teacher: str) -> None:
    class Failing(Echo):
        """A recipe with a fault."""

        def chain(self, item: Item, random: Random) -> Chain:
            """Return the requests, but for one item."""
            if item.number == self.fails:
                raise KeyError("odd")
            return super().chain(item, random)

        fails = 7

    done = ran(dataclasses.replace(echo(teacher, count=20), recipe=Failing()), tmp_path / "out")
    assert (done.totals.kept, done.totals.failed) == (19, {"recipe_error": 1})
    [row] = dropped_of(tmp_path / "out")
    assert (row["id"], row["reason"]) == ("echo/7", "KeyError: 'odd'")


def test_a_recipe_that_fails_on_every_answer_ends_the_run_soon(tmp_path: Path) -> None:
    class Failing(Echo):
        """A recipe that the worked examples suit, and no answer does."""

        def chain(self, item: Item, random: Random) -> Chain:
            """Return the requests."""
            reply = yield Ask(self.template, {"text": "文"})
            if reply.text != "短い文章です。":
                raise KeyError("odd")
            return Made(Document(item.key, reply.text), reply.text)

    with rehearsing(tmp_path / "log.jsonl") as mock:
        with pytest.raises(KeyError):
            ran(dataclasses.replace(echo(mock.url, count=50), recipe=Failing()), tmp_path / "out")
        assert len(mock.log_lines()) == 3


def test_thoughts_before_an_answer_are_no_part_of_it(tmp_path: Path) -> None:
    answers = iter(["<think>\n長い\n考え</think>\n答え", "<think>考えだけ</think>", "答えの<think>例</think>"])
    with in_a_thread(replying(lambda prompt: (next(answers), None))) as url:
        one_by_one = RemoteModel(urls=(url,), model="m", concurrency=1)
        done = ran(dataclasses.replace(echo(count=3), teacher=one_by_one), tmp_path / "out")
    assert [*texts_of(tmp_path / "out").values()] == ["答え", "答えの<think>例</think>"]
    assert done.totals.dropped == {"the answer is empty": 1}


def test_half_of_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    body = b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "a\\ud83e b"}}]}'
    with in_a_thread(replying(lambda prompt: web.Response(body=body, content_type="application/json"))) as url:
        run = dataclasses.replace(echo(count=1), teacher=RemoteModel(urls=(url,), model="m"))
        ran(run, tmp_path / "out")
    assert texts_of(tmp_path / "out") == {"echo/0": "a? b"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"urls": ()}, "give its address by --teacher.urls"),
        ({"model": "other"}, "has no model 'other'; the nearest is 'rehearsal'"),
        ({"key_variable": "NO_SUCH_KEY"}, "NO_SUCH_KEY, the variable of the key"),
    ],
)
def test_a_teacher_that_cannot_be_used_is_named(
    tmp_path: Path, teacher: str, fields: dict[str, Any], said: str
) -> None:
    run = dataclasses.replace(echo(count=5), teacher=RemoteModel(**{"urls": (teacher,), **fields}))
    with pytest.raises(InputError, match=said):
        ran(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_first_refused_request_is_the_only_one(tmp_path: Path) -> None:
    asked = list[str]()

    def reply(prompt: str) -> Any:
        asked.append(prompt)
        return web.json_response({"error": {"message": "response_format is not supported"}}, status=400)

    with in_a_thread(replying(reply)) as url:
        run = dataclasses.replace(echo(count=50), teacher=RemoteModel(urls=(url,), model="m"))
        with pytest.raises(InputError, match=r"the first request was refused: .*response_format is not supported"):
            ran(run, tmp_path / "out")
    assert len(asked) == 1


def test_another_division_of_a_begun_run_is_refused(tmp_path: Path, teacher: str) -> None:
    ran(echo(teacher, count=10), tmp_path / "out")
    with pytest.raises(InputError, match="was begun with --part-items 10000"):
        ran(echo(teacher, count=10, part_items=5), tmp_path / "out")


def test_folders_of_others_are_left_alone(tmp_path: Path, teacher: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").touch()
    with pytest.raises(InputError, match="is no folder of a synthesis run"):
        ran(echo(teacher, count=2), tmp_path / "mine")


@pytest.mark.thorough
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_run_that_is_killed_ends_with_the_same_records(tmp_path: Path, kills: int) -> None:
    """Requests that are repeated are at most those in flight at each kill."""
    concurrency = 10
    with rehearsing(tmp_path / "log.jsonl", "--latency", "0.1") as teacher:
        expected = ran(echo(teacher.url, steps=3, count=300, part_items=100), tmp_path / "whole")
        asked = len(teacher.log_lines())
        command: list[Any] = [sys.executable, "-m", "tanuki_jax.synthesize", f"--config={FILE}:slow"]
        command += ["--teacher.urls", teacher.url, "--teacher.concurrency", concurrency, "--out", tmp_path / "out"]
        words = [str(word) for word in command]
        draw = random.Random(kills)
        for _ in range(kills):
            before = len(teacher.log_lines())
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and len(teacher.log_lines()) < before + 5:
                time.sleep(0.1)  # until it asks
            time.sleep(draw.uniform(0.0, 1.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(0.3)  # its process ends with it
        subprocess.run(words, check=True, capture_output=True)
        again = len(teacher.log_lines()) - 2 * asked
    assert texts_of(tmp_path / "out") == texts_of(tmp_path / "whole")
    assert expected.totals.kept == 300
    # In flight, or answered and not yet written, when the process was killed.
    assert 0 <= again <= kills * concurrency * (1 + 2 * FLUSH_SECONDS / 0.1)
