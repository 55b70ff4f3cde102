"""Strict scores of the Jaster family for lm-eval; this file is copied beside its tasks and needs only Python."""

import unicodedata
from typing import Any


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Return the strict score of an answer: its first paragraph, without quotes and in NFKC, is the right answer."""
    written = results[0]
    for word in doc["left_out"]:
        written = written.replace(word, "")
    paragraph = written.strip().split("\n\n")[0].strip().strip("'").strip('"').strip()
    answer, right = unicodedata.normalize("NFKC", paragraph), str(doc["output"])
    if doc["compare"] == "number":
        try:
            return {"strict": float(float(answer) == float(right))}
        except ValueError:
            return {"strict": 0.0}
    if doc["compare"] == "any_case":
        return {"strict": float(answer.lower() == right.lower())}
    return {"strict": float(answer == right)}
