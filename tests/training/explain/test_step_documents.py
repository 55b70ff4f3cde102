import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.format import State, finish, read_state, step_folder
from tanuki_jax.checkpoints.tokenizer_copy import TokenizerCopy
from tanuki_jax.config.experiment import AdamW, Checkpoints, Data, Experiment, HeldOut, Schedule, Tokenizer
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.config.model import Model
from tanuki_jax.config.serialize import to_json
from tanuki_jax.data.loader import Fragment, Loader
from tanuki_jax.data.open_stores import open_stores
from tanuki_jax.data.store import Input, StoreWriter
from tanuki_jax.data.tokenizer.load import load
from tanuki_jax.explain import main
from tanuki_jax.training.explain.step_documents import explain, located
from tests.training.explain.conftest import write_store, write_tokenizer

TEXTS = {
    "fables": [f"the tanuki number {n} drums on its belly\nuntil the moon {n} goes down" for n in range(30)],
    "lists": [" ".join(f"item{(n + i) % 40}" for i in range(5 + 3 * n)) for n in range(12)],
}
MIXTURE = Mixture(
    sources=tuple(Source(name=name) for name in TEXTS), stages=(Stage(weights={"fables": 1.0, "lists": 1.0}),)
)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Return an experiment with prepared stores and a run folder that holds config and mixture."""
    write_tokenizer(
        tmp_path / "tokenizer.json", {word for texts in TEXTS.values() for text in texts for word in text.split()}
    )
    data = Data(
        mixture="some",
        tokenizer=Tokenizer(path=str(tmp_path / "tokenizer.json")),
        stores=str(tmp_path / "stores"),
        sequence_length=32,
        batch_rows=4,
        held_out_share=0.0,
    )
    for name, texts in TEXTS.items():
        write_store(Path(data.stores) / name, texts, data.tokenizer.path)
    run = Experiment(
        name="some",
        model=Model(vocabulary=128, width=8, hidden=8, layers=1, heads=1, kv_heads=1),
        data=data,
        steps=10,
        schedule=Schedule(peak=1e-3),
        checkpoints=Checkpoints(every_steps=1),
        held_out=HeldOut(every_steps=1, rows=4),
        optimizer=AdamW(),
        runs=str(tmp_path / "runs"),
    )
    run_folder(run).mkdir(parents=True)
    (run_folder(run) / "config.json").write_text(to_json(run))
    (run_folder(run) / "mixture.json").write_text(to_json(MIXTURE))
    return run


def run_folder(experiment: Experiment) -> Path:
    return Path(experiment.runs) / experiment.name


def loader(experiment: Experiment) -> Loader:
    return Loader(open_stores(experiment.data, MIXTURE), MIXTURE, experiment.data, experiment.seed)


def save_checkpoint(experiment: Experiment, step: int, skipped: tuple[int, ...], fingerprint: str) -> None:
    checkpoint = step_folder(run_folder(experiment) / "checkpoints", step)
    checkpoint.mkdir(parents=True)
    model, length = experiment.model, experiment.data.sequence_length
    state = State(
        step=step,
        tokens=0,
        skipped=skipped,
        model=model,
        tokenizer="",
        sequence_length=length,
        data=fingerprint,
        files={},
    )
    finish(checkpoint, state)


def test_every_fragment_has_its_location_and_the_words_of_the_batch(experiment: Experiment) -> None:
    tokenizer = load(experiment.data.tokenizer.path)
    batch = loader(experiment).batch(2, slice(None))
    explained = explain(run_folder(experiment), 3)
    assert explained.data_step == 2
    for row in range(4):
        read = [each for each in explained.fragments if each.row == row]
        assert [each.fragment.length for each in read] == [
            n for segment, n in sorted(Counter(batch.segment_ids[row]).items()) if segment
        ]
        for each, begin in zip(
            read, np.flatnonzero((batch.positions[row] == 0) & (batch.segment_ids[row] > 0)), strict=True
        ):
            assert each.first_words == tokenizer.decode(
                batch.tokens[row][begin : begin + min(24, each.fragment.length)].tolist()
            )
            text = TEXTS[each.origin.source][each.origin.row - 1]
            assert each.origin.path == f"{each.origin.source}.txt"
            assert each.first_words in " ".join(text.split())
            assert each.document_tokens == len(text.split()) + 1


def test_preferences_have_a_side_and_learned_targets(tmp_path: Path) -> None:
    """The documents of each pair have four tokens and three; the last two of each are learned."""
    write_tokenizer(tmp_path / "tokenizer.json", {"a", "b", "c", "d", "e"})
    tokenizer = load(tmp_path / "tokenizer.json")
    texts = ["a b c d", "a b e"] * 3
    tokens = [tokenizer.encode(text) for text in texts]
    with StoreWriter(
        tmp_path / "pairs",
        source="pairs",
        tokenizer_fingerprint=tokenizer.fingerprint,
        vocabulary=tokenizer.vocabulary,
        inputs=[Input("pairs.jsonl", 1)],
        settings={},
        has_learned=True,
        documents_per_record=2,
    ) as writer:
        sizes = np.array([len(ids) for ids in tokens])
        learned = np.concatenate([[0] * (size - 2) + [1] * 2 for size in sizes]).astype(np.uint8)
        writer.append(
            np.concatenate(tokens).astype(np.uint16),
            sizes,
            sizes.astype(np.uint64),
            np.zeros(6, np.int32),
            np.arange(6),
            learned,
        )
        store = writer.commit({})
    fragments = [(0, Fragment("pairs", 0, 2, 0, 3)), (1, Fragment("pairs", 0, 3, 0, 2))]
    chosen, rejected = located(fragments, {"pairs": store}, tokenizer)
    assert (chosen.used, chosen.first_words, chosen.learned_words) == (
        "tokens 1-3 of 4, epoch 1, chosen, 2 learned",
        "a b c",
        "c d",
    )
    assert (rejected.used, rejected.first_words, rejected.learned_words) == (
        "tokens 1-2 of 3, epoch 1, rejected, 2 learned",
        "a b",
        "b e",
    )
    assert located(fragments[:1], {"pairs": store}, tokenizer, tokens=1)[0].learned_words == "c"


def test_skipped_data_steps_are_counted(experiment: Experiment) -> None:
    fingerprint = loader(experiment).fingerprint
    save_checkpoint(experiment, 4, (), fingerprint)
    assert explain(run_folder(experiment), 5).data_step == 4
    save_checkpoint(experiment, 6, (1, 3), fingerprint)
    assert explain(run_folder(experiment), 1).data_step == 0
    assert explain(run_folder(experiment), 5).data_step == 6


def test_a_run_is_explained_from_any_folder_with_its_own_tokenizer(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = explain(run_folder(experiment), 3)
    short = dataclasses.replace(experiment.data, stores="stores", tokenizer=Tokenizer(path="tokenizer.json"))
    moved = dataclasses.replace(experiment, data=short, runs="runs")
    (run_folder(experiment) / "config.json").write_text(to_json(moved))
    fingerprint = loader(experiment).fingerprint
    save_checkpoint(experiment, 1, (), fingerprint)
    checkpoint = step_folder(run_folder(experiment) / "checkpoints", 1)
    copy = TokenizerCopy.read(tmp_path / "tokenizer.json")
    finish(checkpoint, copy.write(checkpoint, read_state(checkpoint)))
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert explain(run_folder(experiment), 3) == expected


def test_the_command_prints_a_line_for_each_fragment(
    experiment: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(run_folder(experiment)), "--step", "1"])
    head, *lines = capsys.readouterr().out.splitlines()
    explained = explain(run_folder(experiment), 1)
    assert head.startswith("step 1 of ") and head.endswith("tokens in 4 rows")
    assert len(lines) == len(explained.fragments)
    for line, each in zip(lines, explained.fragments, strict=True):
        assert line.startswith(f"row {each.row} ") and line.endswith(each.first_words)
        assert f"{each.origin.source}.txt:{each.origin.row}" in line and f"of {each.document_tokens}," in line


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing is not a run folder: it has no config\.json"):
        explain(tmp_path / "nothing", 1)


@pytest.mark.parametrize("step", [0, -1, 11])
def test_a_step_that_the_run_does_not_have_is_refused(experiment: Experiment, step: int) -> None:
    with pytest.raises(InputError, match=f"has the steps 1 to 10, but no step {step}$"):
        explain(run_folder(experiment), step)


def test_data_that_changed_since_are_refused(experiment: Experiment) -> None:
    save_checkpoint(experiment, 1, (), loader(dataclasses.replace(experiment, seed=1)).fingerprint)
    with pytest.raises(InputError, match="no longer those"):
        explain(run_folder(experiment), 1)
