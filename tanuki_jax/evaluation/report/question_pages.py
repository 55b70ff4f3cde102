"""Pages of questions, one a benchmark: every item with the answers and scores of all runs beside each other."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tanuki_jax.base import pages
from tanuki_jax.base.atomic import replace_text
from tanuki_jax.base.progress import amount
from tanuki_jax.evaluation.report.read_results import RunAnswer, RunItem, RunResults
from tanuki_jax.evaluation.report.score_blocks import benchmarks_of, metrics_of

_TEMPLATE = Path(__file__).parent / "templates" / "questions.html.jinja"
_FOLDED = 600
"""Number of characters above which a text is shown on a click."""
_FOLDED_PROMPT = 300
"""Number of characters above which a prompt is shown on a click, below the question, which is lost in a long one."""
_ONE_LINE = 120
"""Number of characters above which an expected answer stands in a box."""
_SHOWN_TAGS = 4


def write_question_pages(folder: Path, runs: Sequence[RunResults]) -> list[tuple[str, str]]:
    """Write questions/BENCHMARK.html for each benchmark that a run has, and return their titles and addresses.

    Args:
        folder: folder of the report.
        runs: the runs.
    """
    written = []
    (folder / "questions").mkdir(parents=True, exist_ok=True)
    for benchmark in benchmarks_of(runs):
        found = {run.label: each.items for run in runs if (each := run.benchmark(benchmark.name)) is not None}
        if not any(found.values()):
            continue
        metrics = metrics_of(runs, benchmark.name)
        items = _items(found, metrics[0] if metrics else "")
        asked = amount(len(items), "question")
        names = ", ".join(found) if len(found) < 4 else amount(len(found), "run")
        title = f"{benchmark.title}: {asked}, answers of {names}"
        tags = list(dict.fromkeys(tag for item in items for tag in item["tags"]))
        html = pages.render(
            _TEMPLATE,
            title=title,
            note=f"Benchmark {benchmark.name}. Questions on which runs differ are marked in the list.",
            metric=metrics[0] if metrics else "",
            tags=tags[:_SHOWN_TAGS],
            runs=list(found),
            items=items,
        )
        replace_text(folder / "questions" / f"{benchmark.name}.html", html)
        written.append((f"{benchmark.title}: {asked} with all answers", f"questions/{benchmark.name}.html"))
    return written


def _items(found: Mapping[str, Sequence[RunItem]], metric: str) -> list[dict[str, Any]]:
    """Return the items of all runs in order, each with what its runs answered."""
    by_id: dict[str, dict[str, RunItem]] = {}
    for label, items in found.items():
        for item in items:
            by_id.setdefault(item.id, {})[label] = item
    return [_item(name, of_runs, list(found), metric) for name, of_runs in by_id.items()]


def _item(name: str, of_runs: Mapping[str, RunItem], labels: Sequence[str], metric: str) -> dict[str, Any]:
    first = next(iter(of_runs.values()))
    headline = [of_runs[label].scores.get(metric) if label in of_runs else None for label in labels]
    expected = list(dict.fromkeys(item.expected for item in of_runs.values() if item.expected))
    questions = _questions(of_runs)
    shared = _shared_prompt(of_runs)
    prompt = "" if shared in "\n".join(each["text"] for each in questions) else shared
    described = [f"{tag}: {value}" for tag, value in first.tags.items()]
    return {
        "id": name,
        "anchor": f"item-{quote(name, safe='')}",
        "tags": first.tags,
        "headline": ["–" if score is None else f"{score:.4g}" for score in headline],
        "differ": len({score for score in headline if score is not None}) > 1,
        "described": ", ".join([*described, *([f"shared text: {first.cluster}"] if first.cluster else [])]),
        "questions": questions,
        "prompt": prompt,
        "folded_prompt": len(prompt) > _FOLDED_PROMPT,
        "replaced": len(prompt) <= _FOLDED_PROMPT and all(each["text"] in prompt for each in questions),
        "expected": "\n".join(expected),
        "long": any(len(text) > _ONE_LINE or "\n" in text for text in expected),
        "runs": [_answers(label, of_runs.get(label), shared) for label in labels],
    }


def _shared_prompt(of_runs: Mapping[str, RunItem]) -> str:
    """Return the first prompt of an item if all runs sent the same; else empty."""
    prompts = {item.answers[0].prompt for item in of_runs.values() if item.answers}
    return prompts.pop() if len(prompts) == 1 else ""


def _questions(of_runs: Mapping[str, RunItem]) -> list[dict[str, Any]]:
    """Return the texts in which the item was asked: one, or one for each run if they differ."""
    texts: dict[str, list[str]] = {}
    for label, item in of_runs.items():
        texts.setdefault(item.question, []).append(label)
    return [
        {"text": text, "folded": len(text) > _FOLDED, "of": ", ".join(labels) if len(texts) > 1 else ""}
        for text, labels in texts.items()
    ]


def _answers(label: str, item: RunItem | None, shared: str) -> dict[str, Any]:
    if item is None:
        return {"run": label, "absent": True}
    return {
        "run": label,
        "absent": False,
        "scores": ", ".join(f"{metric} {score:.4g}" for metric, score in item.scores.items()),
        "unreadable": f"unreadable: {', '.join(item.unreadable)}" if item.unreadable else "",
        "note": item.note,
        "answers": [
            _answer(answer, number, len(item.answers), {shared, item.question})
            for number, answer in enumerate(item.answers, 1)
        ],
    }


def _answer(answer: RunAnswer, number: int, count: int, above: Collection[str]) -> dict[str, Any]:
    """Return an answer for the template; `above`: texts above all answers, one of which may be its prompt."""
    name = answer.label or (f"{number} of {count}" if count > 1 else "")
    by = "" if answer.by == "model" else answer.by
    return {
        "heading": ", ".join(part for part in (name, by) if part),
        "prompt": "" if answer.prompt in above else answer.prompt,
        "text": answer.text,
        "folded": len(answer.text) > _FOLDED,
        "failure": answer.failure,
        "cut": answer.cut,
        "thought": answer.thought,
    }
