"""Whether a worked solution of a probability goes through the complement, instead of counting all favourable cases."""

import re

from tanuki_jax.evaluation.graders.answer_words import sentences
from tanuki_jax.evaluation.graders.final_answer import after_thinking
from tanuki_jax.evaluation.graders.maths_text import plain_maths

_NAMED = re.compile(r"余事象|補集合|\bcomplement", re.IGNORECASE)
_NOT_USED = re.compile(r"(?:使|用い|利用し|考え|頼ら)(?:わ)?(?:ず|ない(?!確率|場合)|なくて)|without|代わりに")
_SUBTRACTED = re.compile(
    r"(?<![\d.])1\s*-\s*\(?\s*(?:\d+\s*/\s*\d+|0\.\d|P\b|p\b|\d+分の)|100\s*%\s*-\s*|(?:1|100%|全体|全部|すべて)から[^。]{0,40}引"
)
_EXCLUDED = re.compile(r"を?除(?:い|く|け|外)|以外の|残りの|引け|引いて|取り除")
_OPPOSITE = re.compile(
    r"反対|逆の?(?:場合|事象)|opposite|ならない(?:の|場合|確率|とき|組)|満たさない|該当しない|当てはまらない|not\b"
)


def used_complement(response: str, *, total: int = 36, bound: int = 3) -> bool:
    """Whether a solution of "how likely is a sum of at least `bound`" takes the other cases from the whole.

    It does if it names the complement, subtracts from 1, 100% or the number of all cases, or takes the sums below the
    bound out. A solution that lists or adds up the favourable cases does not, even if it counts a sum below the bound,
    and neither does an answer without a solution.

    Args:
        response: solution in free text; thinking before it is left out.
        total: number of all cases.
        bound: smallest sum that counts.
    """
    text = plain_maths(after_thinking(response).text)
    below = re.compile(
        rf"(?<!\d){bound}未満|(?<!\d){bound - 1}以下|(?<!\d){bound}(?:以上)?(?:に(?:は)?なら|より小さ)"
        rf"|(?:<|less than)\s*{bound}(?!\d)"
    )
    smallest = re.compile(rf"(?<![\d.]){bound - 1}(?:に|の|と|だけ|のみ|,|、|で|\)|$)")
    whole = re.compile(rf"(?<![\d.,/]){total}(?:通り)?\s*-\s*(?!.{{0,12}}=\s*0)\d")
    for sentence in sentences(text):
        if _NOT_USED.search(sentence) and _NAMED.search(sentence):
            continue
        if _NAMED.search(sentence) or _SUBTRACTED.search(sentence) or whole.search(sentence) or below.search(sentence):
            return True
        if _EXCLUDED.search(sentence) and (smallest.search(sentence) or below.search(text)):
            return True
        if _OPPOSITE.search(sentence) and smallest.search(sentence):
            return True
    return False
