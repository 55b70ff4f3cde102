"""The autopsy of a spike as one page of HTML."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from tanuki_jax.base.plots import png
from tanuki_jax.training.explain import autopsy_pictures as pictures
from tanuki_jax.training.explain import markup
from tanuki_jax.training.explain.layer_movement import FAR, RECENT, Move, courses, first_moves
from tanuki_jax.training.explain.replay import COMPARED, OBSERVED, Observation, Replayed
from tanuki_jax.training.explain.spike_record import Line, Told
from tanuki_jax.training.explain.step_documents import Explained
from tanuki_jax.training.explain.suspects import ALONE_BEFORE, ALONE_IN, STANDS_OUT, Document

ROWS_BEFORE, ROWS_IN = 4, 24
"""Steps in the table of metrics."""
CHARACTERS = 300
"""Of a document's text."""
MOVES = 20
"""Moves that are spelled out."""
ITS_OWN = ("rejected", "rewound")
"""Events that are the spike itself."""


@dataclasses.dataclass(frozen=True)
class Suspect:
    """A document of a spike that is listed."""

    document: Document
    explained: Explained
    worst_token: str
    """Text of the token whose loss is the largest."""


@dataclasses.dataclass(frozen=True)
class Autopsy:
    """What is found out about a spike."""

    told: Told
    replayed: Replayed
    suspects: Sequence[Suspect]
    """The most suspicious first."""
    devices: str
    """On which it was replayed, in words."""


def render(autopsy: Autopsy) -> str:
    """The whole page."""
    title = f"{autopsy.told.run.name}: spike {autopsy.told.number}"
    parts = [*_happened(autopsy), *_replayed(autopsy), *_layers(autopsy), *_documents(autopsy), *_routers(autopsy)]
    return markup.page(title, parts)


def _happened(autopsy: Autopsy) -> list[str]:
    told, spike = autopsy.told, autopsy.told.spike
    rejected = sum(not line.get("accepted", True) for line in told.lines if spike.first <= line["step"] <= spike.last)
    plural = "s" if len(spike.data_steps) != 1 else ""
    steps = f"steps {spike.first:,} to {spike.last:,}" if spike.last > spike.first else f"step {spike.first:,}"
    sentence = (
        f"At step {spike.last:,} the run saw a spike that began at step {spike.first:,}: {spike.reason}. It went back to the checkpoint "
        f"after step {spike.checkpoint:,} and left out the data of {steps} (data step{plural} {_ranges(spike.data_steps)}). "
        f"Rejected before that: {rejected} of them."
    )
    head = ("step", "data step", "loss", "gradient norm", "learning rate", "deviations", "")
    lines = [line for line in told.lines if line["step"] >= spike.first - ROWS_BEFORE]
    rows = []
    for line in lines[: ROWS_BEFORE + ROWS_IN]:
        names = ("loss", "gradient_norm", "learning_rate", "deviations")
        cells = [f"{line['step']:,}", str(line.get("data_step", "")), *(_number(line.get(name)) for name in names)]
        said = "rejected" if not line.get("accepted", True) else ""
        rows.append(markup.row([*cells, said], marked=spike.first <= line["step"] <= spike.last))
    parts = [
        markup.heading("What happened"),
        markup.paragraph(sentence),
        markup.picture(png(pictures.draw_course(told)), "Loss and gradient norm of the steps around the spike"),
        markup.table(head, rows),
    ]
    if len(lines) > len(rows):
        parts.append(
            markup.paragraph(f"{len(lines) - len(rows)} further steps are in {told.number:03d}.json.", note=True)
        )
    return parts


def _ranges(data_steps: Sequence[int]) -> str:
    """Numbers in words: `5-8, 11`."""
    runs: list[list[int]] = []
    for step in data_steps:
        if runs and step == runs[-1][-1] + 1:
            runs[-1].append(step)
        else:
            runs.append([step])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _replayed(autopsy: Autopsy) -> list[str]:
    told, plan = autopsy.told, autopsy.replayed.plan
    if plan.trained_from is None:
        how = (
            f"The checkpoint lies {plan.first - 1 - told.spike.checkpoint:,} steps before the spike, more than are made again (--replay). "
            f"So nothing was trained: steps {plan.begin:,} to {plan.last:,} were measured on the checkpoint's weights, and their losses "
            "are not those of the run."
        )
    else:
        how = (
            f"From the checkpoint, steps {plan.trained_from:,} to {plan.last:,} were made again with the data that they read then, on "
            f"{autopsy.devices}. {_agreement(autopsy)}"
        )
        if plan.observed_from < plan.trained_from:
            early = f"{plan.observed_from:,} to {plan.trained_from - 1:,}"
            how += f" Steps {early} are from before the checkpoint, and were measured on its weights."
    parts = [markup.heading("Replay"), markup.paragraph(how)]
    if plan.last < told.spike.last:
        parts.append(
            markup.paragraph(
                f"The spike went on to step {told.spike.last:,}; of its steps as many were made as --replay says."
            )
        )
    if around := _around(autopsy):
        parts.append(markup.paragraph("Also around these steps, in the run's events:"))
        parts.append(
            markup.list_of([", ".join(f"{name} {value}" for name, value in event.items()) for event in around])
        )
    return parts


def _around(autopsy: Autopsy) -> list[Line]:
    """What else happened at the steps that were made again, until the run went back."""
    told, begin = autopsy.told, autopsy.replayed.plan.begin
    back = (
        at for at, event in enumerate(told.events) if event["event"] == "rewound" and event.get("spike") == told.number
    )
    until = told.events[: next(back, None)]
    return [
        event for event in until if begin <= event.get("step", -1) <= told.spike.last and event["event"] not in ITS_OWN
    ]


def _agreement(autopsy: Autopsy) -> str:
    """How well the replay's losses and decisions agree with the run's."""
    lines = {line["step"]: line for line in autopsy.told.lines}
    made = [
        (each, lines[each.step])
        for each in autopsy.replayed.observations
        if each.accepted is not None and each.step in lines
    ]
    if not made:
        return "The run logged none of these steps, so their losses cannot be compared."
    pairs = [(each.step, each.loss, float(line["loss"])) for each, line in made]
    differences = [
        abs(again / loss - 1) for _, again, loss in pairs if loss and math.isfinite(loss) and math.isfinite(again)
    ]
    otherwise = [str(each.step) for each, line in made if each.accepted != line.get("accepted", True)]
    lost = [str(step) for step, again, loss in pairs if math.isfinite(loss) != math.isfinite(again)]
    said = (
        [f"their losses differ from those that the run wrote down by at most {max(differences):.1e}, relative"]
        if differences
        else []
    )
    said += [f"the loss is finite only once at step {', '.join(lost)}"] if lost else []
    said.append(
        f"the guard decided otherwise at step {', '.join(otherwise)}"
        if otherwise
        else "the guard rejected the same steps"
    )
    return f"In the replay {', and '.join(said)}."


def _layers(autopsy: Autopsy) -> list[str]:
    replayed = autopsy.replayed
    known = courses(replayed.observations, replayed.groups, replayed.plan.first)
    parts = [markup.heading("Which layers moved first")]
    if not known:
        said = f"Fewer than {RECENT} accepted steps with a finite loss lie before the spike, too few to know what is usual."
        return [*parts, markup.paragraph(said)]
    moves = first_moves(known, replayed.plan.first)
    layers = pictures.draw_layers(known, moves, replayed.plan.first)
    shown = (
        f"Root mean square of what leaves each layer, and norm of the gradient of each group of parameters, over their medians in the last "
        f"{RECENT} accepted steps before the spike. A ring marks the first step at which a value lies more than {FAR:g} robust standard "
        f"deviations from that, as the steps before (up to {OBSERVED}) differ from each other, in logarithms."
    )
    parts += [markup.paragraph(shown, note=True), markup.picture(png(layers), "Layers against steps")]
    if not moves:
        return [*parts, markup.paragraph("No layer left its usual course.")]
    parts.append(markup.list_of([_in_words(move) for move in moves[:MOVES]]))
    if len(moves) > MOVES:
        parts.append(markup.paragraph(f"and {len(moves) - MOVES} later ones.", note=True))
    return parts


def _in_words(move: Move) -> str:
    if not math.isfinite(move.ratio):
        return f"step {move.step:,}, {move.group}: {move.name} not finite"
    return f"step {move.step:,}, {move.group}: {move.name} {move.ratio:.3g} times what is usual, {move.deviations:+.1f} deviations"


def _documents(autopsy: Autopsy) -> list[str]:
    replayed, plan = autopsy.replayed, autopsy.replayed.plan
    listed = len(autopsy.suspects)
    odd = sum(document.suspicion >= STANDS_OUT for document in replayed.documents)
    found = f"Suspicion of {STANDS_OUT:g} or more: {odd}."
    if not odd:
        found = f"No document stands out with a suspicion of {STANDS_OUT:g} or more: this did not come from a single one of these."
    how = (
        f"Documents of steps {plan.compared_from:,} to {plan.last:,}: those of the spike and up to {COMPARED} steps before. Loss before: "
        f"nats a token on the weights from before step {plan.compared_from:,}, the same for all. Deviations: how far that lies above the "
        "median of those before the spike, where the mean of n tokens scatters as 1 / √n. Share: norm of the gradient of the document's "
        f"loss alone over that of its whole batch, on the weights from before its step, for the {ALONE_IN} documents of the spike and the "
        f"{ALONE_BEFORE} before it "
        f"that deviate the most. Suspicion: deviations times share. {listed} of {len(replayed.documents):,} documents are listed, the most "
        "suspicious first."
    )
    head = (
        "",
        "document",
        "step",
        "row",
        "tokens",
        "loss before",
        "deviations",
        "loss at step",
        "largest at step",
        "share",
        "suspicion",
    )
    rows = []
    for at, suspect in enumerate(autopsy.suspects, 1):
        rows += [
            markup.row(_cells(at, suspect), left=2, marked=suspect.document.step >= plan.first),
            markup.text_row(_text(suspect), len(head)),
        ]
    drawn = pictures.draw_documents(replayed)
    scatter = markup.paragraph(f"No loss is finite: the weights were bad already before step {plan.compared_from:,}.")
    if drawn:
        scatter = markup.picture(png(drawn), "Losses of documents against their lengths")
    return [
        markup.heading("Documents"),
        markup.paragraph(how, note=True),
        markup.paragraph(found),
        scatter,
        markup.table(head, rows, left=2),
        markup.paragraph("All documents, step by step:"),
        _by_step(autopsy),
    ]


def _cells(at: int, suspect: Suspect) -> list[str]:
    document, explained = suspect.document, suspect.explained
    largest = document.at_step or document.before
    return [
        str(at),
        f"{explained.place} ({explained.used})",
        f"{document.step:,}",
        str(document.row),
        f"{document.piece.length:,}",
        _number(document.before.mean),
        f"{document.deviations:+.1f}",
        _number(document.at_step and document.at_step.mean),
        f"{_number(largest.largest)}, {suspect.worst_token}",
        "" if document.share is None else f"{document.share:.1%}" if math.isfinite(document.share) else "not finite",
        _number(document.suspicion),
    ]


def _text(suspect: Suspect) -> str:
    text = suspect.explained.first_words
    cut = len(text) > CHARACTERS or suspect.explained.piece.length > CHARACTERS
    return text[:CHARACTERS] + " …" * cut


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}" if math.isfinite(value) else "not finite"


def _by_step(autopsy: Autopsy) -> str:
    lines = {line["step"]: line for line in autopsy.told.lines}
    observed = {each.step: each for each in autopsy.replayed.observations}
    rows = []
    for step in range(autopsy.replayed.plan.compared_from, autopsy.replayed.plan.last + 1):
        of_step = [document for document in autopsy.replayed.documents if document.step == step]
        means = [document.before.mean for document in of_step]
        tokens = sum(document.piece.length for document in of_step)
        cells = [
            f"{step:,}",
            f"{len(of_step):,}",
            f"{tokens:,}",
            _number(float(np.median(means))),
            _number(max(means)),
            _number(observed[step].loss),
        ]
        rows.append(
            markup.row([*cells, _number(lines.get(step, {}).get("loss"))], marked=step >= autopsy.replayed.plan.first)
        )
    head = (
        "step",
        "documents",
        "tokens",
        "median loss before",
        "highest",
        "loss at step, again",
        "as the run wrote it",
    )
    return markup.table(head, rows)


def _routers(autopsy: Autopsy) -> list[str]:
    first = autopsy.replayed.plan.first
    with_loads = [each for each in autopsy.replayed.observations if each.load_le is not None]
    before, within = ([each for each in with_loads if (each.step < first) is wanted] for wanted in (True, False))
    if not before or not within:
        return []
    before_le, within_le = _mean_load(before), _mean_load(within)
    routers = pictures.draw_loads(before_le, within_le)
    change_l = np.abs(within_le - before_le).sum(1) / 2
    most = int(np.argmax(change_l))
    said = (
        f"Mean loads of the {len(before)} steps before the spike and of its {len(within)}. Layer {most} changed the most: "
        f"{change_l[most]:.1%} of its choices went to other experts."
    )
    return [
        markup.heading("Routers"),
        markup.paragraph(said),
        markup.picture(png(routers), "Loads of the experts before and in the spike"),
    ]


def _mean_load(observations: Sequence[Observation]) -> np.ndarray:
    return np.mean([each.load_le for each in observations], axis=0)
