"""Small corpora, scanned in this process."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from tanuki_jax.corpus.cleaning.engines.stage import Beacon, Stage
from tanuki_jax.corpus.cleaning.parts import Part, cut
from tanuki_jax.corpus.cleaning.pipeline import reading
from tanuki_jax.corpus.coverage.count_facts import Around, FactCounts, count_facts
from tanuki_jax.corpus.coverage.facts import Fact, Word, spellings_of
from tanuki_jax.corpus.coverage.postings import FORMAT
from tanuki_jax.corpus.coverage.postings_folder import PostingsFolder


class Here:
    """Engine that runs tasks one after the other in this process."""

    def run(self, stage: Stage, tasks: Sequence[int], each_look: Callable[[], None]) -> None:
        """Do the tasks."""
        for task in tasks:
            beacon: Beacon | None = None
            stage.run(task, beacon)  # type: ignore[arg-type]  # tasks that write one file show nothing


def write_corpus(path: Path, texts: Sequence[str]) -> Path:
    """Write texts as JSON lines."""
    lines = [json.dumps({"id": f"d{number}", "text": text}, ensure_ascii=False) for number, text in enumerate(texts)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def parts_of(*paths: Path, part_bytes: int = 1 << 26) -> tuple[Part, ...]:
    """Return the parts of files."""
    return cut(reading(tuple(map(str, paths)), "text", part_bytes), FORMAT).parts


def fact(entity: str, relation: str, *answers: str, wrong: Sequence[str] = ()) -> Fact:
    """Return a fact; spellings are between |."""

    def word(text: str) -> Word:
        spellings = text.removeprefix("*").split("|")
        return Word(spellings[0], tuple(spellings), text.startswith("*"))

    return Fact(word(entity), word(relation), tuple(map(word, answers)), tuple(map(word, wrong)), 1)


def counted(
    folder: Path,
    texts: Sequence[str],
    *facts: Fact,
    window: int = 70,
    around: Around = "both",
    part_bytes: int = 1 << 26,
) -> list[FactCounts]:
    """Scan texts for facts, and count them; again in one folder: the postings are used that are there."""
    path = folder / "corpus.jsonl"
    parts = parts_of(path if path.exists() else write_corpus(path, texts), part_bytes=part_bytes)
    files = PostingsFolder(folder / "out", parts).scan(spellings_of(facts), Here())
    return count_facts(facts, files, window=window, around=around)
