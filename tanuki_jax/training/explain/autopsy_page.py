"""Page of HTML about a spike."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tanuki_jax.base import pages
from tanuki_jax.base.pages import Row
from tanuki_jax.base.plots import png
from tanuki_jax.training.explain import autopsy_pictures as pictures
from tanuki_jax.training.explain.layer_movement import FAR, RECENT, Move, first_moves, trajectories
from tanuki_jax.training.explain.replay import COMPARED, OBSERVED, Observation, Replayed
from tanuki_jax.training.explain.spike_record import Line, SpikeRecord
from tanuki_jax.training.explain.step_documents import Explained
from tanuki_jax.training.explain.suspects import ALONE_BEFORE, ALONE_IN, STANDS_OUT, Document

TEMPLATE = Path(__file__).with_name("autopsy.html.jinja")
ROWS_BEFORE, ROWS_IN = 4, 24
"""Number of steps before the spike, and from its first one on, in the table of metrics."""
CHARACTERS = 300
"""Length of the text that is shown of a document."""
MOVES = 20
"""Number of moves that are listed."""
OWN_EVENTS = ("rejected", "rewound")
"""Events that belong to every spike."""


@dataclasses.dataclass(frozen=True)
class Suspect:
    """Document that the page lists."""

    document: Document
    explained: Explained
    worst_token: str
    """Text of the token whose loss is the largest."""


@dataclasses.dataclass(frozen=True)
class Autopsy:
    """Results about a spike."""

    record: SpikeRecord
    replayed: Replayed
    suspects: Sequence[Suspect]
    """Documents that the page lists, the most suspicious first."""
    devices: str
    """Devices of the replay, as text."""


def render(autopsy: Autopsy) -> str:
    """Return the page."""
    record, replayed = autopsy.record, autopsy.replayed
    return pages.render(
        TEMPLATE,
        title=f"{record.run.name}: spike {record.number}",
        number=record.number,
        spike=record.spike,
        plan=replayed.plan,
        devices=autopsy.devices,
        agreement=_agreement(autopsy),
        other_events=_other_events(autopsy),
        **_metrics(autopsy),
        **_layers(autopsy),
        **_documents(autopsy),
        **_routers(autopsy),
    )


def _metrics(autopsy: Autopsy) -> dict[str, Any]:
    """Return the values of the section about the run's own metrics."""
    record, spike = autopsy.record, autopsy.record.spike
    lines = [line for line in record.lines if line["step"] >= spike.first - ROWS_BEFORE]
    rows = []
    for line in lines[: ROWS_BEFORE + ROWS_IN]:
        names = ("loss", "gradient_norm", "learning_rate", "deviations")
        cells = [f"{line['step']:,}", str(line.get("data_step", "")), *(_number(line.get(name)) for name in names)]
        rejected = "" if line.get("accepted", True) else "rejected"
        rows.append(Row([*cells, rejected], marked=spike.first <= line["step"] <= spike.last))
    in_spike = (line for line in record.lines if spike.first <= line["step"] <= spike.last)
    return {
        "rejected": sum(not line.get("accepted", True) for line in in_spike),
        "data_steps": _ranges(spike.data_steps),
        "curves": png(pictures.draw_curves(record)),
        "metrics": rows,
        "further_steps": len(lines) - len(rows),
    }


def _ranges(data_steps: Sequence[int]) -> str:
    """Return ascending numbers as text: `5-8, 11`."""
    runs: list[list[int]] = []
    for step in data_steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _other_events(autopsy: Autopsy) -> list[Line]:
    """Return other events at the steps of the replay, up to the one at which the run went back."""
    record, begin = autopsy.record, autopsy.replayed.plan.begin
    rewound = (
        index
        for index, event in enumerate(record.events)
        if event["event"] == "rewound" and event.get("spike") == record.number
    )
    before = record.events[: next(rewound, None)]
    steps = range(begin, record.spike.last + 1)
    return [event for event in before if event.get("step", -1) in steps and event["event"] not in OWN_EVENTS]


def _agreement(autopsy: Autopsy) -> str:
    """Return a sentence on how well losses and rejections of the replay agree with those of the run."""
    lines = {line["step"]: line for line in autopsy.record.lines}
    trained = [
        (each, lines[each.step])
        for each in autopsy.replayed.observations
        if each.accepted is not None and each.step in lines
    ]
    if not trained:
        return "The run logged none of these steps, so their losses cannot be compared."
    pairs = [(each.step, each.loss, float(line["loss"])) for each, line in trained]
    differences = [
        abs(again / loss - 1) for _, again, loss in pairs if loss and math.isfinite(loss) and math.isfinite(again)
    ]
    otherwise = [str(each.step) for each, line in trained if each.accepted != line.get("accepted", True)]
    not_finite = [str(step) for step, again, loss in pairs if math.isfinite(loss) != math.isfinite(again)]
    parts = (
        [f"the losses differ from those that the run logged by at most {max(differences):.1e}, relative"]
        if differences
        else []
    )
    if not_finite:
        parts.append(f"the loss of step {', '.join(not_finite)} is finite in one of the two only")
    parts.append(
        f"the guard decided differently at step {', '.join(otherwise)}"
        if otherwise
        else "the guard rejected the same steps"
    )
    return f"In the replay {', and '.join(parts)}."


def _layers(autopsy: Autopsy) -> dict[str, Any]:
    """Return the values of the section about layers; `layers` is None if too few steps lie before the spike."""
    replayed = autopsy.replayed
    known = trajectories(replayed.observations, replayed.groups, replayed.plan.first)
    moves = first_moves(known, replayed.plan.first) if known else []
    return {
        "recent": RECENT,
        "far": FAR,
        "observed": OBSERVED,
        "layers": png(pictures.draw_layers(known, moves, replayed.plan.first)) if known else None,
        "moves": [_in_words(move) for move in moves[:MOVES]],
        "later_moves": len(moves[MOVES:]),
    }


def _in_words(move: Move) -> str:
    if not math.isfinite(move.ratio):
        return f"step {move.step:,}, {move.group}: {move.name} not finite"
    size = f"{move.ratio:.3g} times the usual value, {move.deviations:+.1f} deviations"
    return f"step {move.step:,}, {move.group}: {move.name} {size}"


def _documents(autopsy: Autopsy) -> dict[str, Any]:
    """Return the values of the section about documents; `documents` is None if no loss is finite."""
    replayed, first = autopsy.replayed, autopsy.replayed.plan.first
    scatter = pictures.draw_documents(replayed)
    return {
        "compared": COMPARED,
        "alone_in": ALONE_IN,
        "alone_before": ALONE_BEFORE,
        "stands_out": STANDS_OUT,
        "document_count": len(replayed.documents),
        "standing_out": sum(document.suspicion >= STANDS_OUT for document in replayed.documents),
        "documents": png(scatter) if scatter else None,
        "suspects": [
            Row(_cells(rank, suspect), marked=suspect.document.step >= first, text=_text(suspect))
            for rank, suspect in enumerate(autopsy.suspects, 1)
        ],
        "by_step": _by_step(autopsy),
    }


def _cells(rank: int, suspect: Suspect) -> list[str]:
    document, explained = suspect.document, suspect.explained
    largest = document.at_step or document.before
    return [
        str(rank),
        f"{explained.location} ({explained.used})",
        f"{document.step:,}",
        str(document.row),
        f"{document.fragment.length:,}",
        _number(document.before.mean),
        f"{document.deviations:+.1f}",
        _number(document.at_step and document.at_step.mean),
        f"{_number(largest.largest)}, {suspect.worst_token}",
        "" if document.share is None else f"{document.share:.1%}" if math.isfinite(document.share) else "not finite",
        _number(document.suspicion),
    ]


def _text(suspect: Suspect) -> str:
    text = suspect.explained.first_words
    cut = len(text) > CHARACTERS or suspect.explained.fragment.length > CHARACTERS
    return text[:CHARACTERS] + " …" * cut


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if math.isfinite(value) else "not finite"


def _by_step(autopsy: Autopsy) -> list[Row]:
    lines = {line["step"]: line for line in autopsy.record.lines}
    observed = {each.step: each for each in autopsy.replayed.observations}
    rows = []
    for step in range(autopsy.replayed.plan.compared_from, autopsy.replayed.plan.last + 1):
        documents = [document for document in autopsy.replayed.documents if document.step == step]
        means = [document.before.mean for document in documents]
        tokens = sum(document.fragment.length for document in documents)
        losses = (float(np.median(means)), max(means), observed[step].loss, lines.get(step, {}).get("loss"))
        cells = [f"{step:,}", f"{len(documents):,}", f"{tokens:,}", *(_number(loss) for loss in losses)]
        rows.append(Row(cells, marked=step >= autopsy.replayed.plan.first))
    return rows


def _routers(autopsy: Autopsy) -> dict[str, Any]:
    """Return the values of the section about routers; `loads` is None for a dense model, or if steps are missing."""
    first = autopsy.replayed.plan.first
    with_loads = [each for each in autopsy.replayed.observations if each.load_le is not None]
    before, within = ([each for each in with_loads if (each.step < first) is wanted] for wanted in (True, False))
    if not before or not within:
        return {"loads": None}
    before_le, within_le = _mean_load(before), _mean_load(within)
    change_l = np.abs(within_le - before_le).sum(1) / 2
    return {
        "loads": png(pictures.draw_loads(before_le, within_le)),
        "steps_before": len(before),
        "steps_within": len(within),
        "most_changed_layer": int(np.argmax(change_l)),
        "largest_change": float(change_l.max()),
    }


def _mean_load(observations: Sequence[Observation]) -> np.ndarray:
    return np.mean([each.load_le for each in observations], axis=0)
