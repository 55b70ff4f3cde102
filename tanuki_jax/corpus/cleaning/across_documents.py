"""Stages that find copies, repeated lines, copied passages and evaluation items across documents."""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tanuki_jax.corpus.cleaning.contamination.decontaminate import count_common, find_evidence
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.duplicates.deduplicate import read_outcome, stages
from tanuki_jax.corpus.cleaning.file_tasks import Call, FileTasks, output, outputs
from tanuki_jax.corpus.cleaning.part_file import read_part
from tanuki_jax.corpus.cleaning.pipeline import Pipeline
from tanuki_jax.corpus.cleaning.repeats.copied_passages import list_fingerprints, passage_settings
from tanuki_jax.corpus.cleaning.repeats.count_repeats import count_repeats, select_repeats
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.repeats.repeated_lines import line_settings, list_lines
from tanuki_jax.corpus.cleaning.run_folder import ACROSS, SIGNATURES
from tanuki_jax.corpus.cleaning.step_counts import SAMPLE_CHARACTERS
from tanuki_jax.corpus.records.files import expand

LINES, PASSAGES, EVIDENCE = "lines", "passages", "evaluation"
FORMAT = 2
"""Version of the files of these stages: another one makes them anew."""
PARTS_OF_A_TASK = 4
"""Number of parts for which a stage that compares documents has another task, so that its tasks do not grow."""


@dataclasses.dataclass(frozen=True)
class Findings:
    """Files of what was found about one part."""

    fates: Path | None
    """Documents that are kept of each cluster of copies; None: copies were not looked for."""
    lines: Path | None
    """Repeated lines and paragraphs; None: not looked for."""
    passages: Path | None
    """Fingerprints of copied passages; None: not looked for."""
    evidence: Path | None
    """Evaluation n-grams that are evidence; None: items were not looked for."""


class AcrossDocuments:
    """The stages between the cleaned parts and the documents that are written.

    Attributes:
        key: hash of the parts and the settings, on which all files of these stages but the signatures depend.
        work: folder of these files.
        signatures: name of the folder of signatures with these settings.
    """

    def __init__(self, pipeline: Pipeline, parts: Sequence[Path], sources: Sequence[str], folder: Path) -> None:
        """Look at no file yet.

        Args:
            pipeline: settings.
            parts: cleaned parts.
            sources: name of the input that each part is of.
            folder: folder of the run.
        """
        self._pipeline, self._parts = pipeline, parts
        self._partitions = max(pipeline.partitions, len(parts) // PARTS_OF_A_TASK)
        priorities = {each.name: each.priority for each in pipeline.inputs}
        self._priorities = [priorities[source] for source in sources]
        settings = [pipeline.duplicates, pipeline.repeats, pipeline.evaluation]
        plain = [None if each is None else dataclasses.asdict(each) for each in settings]
        content = [FORMAT, [path.name for path in parts], self._priorities, plain, _stamps(pipeline), self._partitions]
        self.key = hashlib.blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()
        self.work = folder / ACROSS / self.key
        signed = pipeline.duplicates.of_signatures() if pipeline.duplicates else {}
        self.signatures = hashlib.blake2b(json.dumps(signed).encode(), digest_size=8).hexdigest()
        self._signatures = folder / SIGNATURES / self.signatures

    def stages(self) -> Iterator[FileTasks]:
        """Yield the stages. All tasks of one must be done before the next one is asked for."""
        pipeline = self._pipeline
        if pipeline.duplicates:
            found = stages(
                self._parts,
                self._signatures,
                self.work / "duplicates",
                pipeline.duplicates,
                tasks=self._partitions,
                score="score",
                priorities=self._priorities,
            )
            for name, tasks in found:
                yield FileTasks(name, tuple(tasks))
        if pipeline.repeats:
            yield from self._repeats(pipeline.repeats)
        if pipeline.evaluation:
            yield from self._evaluation(pipeline.evaluation)

    def _repeats(self, settings: Repeats) -> Iterator[FileTasks]:
        numbers, parts = range(self._partitions), range(len(self._parts))
        count_lines = partial(count_repeats, documents=settings.documents, hosts=settings.hosts)
        kinds: tuple[tuple[str, Any, dict[str, int], Any], ...] = (
            (LINES, list_lines, line_settings(settings), count_lines),
            (PASSAGES, list_fingerprints, passage_settings(settings), partial(count_repeats, documents=2, hosts=0)),
        )
        for kind, list_units, unit_settings, counting in kinds:
            units = outputs(self.work, f"{kind}_of_parts", len(parts))
            counts = outputs(self.work, f"{kind}_counted", len(numbers))
            chosen = outputs(self.work, kind, len(parts))
            listing = [partial(list_units, fates=self._fates(i), url="url") for i in parts]
            yield FileTasks(
                kind, tuple(Call(listing[i], (self._parts[i], units[i], settings), units[i]) for i in parts)
            )
            yield FileTasks(
                f"{kind}, counted",
                tuple(Call(counting, (i, len(numbers), units, counts[i], unit_settings), counts[i]) for i in numbers),
            )
            yield FileTasks(
                f"{kind}, repeated",
                tuple(Call(select_repeats, (units[i], counts, chosen[i], unit_settings), chosen[i]) for i in parts),
            )

    def _evaluation(self, settings: Evaluation) -> Iterator[FileTasks]:
        counts = outputs(self.work, "evaluation_of_parts", len(self._parts))
        pairs = zip(self._parts, counts, strict=True)
        yield FileTasks(
            "evaluation items", tuple(Call(count_common, (part, out, settings), out) for part, out in pairs)
        )
        [total] = outputs(self.work, EVIDENCE, 1)
        yield FileTasks("evaluation items, counted", (Call(find_evidence, (counts, total, settings), total),))

    def clusters(self) -> dict[str, Any]:
        """Return counts of copies and the largest clusters, with the text that is kept, after all stages."""
        if not self._pipeline.duplicates:
            return {}
        found = read_outcome(self.work / "duplicates", self._pipeline.duplicates)
        largest = []
        for size, texts, _, address in found.largest:
            part, row = divmod(address, 1 << 32)
            text = next(itertools.islice(read_part(self._parts[part]), row, None)).text
            largest.append({"size": size, "texts": texts, "text": text[:SAMPLE_CHARACTERS]})
        counts = {"candidates": found.candidates, "similar": found.similar, "near": found.near, "kept": found.kept}
        return counts | {"documents": found.documents, "rounds": found.rounds, "largest": largest}

    def findings(self, part: int) -> Findings:
        """Return the files about a part, which are there after all stages."""
        pipeline = self._pipeline
        return Findings(
            fates=self._fates(part),
            lines=output(self.work, LINES, part) if pipeline.repeats else None,
            passages=output(self.work, PASSAGES, part) if pipeline.repeats else None,
            evidence=output(self.work, EVIDENCE, 0) if pipeline.evaluation else None,
        )

    def _fates(self, part: int) -> Path | None:
        return output(self.work / "duplicates", "fates", part) if self._pipeline.duplicates else None


def _stamps(pipeline: Pipeline) -> list[tuple[str, int, int]]:
    """Return paths, sizes and times of the files of evaluation items."""
    if pipeline.evaluation is None:
        return []
    return [(file.path, file.bytes, file.modified) for file in expand(pipeline.evaluation.paths)]
