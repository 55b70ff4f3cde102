"""Tasks of lm-eval ask the same questions, and score the answers of one model item by item as ours do."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tanuki_jax.evaluation.benchmarks.jcommonsenseqa import JCommonsenseQa
from tanuki_jax.evaluation.benchmarks.jnli import Jnli
from tanuki_jax.evaluation.benchmarks.jsts import Jsts
from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.server.registry import Registry
from tanuki_jax.inference.server.served_model import ServedModel
from tests.evaluation.benchmarks.jaster_data import write_jcommonsenseqa, write_lines
from tests.evaluation.peers.digit_answers import answering_digits
from tests.evaluation.peers.lm_eval_agreement import agreements
from tests.inference.server.conftest import Server, serving
from tests.inference.untrained import make_tokenizer, untrained

pytestmark = pytest.mark.peers
LIMIT = 2048


@pytest.fixture(scope="module")
def long_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a model of random weights that reads long texts."""
    loaded = dataclasses.replace(untrained(make_tokenizer(tmp_path_factory.mktemp("t") / "tokenizer")), limit=LIMIT)
    engine = Engine(loaded, rows=4, cache_tokens=4 * LIMIT, page=64, reuse=True)
    served = ServedModel("untrained", loaded, engine, most_waiting=64, fingerprint="random")
    with serving(Registry([served], most_tokens=0)) as listening:
        yield listening


def write_mgsm(data: Path, count: int) -> None:
    (data / "mgsm_ja").mkdir()
    draw = random.Random(0)
    lines = [f"卵が{draw.randrange(100)}個あります。いくつですか。\t{number}\n" for number in range(count)]
    (data / "mgsm_ja" / "mgsm_ja.tsv").write_text("".join(lines), encoding="utf-8")


def test_lm_eval_scores_every_item_as_ours_do(
    long_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    write_jcommonsenseqa(tmp_path, 6)
    write_mgsm(tmp_path, 4)
    for name in ("jnli", "jsts"):
        rows: list[dict[str, object]] = [
            {"sentence_pair_id": str(n), "sentence1": f"犬が{n}匹。", "sentence2": "犬がいる。"}
            | {"label": "neutral" if name == "jnli" else n / 2}
            for n in range(4)
        ]
        write_lines(tmp_path / name / "valid-v1.3.json", *rows)
    further = (Jnli(form="loglikelihood"), Jnli(form="text"), Jsts(form="text"), JCommonsenseQa(form="loglikelihood"))
    with answering_digits(f"http://127.0.0.1:{long_server.port}/v1") as url:
        found = agreements(url, tmp_path, 6) + agreements(url, tmp_path, 6, further)
    assert len(found) == 12 and sum(len(each.ours) for each in found) > 50
    assert {each.benchmark: each.differing for each in found if each.differing} == {}
    for form in ("text", "loglikelihood"):  # not all right, not all wrong
        assert any(0 < sum(each.ours) < len(each.ours) for each in found if each.benchmark.endswith(form))
