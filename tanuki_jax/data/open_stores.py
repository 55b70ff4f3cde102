"""Token stores of a config's sources, opened and checked."""

from collections.abc import Mapping
from pathlib import Path

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture, Source
from tanuki_jax.corpus.chat.template_files import find as find_template
from tanuki_jax.data import packing
from tanuki_jax.data.store import DESCRIPTION, UNRECORDED, Store
from tanuki_jax.data.tokenizer.load import load


def open_stores(data: Data, mixture: Mixture) -> dict[str, Store]:
    """Open the store of every source that some stage reads or that is held out, and return them by name.

    InputError names all stores that are missing, or all that were made with another tokenizer or chat template than the
    config's.
    """
    folders = {source.name: Path(data.stores) / source.name for source in mixture.stored}
    if missing := [name for name, folder in folders.items() if not (folder / DESCRIPTION).is_file()]:
        raise InputError(
            f"{data.stores} has no store of {', '.join(missing)}, which the mixture {data.mixture!r} reads; run "
            "`python -m tanuki_jax.prepare` with the same --config first"
        )
    stores = {name: Store.open(folder) for name, folder in folders.items()}
    tokenizer = load(data.tokenizer.path)
    if other := [name for name, store in stores.items() if store.tokenizer_fingerprint != tokenizer.fingerprint]:
        raise InputError(
            f"{', '.join(other)} in {data.stores} were not made with the tokenizer {data.tokenizer.path}; delete and "
            "prepare them again"
        )
    for source in mixture.stored:
        _check_settings(stores[source.name], source, data)
    made_with = {name: store.settings["template"] for name, store in stores.items() if "template" in store.settings}
    template = find_template(Path(data.tokenizer.path)) if made_with else None
    if other := [name for name, made in made_with.items() if template is None or made != template.fingerprint]:
        raise InputError(
            f"{', '.join(other)} in {data.stores} were not made with the chat template of {data.tokenizer.path}; "
            "delete and prepare them again"
        )
    return stores


def _check_settings(store: Store, source: Source, data: Data) -> None:
    """Raise InputError if a store was made with other settings than the config's, which would have no effect."""
    wanted = {
        "data.learn": ("learn", data.learn if source.form == "chat" else "all"),
        "too_long of the source": ("too_long", source.too_long),
        "fields of the source": ("fields", dict(source.fields)),
    }
    for field, (name, value) in wanted.items():
        made = store.settings.get(name, UNRECORDED[name])
        if made != value:
            raise InputError(
                f"{field} is {value!r}, but the store {store.folder} was made with {made!r}; delete it and prepare it "
                "again, or undo that"
            )


def documents_per_record(stores: Mapping[str, Store]) -> int:
    """Return the number of documents a record. InputError if it is not the same for all sources."""
    sizes = {name: store.documents_per_record for name, store in stores.items()}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise InputError(
            "the sources of a run must have equally many documents a record (text, chat 1, preference 2, kto 3), "
            f"not {listed}: take sources of one kind"
        )
    return next(iter(sizes.values()))


def check_lengths(stores: Mapping[str, Store], sequence_length: int) -> None:
    """Raise InputError if a record that is not cut is longer than a row."""
    for name, store in stores.items():
        if store.has_learned and (longest := packing.longest_record(store)) > sequence_length:
            raise InputError(
                f"a record of {name} takes {longest:,} positions of a row, and data.sequence_length is "
                f"{sequence_length:,}: delete {store.folder} and prepare it for this length"
            )
