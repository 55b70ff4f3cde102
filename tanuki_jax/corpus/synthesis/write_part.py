"""The work of one task: items become records by requests to the teacher, many at once."""

import asyncio
import contextlib
import dataclasses
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tanuki_jax.base.atomic import replace_text, replacing
from tanuki_jax.base.errors import CommandError, InputError
from tanuki_jax.client import outcomes
from tanuki_jax.client.answer_journal import AnswerJournal, Stored, hash_of
from tanuki_jax.client.answers import Failure
from tanuki_jax.client.client import Client
from tanuki_jax.config.remote_model import RemoteModel
from tanuki_jax.corpus.records.write import write
from tanuki_jax.corpus.synthesis.budget import Budget
from tanuki_jax.corpus.synthesis.filters.filter_table import reason_to_drop
from tanuki_jax.corpus.synthesis.item_parts import ItemPart, items_of
from tanuki_jax.corpus.synthesis.made import Made, characters_of
from tanuki_jax.corpus.synthesis.part_files import PartFiles
from tanuki_jax.corpus.synthesis.part_totals import PartTotals, most_common
from tanuki_jax.corpus.synthesis.prompts import Prompts
from tanuki_jax.corpus.synthesis.recipe import Ask, Chain, Dropped, Item, Reply
from tanuki_jax.corpus.synthesis.rehearse_item import MOST_STEPS
from tanuki_jax.corpus.synthesis.requests_of import body_of, estimated_tokens
from tanuki_jax.corpus.synthesis.synthesis_settings import Synthesis

FLUSH_SECONDS = 0.25
"""Seconds between two writes of the journal."""
STATUS_SECONDS = 0.5
"""Seconds between two writes of the counts."""
RECIPE_ERROR = "recipe_error"
"""Kind of failure of an item on which the recipe or a filter failed."""
CUT_OFF, EMPTY = "the answer was cut off", "the answer is empty"
STOPPED = "the server stopped the answer"
MOST_FAILING = 3
"""Number of first items of a part on all of which the recipe must fail to end the run."""
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>\s*", re.DOTALL)
_ENDED = {None, "stop", "eos", "eos_token", "end_turn", "stop_sequence"}
"""Reasons for the end of an answer that ended by itself."""
_REFUSED = {each.kind for each in (outcomes.BAD_REQUEST, outcomes.UNAUTHORIZED, outcomes.NOT_FOUND, outcomes.REFUSED)}
_TEXTS = pa.schema([("id", pa.string()), ("text", pa.string()), ("style", pa.string())])


class _Failed(Exception):
    """An item of which a request failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclasses.dataclass(frozen=True)
class Models:
    """Names of the models that answer, as the servers call them."""

    teacher: str
    judge: str
    """Name of the judge's model; empty: the teacher judges."""


@dataclasses.dataclass
class _Ended:
    """The end of an item."""

    key: str
    made: Made | None = None
    """Its record; None: it has none, or a filter dropped it."""
    reason: str = ""
    """Reason for the end without a record; empty: there is one."""
    kind: str = ""
    """Kind of the failure of its request; empty: none failed."""
    written: str = ""
    """The record that a filter dropped, or the last answer."""


class PartWriter:
    """The task of one part."""

    def __init__(self, synthesis: Synthesis, part: ItemPart, files: PartFiles, models: Models) -> None:
        """Send nothing yet.

        Args:
            synthesis: recipe, filters and teacher.
            part: the items.
            files: files of the part, whose folders exist.
            models: names of the models.
        """
        self._synthesis, self._part, self._files, self._models = synthesis, part, files, models
        self._prompts = Prompts(synthesis.recipe.templates)
        self._totals = PartTotals()
        self._ended: dict[int, _Ended] = {}
        self._stopped: CommandError | None = None
        self._flushing = ThreadPoolExecutor(1)  # not asyncio's threads, which may all wait for programs of a recipe
        self._budget = Budget(files.folder, synthesis.max_cost)
        self._clients: dict[str, Client] = {}
        self._journal: AnswerJournal

    def run(self) -> PartTotals:
        """Make the part's records and write its files. Return its counts.

        Raises:
            CommandError: the teacher cannot be used, the limit of the cost is reached, or too much is dropped.
        """
        with AnswerJournal(self._files.journal) as self._journal:
            try:
                asyncio.run(self._run())
            finally:
                self._flushing.shutdown()
                self._files.write_status(self._totals)
                _write_dropped(self._files.dropped, self._ended)
        ended = [self._ended[number] for number in sorted(self._ended)]
        if made := [each.made for each in ended if each.made is not None]:
            write(self._files.made, (each.record for each in made))
            rows = [{"id": each.record.id, "text": each.written, "style": each.style} for each in made]
            with replacing(self._files.texts) as partial:
                pq.write_table(pa.Table.from_pylist(rows, _TEXTS), partial, compression="zstd")
        self._files.write_counts(self._totals)
        return self._totals

    async def _run(self) -> None:
        async with self._opened():
            numbered, accepted = enumerate(items_of(self._part, self._synthesis)), asyncio.Event()
            endpoints = self._synthesis.teacher.endpoints("teacher") if self._synthesis.recipe.asks else ()
            others = sum(each.concurrency for each in endpoints) - 1
            workers = [self._work_first(numbered, accepted), *(self._work(numbered, accepted) for _ in range(others))]
            await _work_watched(workers, self._watch())
            if self._stopped is not None:
                raise self._stopped

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        """Open the clients."""
        synthesis = self._synthesis
        async with contextlib.AsyncExitStack() as stack:
            if not synthesis.recipe.asks:
                yield
                return
            teacher = Client(synthesis.teacher.endpoints("teacher"), synthesis.requests)
            self._clients["teacher"] = self._clients["judge"] = await stack.enter_async_context(teacher)
            if self._models.judge:
                judge = Client(synthesis.judge.endpoints("judge"), synthesis.requests)
                self._clients["judge"] = await stack.enter_async_context(judge)
            yield

    async def _work_first(self, numbered: Iterator[tuple[int, Item]], accepted: asyncio.Event) -> None:
        """Make the first item alone, so that what the server refuses is said before a thousand such requests are sent,
        and then others."""
        for number, item in numbered:
            await self._finish(number, item)
            if self._stopped is not None:
                break
            self._check_first(number)
            if self._totals.requests and self._ended[number].kind != RECIPE_ERROR:
                break
        accepted.set()
        await self._work(numbered, accepted)

    async def _work(self, numbered: Iterator[tuple[int, Item]], accepted: asyncio.Event) -> None:
        """Make one item after the other, once the first one was accepted."""
        await accepted.wait()
        while self._stopped is None and (numbered_item := next(numbered, None)) is not None:
            await self._finish(*numbered_item)
            await asyncio.sleep(0)  # answers from the journal never wait, and would keep the watch from its turns

    async def _watch(self) -> None:
        """Write the journal and the counts now and then, until it is cancelled."""
        loop = asyncio.get_running_loop()
        next_status = loop.time()
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await loop.run_in_executor(self._flushing, self._journal.flush)
            if loop.time() >= next_status:
                self._files.write_status(self._totals)
                next_status = loop.time() + STATUS_SECONDS

    async def _finish(self, number: int, item: Item) -> None:
        """Make the record of an item, and count how it ended.

        An error that ends the run is noted: what is in flight is paid, and ends first.
        """
        ended = _Ended(item.key)
        try:
            ended.made = await self._chain(item, ended)
        except Dropped as dropped:
            ended.reason = str(dropped)
        except _Failed as failed:
            ended.kind, ended.reason = failed.failure.kind, failed.failure.message
        except CommandError as error:
            self._stopped = self._stopped or error
            return
        except OSError:
            raise
        except Exception as error:
            if number == MOST_FAILING - 1 == self._totals.failed[RECIPE_ERROR]:
                raise
            # One odd answer must not end a run of a million. Many of them do, by the gate.
            ended.kind, ended.reason = RECIPE_ERROR, f"{type(error).__name__}: {error}"
        self._count(ended)
        self._ended[number] = ended
        if self._totals.finished == self._synthesis.gate_items:
            self._stopped = self._stopped or self._gate_error()

    async def _chain(self, item: Item, ended: _Ended) -> Made:
        """Return the record of an item. Dropped if a filter drops it."""
        recipe, step = self._synthesis.recipe, 0
        chain = recipe.chain(item, item.random(self._synthesis.seed))
        found = _advance(chain, None)
        while isinstance(found, Ask):
            if step == MOST_STEPS:
                raise RuntimeError(f"the chain has not ended after {MOST_STEPS} requests")
            stored = await self._answer(found, item, step)
            ended.written = stored.texts[0]
            reply, step = read_reply(stored, found), step + 1
            found = await asyncio.to_thread(_advance, chain, reply) if recipe.waits else _advance(chain, reply)
        made = found
        ended.written = made.written
        if reason := reason_to_drop(made, self._synthesis.filters):
            raise Dropped(reason)
        ended.written = ""
        return made

    async def _answer(self, ask: Ask, item: Item, step: int) -> Stored:
        """Return the answer to a request: from the journal, or from the model."""
        synthesis, judged = self._synthesis, ask.by == "judge" and bool(self._models.judge)
        model = self._models.judge if judged else self._models.teacher
        body = body_of(ask, self._prompts, item=item, step=step, seed=synthesis.seed, model=model)
        key = hash_of(body)
        stored, payer = self._journal.answers.get(key), synthesis.judge if judged else synthesis.teacher
        if stored is None:
            stored = await self._asked(ask, body, payer)
            self._journal.add(key, stored)
        else:
            self._totals.reused += 1
        self._totals.requests += 1
        self._totals.templates[ask.template] += 1
        self._totals.input_tokens += stored.input_tokens
        self._totals.output_tokens += stored.output_tokens
        self._totals.output_characters += sum(map(len, stored.texts))
        self._totals.cost += stored.cost
        return stored

    async def _asked(self, ask: Ask, body: dict[str, Any], payer: RemoteModel) -> Stored:
        """Return the model's answer to a request. InputError if the limit of the cost is reached."""
        reserved, price = self._budget.reserve(), None
        try:
            answer = await self._clients[ask.by].post("chat/completions", body)
            if isinstance(answer, Failure):
                raise _Failed(answer)
            tokens = answer.usage.input_tokens, answer.usage.output_tokens
            price = payer.price(*(tokens if any(tokens) else estimated_tokens(body, answer.texts)))
        finally:
            self._budget.settle(reserved, price)
        logprobs = _logprobs(answer.raw) if ask.log_probabilities else None
        return Stored(answer.texts, answer.finish_reasons, *tokens, price, logprobs)

    def _count(self, ended: _Ended) -> None:
        totals = self._totals
        if ended.kind:
            totals.failed[ended.kind] += 1
        elif ended.made is None:
            totals.dropped[ended.reason] += 1
        else:
            totals.kept += 1
            totals.characters += characters_of(ended.made.record)

    def _check_first(self, number: int) -> None:
        """Raise InputError if the first item's request was refused as no other would be accepted."""
        ended = self._ended[number]
        if ended.kind in _REFUSED:
            raise InputError(f"the first request was refused: {ended.reason}; nothing else was sent")

    def _gate_error(self) -> InputError | None:
        """Return an error if too many of the finished items were dropped."""
        totals, share = self._totals, self._synthesis.gate_share
        reasons = totals.dropped + Counter({RECIPE_ERROR: totals.failed[RECIPE_ERROR]})
        if reasons.total() <= share * totals.finished:
            return None
        return InputError(
            f"{reasons.total():,} of the first {totals.finished:,} items were dropped ({most_common(reasons)}), which "
            f"is more than the share {share:g} (--gate-share); look at them in {self._files.dropped}"
        )


def _advance(chain: Chain, reply: Reply | None) -> Ask | Made:
    """Return a chain's next request, or its record. A StopIteration would not pass a thread."""
    try:
        return next(chain) if reply is None else chain.send(reply)
    except StopIteration as end:
        made: Made = end.value
        return made


def read_reply(stored: Stored, ask: Ask) -> Reply:
    """Return the reply that a chain gets, without what the model thought before it.

    Dropped if an answer is empty or did not end by itself.
    """
    if "length" in stored.ends and not ask.log_probabilities:
        raise Dropped(CUT_OFF)
    if not {*stored.ends} <= _ENDED and not ask.log_probabilities:
        raise Dropped(STOPPED)
    # Halves of surrogate pairs cannot be written.
    texts = tuple(_THOUGHTS.sub("", text.encode(errors="replace").decode()) for text in stored.texts)
    if not all(text.strip() for text in texts):
        raise Dropped(EMPTY)
    return Reply(texts, {} if stored.logprobs is None else {"choices": [{"logprobs": stored.logprobs}]})


def _logprobs(raw: dict[str, Any]) -> Any:
    """Return the log-probabilities of the first choice; None: the server gives none."""
    try:
        return raw["choices"][0]["logprobs"]
    except (KeyError, IndexError, TypeError):
        return None


async def _work_watched(workers: Sequence[Coroutine[Any, Any, None]], watch: Coroutine[Any, Any, None]) -> None:
    """Run the workers until all have ended, and the watch beside them. The first error of any ends all."""
    tasks = [asyncio.ensure_future(each) for each in workers]
    work: asyncio.Future[Any] = asyncio.gather(*tasks)
    watching: asyncio.Future[Any] = asyncio.ensure_future(watch)
    try:
        done, _ = await asyncio.wait([work, watching], return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in (*tasks, work, watching):
            each.cancel()
        await asyncio.gather(*tasks, work, watching, return_exceptions=True)


def _write_dropped(path: Path, ended: dict[int, _Ended]) -> None:
    """Write the items that gave no record, with the reasons."""
    rows = [
        {"id": each.key, "reason": each.reason, "failure": each.kind, "text": each.written}
        for _, each in sorted(ended.items())
        if each.made is None
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    replace_text(path, text.encode(errors="replace").decode())
