"""Tasks of the Jaster family, as the Nejumi leaderboard 3 asks them: an instruction, examples, a short answer.

The recipe (wandb/llm-leaderboard, `jaster.py`): the instruction stands before the first question; the examples are the
first ones of the training data, as turns of the conversation; the first 100 items of the test data; the first paragraph
of the answer, without quotes and in NFKC, is compared. Beside the strict score stands a flexible one, which looks for
the answer in free text, and a control score, which counts only whether the form was obeyed.
"""

import dataclasses
import unicodedata
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeInt, PositiveInt
from tanuki_jax.evaluation.benchmark import (
    Ask,
    Benchmark,
    Chain,
    Item,
    Items,
    Reply,
    Scores,
    chat,
    complete,
    first_items,
)
from tanuki_jax.evaluation.benchmarks.log_probabilities import ask_probability, read_probability, why_unreadable
from tanuki_jax.evaluation.data_rows import Row, read_rows
from tanuki_jax.evaluation.graders.float_answer import figures_equal

type Form = Literal["chat", "text", "loglikelihood", "free"]

INTRODUCTION = (
    "以下に、あるタスクを説明する指示があり、それに付随する入力が更なる文脈を提供しています。"
    "リクエストを適切に完了するための回答を記述してください。"
)
"""Sentence before every instruction, as the leaderboard has it."""
ANNOUNCEMENTS = ("応答:", "回答:", "答え:")
"""Words before an answer that the recipe leaves out of some tasks."""
FREE_TOKENS = 512
"""Most tokens of an answer in free text."""
FIRST = 100
"""Number of items of the recipe."""


@dataclass(frozen=True, slots=True)
class Question:
    """A row of the data as a task asks it."""

    id: str
    input: str
    output: str
    """Right answer, in exactly the form that is asked for."""
    labels: tuple[str, ...] = ()
    """Answers among which it is chosen; empty: it is not chosen."""
    texts: tuple[str, ...] = ()
    """Texts of the options behind the labels; empty: the labels are their own texts."""
    references: tuple[str, ...] = ()
    """Further right answers."""
    cluster: str = ""
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class JasterTask(Benchmark):
    """A task of the Jaster family."""

    kind: ClassVar[str]
    """Name of the task."""
    instruction: ClassVar[str]
    """Instruction before the first question."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Columns of its file if that has no line of names."""
    compare: ClassVar[Literal["exact", "any_case", "number", "characters"]] = "exact"
    """Comparison of the strict score: the same text, in any case of letters, the same number, or F1 of characters."""
    left_out: ClassVar[tuple[str, ...]] = ()
    """Words that are left out of an answer before it is compared."""
    has_labels: ClassVar[bool] = False
    """Whether the answer is one of some labels."""
    how_to_get: ClassVar[str]
    """Sentence that says where the data are."""
    path: str
    """File of the items."""
    examples: str
    """File of the examples that stand before a question."""
    shots: NonNegativeInt = 0
    """Number of examples before each question, the first ones of their file."""
    form: Form = "chat"
    """Form of the request: a conversation; a text to continue, for models without a chat template; the
    log-probabilities of the answers; or the question alone, to be answered freely."""
    first: NonNegativeInt = FIRST
    """Number of items, the first ones of the file; 0: all."""
    max_tokens: PositiveInt = 32
    """Most tokens of an answer in the form that is asked for."""

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.shots}shot" + ("" if self.form == "chat" else f"_{self.form}")

    @property
    def full_title(self) -> str:
        forms = {"chat": "", "text": ", as text", "loglikelihood": ", log-likelihood", "free": ", answered freely"}
        return f"{self.title}, {self.shots} examples{forms[self.form]}"

    @property
    def path_asked(self) -> str:
        return "completions" if self.form in ("text", "loglikelihood") else "chat/completions"

    @property
    def metrics(self) -> tuple[str, ...]:
        if self.form == "loglikelihood":
            return ("correct",)
        return ("flexible",) if self.form == "free" else ("strict", "flexible", "control")

    @abstractmethod
    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        """Yield the questions of a row.

        Args:
            path: file of the row, for errors.
            number: number of the row, from 1.
            row: row.

        Raises:
            InputError: a field is missing.
        """

    @abstractmethod
    def flexible(self, answer: str, question: Question) -> float:
        """Return the flexible score of a whole answer: whether it states the right answer in free text."""

    @abstractmethod
    def has_form(self, paragraph: str) -> bool:
        """Whether the `first_paragraph` of an answer has the form that is asked for, right or wrong."""

    def further(self, answer: str) -> Mapping[str, float]:
        """Return values of a whole answer besides its scores, by name; the answer of a failed request is empty."""
        return {}

    def strict(self, paragraph: str, question: Question) -> float:
        """Return the strict score of the `first_paragraph` of an answer."""
        right = question.output
        if self.compare == "number":
            return float(figures_equal(paragraph, right))
        return float(paragraph.lower() == right.lower() if self.compare == "any_case" else paragraph == right)

    def load(self, data: Path) -> Items:
        if self.form == "free" and self.shots:
            raise InputError(f"{self.name}: a question that is answered freely has no examples; set shots to 0")
        questions = self.questions(data / self.path)
        shown = self.shown_examples(data)[: self.shots] if self.shots else []
        if len(shown) < self.shots:
            raise InputError(f"{self.name} needs {self.shots} examples, and there are {len(shown)}")
        items = [
            Item(
                each.id,
                each.input,
                each.output,
                each.cluster,
                {**each.tags, "shots": str(self.shots), "form": self.form},
                (tuple(shown), each),
            )
            for each in questions
        ]
        paths = [self.path, *([self.examples] if self.shots and self.examples else [])]
        return Items(first_items(items, self.first), tuple(file for path in paths for file in self.files(data / path)))

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the files of a path of the options: it alone, unless the task reads folders."""
        return (path,)

    def shown_examples(self, data: Path) -> list[Question]:
        """Return the questions that may stand before others, with their answers."""
        return self.questions(data / self.examples)

    def questions(self, path: Path) -> list[Question]:
        """Return the questions of a file. InputError if it is missing or malformed."""
        rows = read_rows(path, columns=self.columns, how=self.how_to_get)
        numbered = [(number, each) for number, row in enumerate(rows, 1) for each in self.read(path, number, row)]
        for number, each in numbered:
            if wanted := self.wanted(each):
                raise InputError(f"row {number} of {path} has the answer {each.output!r:.40}, and must have {wanted}")
        return [each for _, each in numbered]

    def wanted(self, question: Question) -> str:
        """Return the right answer that a question should have, in words; empty: the one that it has is possible."""
        if question.labels and question.output not in question.labels:
            return f"one of {', '.join(question.labels)}"
        return "a number" if self.compare == "number" and not figures_equal(question.output, question.output) else ""

    def chain(self, item: Item) -> Chain:
        shown, question = item.row
        if self.form == "loglikelihood":
            return (yield from self._likelihoods(shown, question))
        [reply] = yield [self._ask(shown, question)]
        if reply.failure:
            return Scores(dict.fromkeys(self.metrics, 0.0) | {**self.further("")})
        paragraph = first_paragraph(reply.text, self.left_out)
        values = {"strict": self.strict(paragraph, question), "control": float(self.has_form(paragraph))}
        values["flexible"] = 1.0 if values["strict"] == 1 else self.flexible(reply.text, question)
        return Scores({name: values[name] for name in self.metrics} | {**self.further(reply.text)})

    def _ask(self, shown: Sequence[Question], question: Question) -> Ask:
        if self.form == "text":
            return complete(self.prompt(shown, question), max_tokens=self.max_tokens, stop=("\n\n",))
        if self.form == "free":
            return chat([{"role": "user", "content": question.input}], max_tokens=FREE_TOKENS)
        return chat(self.messages(shown, question), max_tokens=self.max_tokens)

    def messages(self, shown: Sequence[Question], question: Question) -> list[dict[str, str]]:
        """Return the conversation that asks a question."""
        messages = []
        for each in shown:
            messages.append({"role": "user", "content": each.input})
            messages.append({"role": "assistant", "content": each.output})
        messages.append({"role": "user", "content": question.input})
        messages[0]["content"] = f"{INTRODUCTION}\n{self.instruction}\n\n{messages[0]['content']}"
        return messages

    def description(self) -> str:
        """Return the beginning of the text that asks a question."""
        return f"{INTRODUCTION}\n\n### 指示:\n{self.instruction}\n\n"

    def prompt(self, shown: Sequence[Question], question: Question) -> str:
        """Return the text that asks a question, to be continued by the answer."""
        before = "".join(f"### 入力:\n{each.input}\n\n### 応答:\n{each.output}\n\n" for each in shown)
        return f"{self.description()}{before}### 入力:\n{question.input}\n\n### 応答:\n"

    def _likelihoods(self, shown: Sequence[Question], question: Question) -> Chain:
        """Compare the probabilities of the labels; without labels, see whether the model would write the answer."""
        prompt, endings = self.prompt(shown, question), question.labels or (question.output,)
        replies = yield [ask_probability(prompt + ending) for ending in endings]
        # White space before an answer counts as its beginning, as lm-eval does it: tokens may join both.
        begin = len(prompt.rstrip())
        found = [
            read_probability(reply, prompt + ending, begin) for reply, ending in zip(replies, endings, strict=True)
        ]
        return self._likeliest(question, endings, found, replies)

    def _likeliest(
        self, question: Question, endings: Sequence[str], found: Sequence[Any], replies: Sequence[Reply]
    ) -> Scores:
        unread = [reply for reply, each in zip(replies, found, strict=True) if each is None]
        if any(reply.failure for reply in unread):
            return Scores({"correct": 0.0}, note=why_unreadable(unread[0]))
        if unread:
            return Scores({}, ("correct",), why_unreadable(unread[0]))
        if not question.labels and found[0].greedy is None:
            return Scores({}, ("correct",), "the server does not say which tokens are the likeliest (top_logprobs)")
        if not question.labels:
            return Scores({"correct": float(found[0].greedy)}, note=f"{found[0].nats:.3f} nats")
        best = max(range(len(endings)), key=lambda index: found[index].nats)
        shown = ", ".join(f"{ending} {each.nats:.3f}" for ending, each in zip(endings, found, strict=True))
        return Scores({"correct": float(endings[best] == question.output)}, note=f"nats: {shown}")


def first_paragraph(answer: str, left_out: Sequence[str] = ()) -> str:
    """Return the part of an answer that the recipe compares: its first paragraph without quotes, in NFKC.

    Args:
        answer: answer.
        left_out: words that are left out first.
    """
    for word in left_out:
        answer = answer.replace(word, "")
    paragraph = answer.strip().split("\n\n")[0].strip().strip("'").strip('"').strip()
    return unicodedata.normalize("NFKC", paragraph)


def picture_of(row: Row) -> str:
    """Return the pictures that the sentences of a row of JNLI or JSTS describe; empty: it does not say.

    The field yjcaptions_id is PICTURE-SENTENCE-SENTENCE, or PICTURE_PICTURE-SENTENCE-SENTENCE. Rows on one picture are
    not independent.
    """
    return str(row.get("yjcaptions_id", "")).partition("-")[0]
