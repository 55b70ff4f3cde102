"""Commands about the form of an answer, whose obedience code decides: which forms a model does not obey."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from tanuki_jax.config.limits import PositiveInt, Seed
from tanuki_jax.corpus.synthesis.checkers.checker_table import CHECKERS
from tanuki_jax.evaluation.benchmark import Benchmark, Chain, Item, Items, Scores, chat, seed_of

_QUESTIONS = (
    "雨の日に家でできる遊びを教えてください。",
    "朝ごはんを毎日食べるとよい理由は何ですか。",
    "狸はどのような動物ですか。",
    "初めて一人暮らしをする人に、そろえるとよい物を教えてください。",
    "日本の四季について説明してください。",
    "自転車に安全に乗るには、何に気をつければよいですか。",
    "植物はどのように水を吸い上げますか。",
    "電気を節約する方法を教えてください。",
    "友だちと仲直りするには、どうすればよいですか。",
    "紙の本と電子書籍にはどのような違いがありますか。",
    "旅行の前に準備することを教えてください。",
    "虹はどうして見えるのですか。",
)


@dataclass(frozen=True, kw_only=True)
class ObeyedCommands(Benchmark):
    """Easy questions with a command about the form of the answer, of every kind of `synthesize`."""

    title = "Obeyed commands"
    count: PositiveInt = 10
    """Number of commands of each kind."""
    seed: Seed = 20
    """Seed of the values and wordings of the commands."""
    max_tokens: PositiveInt = 512
    """Most tokens of an answer."""

    @property
    def name(self) -> str:
        return "obeyed_commands"

    @property
    def metrics(self) -> tuple[str, ...]:
        return ("control",)

    def load(self, data: Path) -> Items:
        kinds = [(name, kind) for name, kind in CHECKERS.items() if "ja" in kind.ANSWERS_IN]
        items = []
        for name, kind in kinds:
            for number in range(self.count):
                random = Random(seed_of("command", self.seed, name, number))
                command = kind.draw(random, "ja")
                question = f"{random.choice(_QUESTIONS)}\n{command.text('ja')}"
                items.append(Item(f"{name}/{number}", question, tags={"command": name}, row=command))
        return Items(tuple(items))

    def chain(self, item: Item) -> Chain:
        [reply] = yield [chat([{"role": "user", "content": item.question}], max_tokens=self.max_tokens)]
        # An answer that was cut has no end, and so not the form.
        return Scores({"control": float(not reply.failure and not reply.cut and item.row.obeyed(reply.text))})
