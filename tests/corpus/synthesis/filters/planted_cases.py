"""Texts with and without a planted fault, written by hand or made from frames, by which filters are measured."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tanuki_jax.corpus.records.types import Document
from tanuki_jax.corpus.synthesis.made import Filter, Made

CASES = Path(__file__).parent / "cases"
HELD_OUT = 3
"""One in so many frames is held out: it was not looked at while the filters were tuned, like the cases of a file that
say so."""


@dataclass(frozen=True)
class Case:
    """A text with its sources, and whether a filter should drop it."""

    written: str
    sources: tuple[str, ...]
    fault: bool
    held_out: bool

    @property
    def made(self) -> Made:
        """Return the case as a filter gets it."""
        return Made(Document("case", self.written), self.written, self.sources)


@dataclass(frozen=True)
class Measured:
    """Precision and recall of a filter over cases."""

    precision: float
    recall: float
    cases: int
    wrong: tuple[Case, ...]


def by_hand(name: str) -> list[Case]:
    """Return the cases of a file."""
    rows = [json.loads(line) for line in (CASES / f"{name}.jsonl").read_text("utf-8").splitlines()]
    return [Case(row["written"], tuple(row.get("sources", ())), row["fault"], row["held_out"]) for row in rows]


def measure(cases: Sequence[Case], a_filter: Filter) -> Measured:
    """Return precision and recall of a filter over cases."""
    dropped = [bool(a_filter.reason(case.made)) for case in cases]
    right = sum(was and case.fault for was, case in zip(dropped, cases, strict=True))
    wrong = tuple(case for was, case in zip(dropped, cases, strict=True) if was != case.fault)
    faults = sum(case.fault for case in cases)
    return Measured(right / max(sum(dropped), 1), right / max(faults, 1), len(cases), wrong)


def from_frames(
    frames: Sequence[str], fill: Callable[[str, Random, bool], tuple[str, tuple[str, ...]]], each: int, seed: int
) -> list[Case]:
    """Return `each` cases with the fault and as many without it for each frame.

    Args:
        frames: frames; each third one is held out.
        fill: returns written text and sources of a frame, with the fault if the last argument says so.
        each: number of cases of a kind.
        seed: seed of the draws.
    """
    cases = []
    for number, frame in enumerate(frames):
        random = Random(f"{seed} {frame}")
        for fault in (True, False) * each:
            written, sources = fill(frame, random, fault)
            cases.append(Case(written, sources, fault, (number + number // HELD_OUT) % HELD_OUT == HELD_OUT - 1))
    return cases
