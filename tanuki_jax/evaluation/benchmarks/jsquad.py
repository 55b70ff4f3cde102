"""JSQuAD: answers found in a text (Kurihara et al. 2022, JGLUE), in the layout of SQuAD."""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_object import read_object
from tanuki_jax.evaluation.benchmarks.jaster_task import ANNOUNCEMENTS, JasterTask, Question
from tanuki_jax.evaluation.data_rows import Row
from tanuki_jax.evaluation.graders.character_f1 import character_f1

LONGEST_ANSWER = 40
"""Characters of the longest answer that counts as a phrase, as the instruction asks."""
_SEPARATOR = "[SEP]"


@dataclass(frozen=True, kw_only=True)
class Jsquad(JasterTask):
    """JSQuAD, answered with a phrase; the strict score is the F1 of its characters."""

    title = "JSQuAD"
    kind = "jsquad"
    compare = "characters"
    left_out = ANNOUNCEMENTS
    instruction = (
        "質問に対する回答を文章から一言で抽出してください。回答は名詞で答えてください。 "
        "それ以外には何も含めないことを厳守してください。"
    )
    how_to_get = "it is in the repository yahoojapan/JGLUE, datasets/jsquad-v1.3"
    path: str = "jsquad/valid-v1.3.json"
    """File of the items, in the layout of SQuAD."""
    examples: str = "jsquad/train-v1.3.json"
    """File of the examples, in the same layout."""

    def questions(self, path: Path) -> list[Question]:
        if not path.is_file():
            raise InputError(f"the data {path} cannot be read: there is no such file; {self.how_to_get}")
        articles = read_object(path).get("data")
        if not isinstance(articles, list):
            raise InputError(f"{path} has no list 'data', as a file of SQuAD has")
        return [each for number, row in enumerate(articles, 1) for each in self.read(path, number, row)]

    def read(self, path: Path, number: int, row: Row) -> Iterator[Question]:
        try:
            for paragraph in row["paragraphs"]:
                text = str(paragraph["context"]).partition(_SEPARATOR)
                context = (text[2] or text[0]).strip()
                cluster = hashlib.blake2b(context.encode(errors="surrogatepass"), digest_size=6).hexdigest()
                for asked in paragraph["qas"]:
                    answers = tuple(dict.fromkeys(str(each["text"]) for each in asked["answers"]))
                    if blank := [each for each in answers if not each.strip()]:
                        raise InputError(f"article {number} of {path} has the answer {blank[0]!r} to {asked['id']!r}")
                    asking = f"文章：{context}\n質問：{asked['question']}"
                    yield Question(str(asked["id"]), asking, answers[0], references=answers[1:], cluster=cluster)
        except (KeyError, IndexError, TypeError) as error:
            raise InputError(f"article {number} of {path} is not in the layout of SQuAD: {error!r}") from None

    def strict(self, paragraph: str, question: Question) -> float:
        return character_f1(paragraph, _plain(question.output))

    def flexible(self, answer: str, question: Question) -> float:
        return float(any(_plain(each) in _plain(answer) for each in (question.output, *question.references)))

    def has_form(self, paragraph: str) -> bool:
        return 0 < len(paragraph) <= LONGEST_ANSWER


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()
