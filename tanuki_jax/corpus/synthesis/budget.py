"""The limit of a run's cost, which all its tasks keep together: a file that each of them locks for a moment."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import exclusive
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.synthesis.answer_journal import AnswerJournal

_FILE = "budget.json"


def begin_budget(folder: Path, journals: Iterable[Path]) -> None:
    """Write what a run has paid so far, by the answers in its journals, before its tasks begin."""
    paid, answers = 0.0, 0
    for path in journals:
        with AnswerJournal(path) as journal:
            paid, answers = paid + journal.paid, answers + len(journal.answers)
    replace_text(folder / _FILE, json.dumps([paid, answers]))


class Budget:
    """The rest of the limit.

    A request reserves the mean price of the answers so far, and pays the difference afterwards. So the limit is
    exceeded by no more than the answers in flight differ from the mean; before there is a mean, each task sends one
    item alone.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        """Take the limit; `begin_budget` has made the file.

        Args:
            folder: folder of the run.
            limit: greatest cost; 0: there is no limit.
        """
        self._path, self._lock, self._limit = folder / _FILE, folder / f".{_FILE}.lock", limit

    def reserve(self) -> float:
        """Reserve the price of a request and return it. InputError if the limit is reached."""
        if not self._limit:
            return 0.0
        with exclusive(self._lock):
            paid, answers = self._read()
            price = paid / answers if answers else 0.0
            if paid + price > self._limit or paid >= self._limit:
                raise InputError(
                    f"the limit of the cost, --max-cost {self._limit:g}, is reached: {paid:.4g} is spent or in flight; "
                    "raise it and start again to go on"
                )
            self._write(paid + price, answers)
        return price

    def settle(self, reserved: float, price: float | None) -> None:
        """Pay the price of an answer in place of what was reserved; None: there was no answer."""
        if self._limit:
            with exclusive(self._lock):
                paid, answers = self._read()
                self._write(paid - reserved + (price or 0.0), answers + (price is not None))

    def _read(self) -> tuple[float, int]:
        paid, answers = json.loads(self._path.read_text("utf-8"))
        return paid, answers

    def _write(self, paid: float, answers: int) -> None:
        partial = self._path.with_name(f".{_FILE}.{os.getpid()}")
        partial.write_text(json.dumps([paid, answers]), "utf-8")
        partial.replace(self._path)
