"""Whether a worked solution of a probability goes through the complement, instead of counting all favourable cases."""

import re

from tanuki_jax.evaluation.graders.answer_words import sentences
from tanuki_jax.evaluation.graders.final_answer import after_thinking
from tanuki_jax.evaluation.graders.maths_text import plain_maths

_NAMED = re.compile(r"余事象|補集合|\bcomplement", re.IGNORECASE)
_NOT_USED = re.compile(
    r"(?:使わ|用い|利用せ|頼ら|考え)(?:ず|ない(?!確率|場合)|なくて)|使わなく|\bwithout\b|の?代わりに", re.IGNORECASE
)
_SUBTRACTED = re.compile(
    r"(?<![\d.])1\s*-\s*\(?\s*(?:\d+\s*/\s*\d+|0\.\d|[Pp]\b|\d+分の)|100\s*%\s*-"
    r"|(?<![\d/.])(?:1|100%|全体|全部|すべて|全て)\s*から[^。]{0,40}(?:引|ひ[いく])|\bsubtract",
    re.IGNORECASE,
)
_EXCLUDED = re.compile(
    r"除|以外|引(?:[かきくけい]|$)|残り|(?:合わ|満たさ|該当し|当ては?まら|あてはまら|含まれ)ない|だけが|反対|逆の|それだけ"
    r"|\bexcept\b|\bother than\b|\bonly\b",
    re.IGNORECASE,
)
_ALL_ONES = re.compile(
    r"\(\s*1(?:\s*[,、]\s*1)+\s*\)|1と1|1[・、]1(?!\d)|(?:両方|[2二]つ|[2二]個|どちら|いずれ|どっち|全部|すべて)(?:とも|も|が)?\s*(?:の目が)?\s*1(?![\d/])"
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
    below = re.compile(
        rf"(?<!\d){bound}未満|(?<!\d){bound - 1}以下|(?<!\d){bound}(?:以上)?(?:(?:に|で)(?:は)?な[らい]|より小さ)"
        rf"|(?:<|less than)\s*{bound}(?!\d)"
    )
    smallest = re.compile(rf"(?<![\d./]){bound - 1}(?:に|の|と|だけ|のみ|[,、)]|で|\s*\(|$)")
    whole = re.compile(rf"(?<![\d.,/]){total}\s*(?:通り)?\s*-\s*\d")
    for sentence in sentences(plain_maths(after_thinking(response).text)):
        if _NAMED.search(sentence) and _NOT_USED.search(sentence):
            continue
        if any(pattern.search(sentence) for pattern in (_NAMED, _SUBTRACTED, whole, below)):
            return True
        if _EXCLUDED.search(sentence) and (smallest.search(sentence) or _ALL_ONES.search(sentence)):
            return True
    return False
