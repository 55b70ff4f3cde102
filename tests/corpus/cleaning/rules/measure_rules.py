"""Precision and recall of each Japanese rule, as JSON:

    python -m tests.corpus.cleaning.rules.measure_rules LABELS WORKS

LABELS is a file of texts with labels, as for `clean train quality`; WORKS are JSON lines with good texts, such as
literature, which the rules should leave. Each rule is applied alone.
"""

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

from tanuki_jax.corpus.cleaning.pipeline import names_of_rules
from tanuki_jax.corpus.cleaning.quality.labelled import read_labelled
from tanuki_jax.corpus.cleaning.quality.measure import measure_rule, surviving
from tanuki_jax.corpus.cleaning.rules.default_lists import japanese_rules


def main(labels: Path, works: Path) -> None:
    """Measure, and print JSON."""
    labelled, rules = read_labelled(labels), japanese_rules()
    texts = [json.loads(line)["text"] for line in works.read_text("utf-8").splitlines()]
    found = {
        name: {key: _rounded(value) for key, value in asdict(measure_rule(rule, labelled)).items()}
        | {"characters_of_works_that_survive": _rounded(surviving([rule], texts))}
        for name, rule in zip(names_of_rules(rules), rules, strict=True)
    }
    good = sum(one.good for one in labelled)
    result = {
        "command": "python -m tests.corpus.cleaning.rules.measure_rules LABELS WORKS",
        "labels": {"good": good, "bad": len(labelled) - good},
        "works": len(texts),
        "rules": found,
        "all_rules": {"characters_of_works_that_survive": _rounded(surviving(rules, texts))},
    }
    print(json.dumps(result, indent=1))


def _rounded(value: float) -> float | None:
    """Return a number with four digits; None for one that is none, which JSON does not have."""
    return None if math.isnan(value) else round(value, 4)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
