"""Numbers as the Jaster tasks compare them: equality of floats, and the number of a whole answer.

Sources, in wandb/llm-leaderboard (scripts/evaluator/evaluate_utils/metrics.py, v3.0.0), with those of llm-jp-eval:
`exact_match_figure`, the metric of MGSM and MAWPS, compares `float(prediction)` with `float(answer)`, and a prediction
that is no number is wrong; it takes no number out of a longer text. `parse_float`, for the correlations of JSTS, reads
the digits and dots of the prediction as one number, and returns -2.0 where they are none.
"""

import math
import re
import unicodedata

_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
_KEPT = re.compile("[^0-9.]")


def figures_equal(response: str, answer: str) -> bool:
    """Whether a response is the number of an answer and nothing else (`exact_match_figure`).

    Both must be what Python's `float` takes, such as 18, 18.0 or 1.8e1; 1,800 is not. Full width is as good as half
    width, since the leaderboard normalizes responses to NFKC before it compares them.
    """
    one, two = _as_float(response), _as_float(answer)
    return one is not None and two is not None and one == two


def floats_equal(response: str, answer: str, tolerance: float = 0.0) -> bool:
    """Whether the number of a response is that of an answer.

    Args:
        response: text that `stated_float` reads.
        answer: number.
        tolerance: greatest difference, included.
    """
    stated, expected = stated_float(response), _as_float(answer)
    return stated is not None and expected is not None and abs(stated - expected) <= tolerance + 1e-9


def stated_float(response: str) -> float | None:
    """Return the first number of a response, with its sign and without commas between thousands; None: it has none."""
    match = _NUMBER.search(unicodedata.normalize("NFKC", response).replace("−", "-"))
    return None if match is None else float(match[0].replace(",", ""))


def leaderboard_float(response: str) -> float:
    """Return the number that the leaderboard reads for the correlations of JSTS (`parse_float`); -2.0: it reads none.

    All characters but digits and dots are left out, so that 3.5点 is 3.5, 3か4 is 34, and -1 is 1.
    """
    kept = _KEPT.sub("", unicodedata.normalize("NFKC", response))
    try:
        return float(kept)
    except ValueError:
        return -2.0


def _as_float(text: str) -> float | None:
    try:
        value = float(unicodedata.normalize("NFKC", text).strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
