"""The limit of a run's cost, which all its tasks keep together: a file that each of them locks for a moment."""

import dataclasses
import json
from pathlib import Path

from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.claims import exclusive
from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answer_journal import AnswerJournal
from tanuki_jax.corpus.synthesis.part_files import JOURNAL

_FILE = "budget.json"


def begin_budget(folder: Path) -> None:
    """Write what a run has paid so far, before its tasks begin: by the answers in its journals, or by the last run's
    file if that is more, since a task that was killed had paid for answers that it had not written yet."""
    spent = _Spent(0.0, 0.0, 0)
    for path in sorted((folder / JOURNAL).glob("*.zst")):
        with AnswerJournal(path) as journal:
            spent = _Spent(spent.paid + journal.paid, 0.0, spent.answers + len(journal.answers))
    before = _read_spent(folder / _FILE)
    if before is not None and before.paid > spent.paid:
        spent = dataclasses.replace(before, reserved=0.0)
    replace_text(folder / _FILE, json.dumps(dataclasses.asdict(spent)))


@dataclasses.dataclass
class _Spent:
    """Contents of the file."""

    paid: float
    reserved: float
    """Price that is reserved for requests in flight."""
    answers: int
    """Number of answers that were paid."""


def _read_spent(path: Path) -> _Spent | None:
    """Return what a file says was spent; None: it is not there, or damaged."""
    try:
        return _Spent(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


class Budget:
    """The rest of the limit.

    A request reserves the mean price of the answers so far, and pays its own in the end. So the limit is exceeded by no
    more than the answers in flight differ from the mean; before there is a mean, each task makes one item alone.
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
            spent = self._read()
            price = spent.paid / spent.answers if spent.answers else 0.0
            if spent.paid + spent.reserved + price > self._limit:
                raise InputError(
                    f"the limit of the cost, --max-cost {self._limit:g}, is reached: {spent.paid:.4g} is spent, "
                    f"{spent.reserved:.4g} in flight; raise it and start again to go on"
                )
            spent.reserved += price
            self._write(spent)
        return price

    def settle(self, reserved: float, price: float | None) -> None:
        """Pay the price of an answer in place of what was reserved; None: there was no answer."""
        if self._limit:
            with exclusive(self._lock):
                spent = self._read()
                spent.reserved -= reserved
                if price is not None:
                    spent.paid, spent.answers = spent.paid + price, spent.answers + 1
                self._write(spent)

    def _read(self) -> _Spent:
        spent = _read_spent(self._path)
        if spent is None:
            raise InputError(f"{self._path} is missing or damaged, so that it is not known what was spent; start again")
        return spent

    def _write(self, spent: _Spent) -> None:
        replace_text(self._path, json.dumps(dataclasses.asdict(spent)), sync=False)
