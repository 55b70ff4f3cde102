"""Copy a tokenizer with its chat template into another folder, and compare tokenizers by fingerprint."""

import hashlib
import json
import shutil
from pathlib import Path

from tanuki_jax.corpus.chat import template_files
from tanuki_jax.data.tokenizer.load import JSON, MODEL, find_file, load, same_pieces

COMPANIONS = (JSON, template_files.CONFIG, "special_tokens_map.json", template_files.JINJA)
"""Files that belong to the tokenizer file in the same folder: its other form, if it has the same pieces, its special
tokens, its chat template."""


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy a tokenizer and its chat template into `folder`, from which `load` and `template_files.find` read them.

    Args:
        source: a tokenizer's folder, or its `.model` or `.json` file; the file may have any name.
        folder: destination, created if missing; must not contain another tokenizer.

    Raises:
        InputError: there is no tokenizer at `source`.
    """
    file = find_file(source)
    folder.mkdir(parents=True, exist_ok=True)
    for name in COMPANIONS:
        beside = file.parent / name
        if beside.is_file() and (name != JSON or file.suffix == ".json" or same_pieces(file, beside)):
            shutil.copyfile(beside, folder / name)
    shutil.copyfile(file, folder / (MODEL if file.suffix == ".model" else JSON))


def fingerprint(path: Path) -> str:
    """Return a hash of the data that determines ids and chat template of the tokenizer at `path`, not of file names.

    InputError if the tokenizer or its template cannot be read.
    """
    tokenizer, template = load(path), template_files.find(path)
    folder = path if path.is_dir() else path.parent
    values = {
        "tokenizer": tokenizer.fingerprint,
        "bos": tokenizer.bos,
        "eos": tokenizer.eos,
        "special": dict(tokenizer.special),
        "add_bos_token": bool(template_files.tokenizer_config(folder).get("add_bos_token")),
        "template": template and template.fingerprint,
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
