"""An engine: it lets many texts grow at once, and takes in new ones while it does."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tanuki_jax.inference.engine.executor import Executor
from tanuki_jax.inference.engine.job import Job, Update
from tanuki_jax.inference.engine.pages import PagePool
from tanuki_jax.inference.engine.programs import MOST_STEPS
from tanuki_jax.inference.engine.rows import ActiveRow, Report, scored
from tanuki_jax.inference.load_model import LoadedModel
from tanuki_jax.inference.text_deltas import RowText

_log = logging.getLogger(__name__)

CALL_SECONDS = 0.04
"""Time that one call on the device may take: new jobs and streamed text wait for its end."""
_OLDEST_EVERY = 4
"""Every so many parts of prompts, one is of the prompt that has waited longest; the others are of the shortest."""


class Engine:
    """Jobs of one model. Not safe for threads, except `submit`, `cancel` and the counts.

    Attributes:
        loaded: model and tokenizer.
        rows: most jobs that are worked on at once.
    """

    def __init__(
        self, loaded: LoadedModel, *, rows: int, cache_tokens: int, page: int, reuse: bool, ready: bool = True
    ) -> None:
        """Compile the programs, which takes seconds to minutes.

        Args:
            loaded: model and tokenizer.
            rows: most jobs that are worked on at once.
            cache_tokens: tokens whose keys and values the cache holds, at least a page for each row.
            page: tokens of a page, a power of two.
            reuse: whether prompts that begin alike share what was computed.
            ready: whether all programs are compiled now, so that no job waits for one later.
        """
        assert page & (page - 1) == 0, page
        pages = -(-cache_tokens // page) + 1
        self.loaded, self.rows, self._page = loaded, rows, page
        self._executor = Executor(loaded, rows=rows, pages=pages, page=page, ready=ready)
        self._pool = PagePool(pages, page, reuse=reuse)
        self._active: list[ActiveRow] = []
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Job, Report]] = deque()
        self._cancelled: set[Job] = set()
        self._parts_read = self._reused = 0
        self._step_seconds = CALL_SECONDS
        self._finished_at = time.monotonic()
        self._seconds_per_job = 0.1
        self._worker: ThreadPoolExecutor | None = None

    @property
    def longest(self) -> int:
        """Return the most tokens of a prompt and its new tokens together."""
        return min(self.loaded.limit, self._pool.total * self._page)

    @property
    def waiting(self) -> int:
        """Return the number of jobs that wait for a row or for pages."""
        return len(self._waiting)

    @property
    def active(self) -> int:
        """Return the number of jobs that have a row."""
        return len(self._active)

    @property
    def pages(self) -> tuple[int, int]:
        """Return the numbers of pages in use and of all."""
        return self._pool.used, self._pool.total

    @property
    def reused(self) -> int:
        """Number of tokens of prompts that were not read because other prompts began with them."""
        return self._reused

    @property
    def seconds_per_job(self) -> float:
        """Seconds between the ends of two jobs, averaged over the last ones."""
        return self._seconds_per_job

    def submit(self, job: Job, report: Report) -> None:
        """Put a job behind those that wait.

        Args:
            job: its prompt and new tokens together are at most `longest`.
            report: called in the thread that calls `step`, again and again until an update is `done`; not after the
                job was cancelled.
        """
        assert len(job.prompt) + job.tokens <= self.longest, (len(job.prompt), job.tokens, self.longest)
        with self._lock:
            self._waiting.append((job, report))

    def cancel(self, job: Job) -> None:
        """Let the next `step` forget a job. A job that is done already is not changed."""
        with self._lock:
            self._cancelled.add(job)

    def step(self) -> bool:
        """Read parts of prompts, and add tokens to all rows that are read. Return whether there was work."""
        self._forget_cancelled()
        self._admit()
        if not self._active:
            return False
        self._read_prompts()
        ready = [row for row in self._active if not row.reading]
        for row in ready:
            if not row.left:
                self._finish(row, Update(prompt_scores=tuple(row.prompt_scores), embedding=row.states_sum, done=True))
        self._decode([row for row in ready if row.left], others_read=len(ready) < len(self._active))
        return True

    def step_elsewhere(self) -> bool:
        """Do a step in a thread of the engine's own, and wait for it.

        Ctrl-C is raised in the main thread, and ends the waiting, not the step: the next step waits for this one, and
        the engine stays usable.
        """
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        return self._worker.submit(self.step).result()

    def _forget_cancelled(self) -> None:
        with self._lock:
            cancelled, self._cancelled = self._cancelled, set()
            if cancelled:
                self._waiting = deque(pair for pair in self._waiting if pair[0] not in cancelled)
        if cancelled:
            for row in [row for row in self._active if row.job in cancelled]:
                self._release(row)

    def _admit(self) -> None:
        """Give rows and pages to jobs in the order in which they came."""
        while self._waiting and len(self._active) < self.rows:
            with self._lock:
                if not self._waiting:
                    return
                job, report = self._waiting[0]
                # Scores need the states of all tokens, and a shared page has none; an embedding too.
                shareable = () if job.prompt_logprobs or job.embed else job.prompt[:-1]
                allocation = self._pool.allocate(shareable, len(job.prompt) + job.tokens)
                if allocation is None:
                    return
                self._waiting.popleft()
            self._reused += allocation.reused
            table = np.zeros(self._executor.table, np.int32)
            table[: len(allocation.pages)] = allocation.pages
            tokenizer, most = self.loaded.tokenizer, len(job.prompt) + job.tokens
            text = RowText(tokenizer.decode, job.prompt, job.stop, most, tokenizer.undecided)
            self._active.append(ActiveRow(job, report, allocation, table, text, [*job.prompt], allocation.reused))

    def _read_prompts(self) -> None:
        """Read parts of one or several prompts, together about a page: rows that are decoded wait so long."""
        tokens = 0
        while tokens < self._page and (reading := [row for row in self._active if row.reading]):
            tokens += self._read_part(self._next_reader(reading))

    def _next_reader(self, reading: Sequence[ActiveRow]) -> ActiveRow:
        """Return the row whose prompt is read on: mostly the one with the least to read, so that a short prompt does
        not wait for a long one, and now and then the oldest, so that a long one does not wait for ever."""
        self._parts_read += 1
        if self._parts_read % _OLDEST_EVERY == 0:
            return reading[0]
        return min(reading, key=lambda row: row.to_read - row.read)

    def _read_part(self, row: ActiveRow) -> int:
        """Read up to a page of a prompt, and return the number of tokens."""
        job, executor = row.job, self._executor
        part = job.prompt[row.read : min(row.read + self._page, row.to_read)]
        states_td = executor.read(part, row.read, row.table)
        if job.prompt_logprobs:
            following = [*job.prompt[row.read + 1 : row.read + len(part) + 1]]
            row.prompt_scores += scored(executor.score(states_td, following), following)
        if job.embed:
            total = executor.sum(states_td, len(part))
            row.states_sum = total if row.states_sum is None else row.states_sum + total
        if len(part) == self._page:
            self._pool.publish(job.prompt, row.allocation, row.read // self._page)
        row.read += len(part)
        return len(part)

    def _decode(self, rows: Sequence[ActiveRow], *, others_read: bool) -> None:
        """Add tokens to rows; several to each if no other row waits to be read."""
        detailed = [row for row in rows if row.job.detailed]
        plain = [row for row in rows if not row.job.detailed]
        most = self._executor.sizes[-1]
        for first in range(0, len(detailed), most):
            self._decode_detailed(detailed[first : first + most])
        if not plain:
            return
        in_time = max(1, min(MOST_STEPS, int(CALL_SECONDS / self._step_seconds)))
        steps = 1 if others_read or detailed else in_time
        before, longest = time.monotonic(), 1
        for first in range(0, len(plain), most):
            group = plain[first : first + most]
            added = self._executor.decode([row.as_program_row() for row in group], steps)
            longest = max(longest, *map(len, added))
            for row, tokens in zip(group, added, strict=True):
                with self._failing_alone(row):
                    self._add(row, tokens, Update())
        self._step_seconds = (time.monotonic() - before) / longest

    def _decode_detailed(self, rows: Sequence[ActiveRow]) -> None:
        vocabulary, changes = self.loaded.model.vocabulary, {}
        for row in rows:
            with self._failing_alone(row):
                changes[row] = row.bias(vocabulary)
        if not changes:
            return
        program_rows, bias_bv = [row.as_program_row() for row in changes], np.stack([*changes.values()])
        tokens, scores = self._executor.decode_detailed(program_rows, bias_bv)
        for row, token, score in zip(changes, tokens, scored(scores, tokens), strict=True):
            with self._failing_alone(row):
                if row.job.grammar is not None:
                    row.job.grammar.add(token)
                self._add(row, [token], Update(scores=(score,) if row.job.logprobs else ()))

    @contextlib.contextmanager
    def _failing_alone(self, row: ActiveRow) -> Iterator[None]:
        """Let an error in a row's text or grammar end its job, and no other."""
        try:
            yield
        except Exception:
            _log.exception("a request ended with an error")
            self._finish(row, Update(failed=True, done=True))

    def _add(self, row: ActiveRow, tokens: list[int], update: Update) -> None:
        """Add new tokens to a row, and report what is new."""
        ended = bool(tokens) and tokens[-1] in self.loaded.end_ids
        new = tokens[:-1] if ended else tokens
        row.ids += new
        delta = row.text.add(row.ids, ended=ended)
        done = delta.finish_reason is not None
        kept = tuple(new[: delta.tokens])
        update = update._replace(
            text=delta.text,
            tokens=kept,
            scores=update.scores[: len(kept)],
            prompt_scores=tuple(row.prompt_scores),
            finish_reason=delta.finish_reason,
            done=done,
        )
        row.prompt_scores = []
        if done:
            self._finish(row, update)
        else:
            row.report(update)

    def _finish(self, row: ActiveRow, update: Update) -> None:
        self._release(row)
        now = time.monotonic()
        seconds = now - max(self._finished_at, row.began_at)
        self._seconds_per_job += 0.05 * (seconds - self._seconds_per_job)
        self._finished_at = now
        if update.embedding is not None:
            update = update._replace(embedding=update.embedding / np.float32(len(row.job.prompt)))
        row.report(update)

    def _release(self, row: ActiveRow) -> None:
        self._active.remove(row)
        self._pool.free(row.allocation)
