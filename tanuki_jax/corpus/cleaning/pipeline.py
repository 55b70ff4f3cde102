"""Config of a cleaning run: what is read, the rules in their order, and what is done across documents."""

import dataclasses
import hashlib
import json
import keyword
import os
import re
from pathlib import Path
from typing import Any, Literal

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeInt, PositiveInt, check_fields, check_tuples
from tanuki_jax.corpus.cleaning.contamination.evaluation_settings import Evaluation
from tanuki_jax.corpus.cleaning.draft import Rule
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.repeats.repeat_settings import Repeats
from tanuki_jax.corpus.cleaning.rules.rule_table import RULES, name_of

_CODE_FOLDERS = ("rules", "extraction", "vocabularies", "quality", "records", "formats")
_NO_CODE = (
    "across_documents.py",
    "clean_commands.py",
    "clean_options.py",
    "clean_stage.py",
    "file_tasks.py",
    "pipelines.py",
    "rule_training.py",
    "run_cleaning.py",
    "run_folder.py",
    "score_documents.py",
    "write_stage.py",
)
"""Files beside this one that do not determine a part."""
FORMAT = 1
"""Version of the parts' format: another one makes all parts anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Input:
    """Files under one name."""

    name: str
    """Name of the source, which is written with every document."""
    paths: tuple[str, ...]
    """Files or globs (`**` includes subfolders), local, gs:// or s3://: WARC and WET, Wikipedia dumps, JSON lines
    (also as .gz or .zst), Parquet; any other file is one document."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""
    priority: int = 0
    """Rank among the sources: of copies in several sources, one of the highest rank is kept, whatever its score."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Everything that determines the output of a cleaning run."""

    name: str
    """Name of the run; its folder is corpora/NAME unless the command says otherwise."""
    inputs: tuple[Input, ...]
    """Sources to read."""
    rules: tuple[Rule, ...]
    """Rules, in the order in which they are applied to each document."""
    split_characters: PositiveInt = 50_000
    """Most characters of a document: longer ones are cut between paragraphs, or between sentences, into several."""
    duplicates: Duplicates | None = None
    """Search for exact and near copies; None: there is none."""
    repeats: Repeats | None = None
    """Search for lines, paragraphs and passages that several documents have; None: there is none."""
    evaluation: Evaluation | None = None
    """Search for evaluation items; None: there is none."""
    shortest_left: NonNegativeInt = 30
    """Least number of characters, without white space, of a document from which repeats or items were cut."""
    partitions: PositiveInt = 16
    """Least number of tasks of the stages that compare documents of all parts: a quarter of the number of parts, if
    that is more. More tasks need less memory each; the documents do not depend on it."""
    part_bytes: PositiveInt = 64 << 20
    """Bytes of the input, as it is stored, that one task cleans. A file that cannot be cut is one task."""
    format: Literal["parquet", "jsonl.zst"] = "parquet"
    """Format of the cleaned documents."""
    tokenizer: str = ""
    """Path of a tokenizer, by which the report estimates tokens; empty: the report has characters only."""

    def __post_init__(self) -> None:
        check_tuples(self)
        for index, rule in enumerate(self.rules):
            if isinstance(rule, type):
                raise InputError(f"rules[{index}] is the class {rule.__name__}: write {rule.__name__}(...)")
            if type(rule) not in RULES.values():
                raise InputError(f"rules[{index}] is {rule!r:.80}, and must be one of the rules of rules/rule_table.py")
        check_fields(self)
        if not self.inputs:
            raise InputError("inputs is empty, and must name at least one source")
        names = [each.name for each in self.inputs]
        if wrong := [name for name in names if not name.isidentifier() or keyword.iskeyword(name)]:
            raise InputError(f"the input {wrong[0]!r} must have a name of letters, digits and _, and no word of Python")
        if not re.fullmatch(r"\w[\w.-]*", self.name):
            raise InputError(f"name is {self.name!r:.80}, and must consist of letters, digits, _, - and .")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"two inputs are named {twice[0]!r}")


def reading(paths: tuple[str, ...], text_field: str, part_bytes: int = Pipeline.part_bytes) -> Pipeline:
    """Return a pipeline that reads files, for commands that look at documents and clean none."""
    source = Input(name="files", paths=paths, text_field=text_field)
    return Pipeline(name="reading", inputs=(source,), rules=(), part_bytes=part_bytes)


def names_of_rules(rules: tuple[Rule, ...]) -> list[str]:
    """Return a name for each rule, with a number behind it where a rule is applied again."""
    names: list[str] = []
    for rule in rules:
        name = name_of(rule)
        used = sum(type(other) is type(rule) for other in rules[: len(names)])
        names.append(f"{name}_{used + 1}" if used else name)
    return names


def to_plain(pipeline: Pipeline) -> dict[str, Any]:
    """Return a pipeline as JSON values."""
    rules = zip(names_of_rules(pipeline.rules), pipeline.rules, strict=True)
    plain = dataclasses.asdict(pipeline)
    return plain | {"rules": {name: dataclasses.asdict(rule) for name, rule in rules}}


def rules_key(pipeline: Pipeline) -> str:
    """Return a hash of what determines a part besides the input and the code: rules, and the files that they name."""
    digest = hashlib.blake2b(digest_size=8)
    for rule in pipeline.rules:
        inside = [field.name for field in dataclasses.fields(rule) if not field.metadata.get("outside_key")]
        fields = {name: value for name, value in dataclasses.asdict(rule).items() if name in inside}
        digest.update(json.dumps([name_of(rule), fields], default=str).encode())
        for value in fields.values():
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and os.path.isfile(text):  # not Path.is_file: a long text is no error
                    digest.update(Path(text).read_bytes())
    digest.update(json.dumps([FORMAT, pipeline.split_characters]).encode())
    return digest.hexdigest()


def code_key() -> str:
    """Return a hash of the code and the vocabularies that determine a part."""
    folder, digest = Path(__file__).parent, hashlib.blake2b(digest_size=8)
    records = folder.parent / "records"
    for path in sorted([*folder.rglob("*"), *records.rglob("*")]):
        is_code = path.parent.name in _CODE_FOLDERS or (path.parent == folder and path.name not in _NO_CODE)
        if is_code and path.suffix in (".py", ".txt"):
            digest.update(path.read_bytes())
    return digest.hexdigest()
