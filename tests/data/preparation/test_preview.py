import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.config import experiment
from tanuki_jax.config.experiment import Data
from tanuki_jax.config.mixture import Mixture, Source, Stage
from tanuki_jax.data.preparation.preview import preview


@pytest.fixture
def mixture(tmp_path: Path) -> Mixture:
    rows = [{"instruction": f"東京{number}", "output": "吾輩は"} for number in range(3)]
    lines = [json.dumps(rows[0]), "", "{}", *map(json.dumps, rows[1:])]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    pair = {"prompt": "名前は", "chosen": "狸", "rejected": "猫である。"}
    (tmp_path / "b.jsonl").write_text(json.dumps(pair) + "\n")
    sources = (
        Source(name="chats", paths=(str(tmp_path / "a.jsonl"),), form="chat"),
        Source(name="pairs", paths=(str(tmp_path / "b.jsonl"),), form="preference"),
        Source(name="texts", tasks=("arithmetic",), documents=5),
    )
    return Mixture(sources=sources, stages=(Stage(weights={"chats": 1.0, "pairs": 1.0, "texts": 1.0}),))


def data(tmp_path: Path, tokenizer: Path) -> Data:
    config = experiment.Tokenizer(path=str(tokenizer / "tokenizer.model"), chat_template="user_assistant")
    return Data(mixture="m", tokenizer=config, stores=str(tmp_path / "stores"), sequence_length=500, batch_rows=1)


def test_the_first_records_have_brackets_around_the_learned_text(
    tmp_path: Path, mixture: Mixture, tokenizer_folder: Path
) -> None:
    before = sorted(tokenizer_folder.iterdir())
    first, broken, chosen = [text.plain for text in preview(data(tmp_path, tokenizer_folder), mixture, 2)]
    head, *lines = first.splitlines()
    assert head.startswith(f"chats  {tmp_path}/a.jsonl:1  ") and head.endswith(" learned")
    before_learned, _, rest = "".join(lines).partition("⟦")
    assert "東京0" in before_learned and "吾輩は" in rest.partition("⟧")[0]
    assert broken.startswith(f"chats  {tmp_path}/a.jsonl:3  malformed: no field")
    assert f"pairs  {tmp_path}/b.jsonl:1  chosen, " in chosen and f"pairs  {tmp_path}/b.jsonl:1  rejected, " in chosen
    assert sorted(tokenizer_folder.iterdir()) == before and not (tmp_path / "stores").exists()


def test_a_preview_needs_a_tokenizer_and_chats(tmp_path: Path, mixture: Mixture, tokenizer_folder: Path) -> None:
    with pytest.raises(InputError, match=f"a preview needs the tokenizer, and there is none at {tmp_path}/none"):
        list(preview(data(tmp_path, tmp_path / "none"), mixture, 1))
    texts = Mixture(sources=mixture.sources, stages=(Stage(weights={"texts": 1.0}),))
    with pytest.raises(InputError, match="all sources of the mixture m are texts"):
        list(preview(data(tmp_path, tokenizer_folder), texts, 1))
