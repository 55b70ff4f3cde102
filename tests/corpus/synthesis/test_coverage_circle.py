"""The circle: coverage is counted, the plan is written by a teacher, and coverage is counted again."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.coverage.coverage_commands import coverage
from tanuki_jax.corpus.coverage.coverage_options import Coverage
from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.records.write import write
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.corpus.synthesis.recipes.coverage_gaps import CoverageGaps
from tanuki_jax.corpus.synthesis.run_synthesis import synthesize
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher
from tests.corpus.synthesis.echo import Here

FACTS = """entity\trelation\tanswers
のび太|野比のび太\t特技\t射撃;あやとり
ドラえもん\t好物\tどら焼き|ドラ焼き
"""
WANTED, ROUNDS = 20, 5


def planned(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "plan.jsonl").read_text("utf-8").splitlines()]


def test_the_plan_of_coverage_closes_its_gaps(tmp_path: Path) -> None:
    """Copies do not close them: each text counts once, and the corpus says one fact in 30 copies at first."""
    (tmp_path / "facts.tsv").write_text(FACTS, "utf-8")
    copied = "のび太の特技は射撃だと、だれもが知っている。" + "その日の空は青かった。" * 8
    write(tmp_path / "web.jsonl", [Document(f"w{number}", copied) for number in range(30)])
    corpus = [str(tmp_path / "web.jsonl")]
    shipped = synthesis.find("coverage")
    missing = list[int]()
    with in_a_thread(mock_teacher(Behaviour())) as url:
        for number in range(ROUNDS):
            out = tmp_path / f"counted{number}"
            coverage(Coverage(facts=str(tmp_path / "facts.tsv"), corpus=tuple(corpus), out=str(out), wanted=WANTED))
            plan = planned(out)
            missing.append(sum(line["missing"] for line in plan))
            if not plan:
                break
            run = dataclasses.replace(
                shipped,
                recipe=CoverageGaps(surplus=4),  # the mock teacher rarely says the fact by itself
                inputs=(str(out / "plan.jsonl"),),
                teacher=RemoteModel(urls=(url,)),
                gate_items=0,
            )
            done = synthesize(run, tmp_path / f"written{number}", Here())
            corpus += [str(path) for path in done.written.files]
    assert missing[0] == 3 * WANTED - 1
    assert missing[-1] == 0
    assert len(missing) > 1
