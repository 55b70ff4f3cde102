"""Special tokens added to tokenizers of both kinds."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat.builtin import find
from tanuki_jax.corpus.records.types import Message
from tanuki_jax.data.tokenizer.added_tokens import add_tokens
from tanuki_jax.data.tokenizer.chat_tokens import encode_chat
from tanuki_jax.data.tokenizer.load import JSON, MODEL, load

CHATML = ("<|im_start|>", "<|im_end|>")
TEXT = "古い友人 reads <|im_end|> and </s>\n"


def copied(source: Path, folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        shutil.copyfile(source / name, folder / name)
    return folder


@pytest.mark.parametrize(
    "names",
    [(MODEL,), (JSON, "tokenizer_config.json"), (MODEL, JSON, "tokenizer_config.json"), (JSON,)],
    ids=["SentencePiece", "Hugging Face", "both", "tokenizer.json alone"],
)
def test_tokens_get_the_next_ids_and_texts_keep_theirs(names: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    source = copied(folder, tmp_path / "source", *names)
    before = load(source)
    assert add_tokens(source, tmp_path / "grown", CHATML) == {"<|im_start|>": 1200, "<|im_end|>": 1201}
    after = load(tmp_path / "grown")
    assert {path.name for path in (tmp_path / "grown").iterdir()} == {*names}
    assert after.vocabulary == 1202 and after.special == before.special | {"<|im_start|>": 1200, "<|im_end|>": 1201}
    assert (after.bos, after.eos, after.eod, after.pad) == (before.bos, before.eos, before.eod, before.pad)
    assert after.encode(TEXT) == before.encode(TEXT)
    assert after.decode([1200, *after.encode(TEXT), 1201]) == TEXT
    chat = encode_chat(after, find("chatml"), (Message("user", TEXT), Message("assistant", "a")))
    assert [chat.ids[0], chat.ids[chat.learned][-1]] == [1200, 1201] and list(chat.ids).count(1201) == 2
    for name in names:
        if name in (MODEL, JSON):
            alone = load(tmp_path / "grown" / name)
            assert (alone.vocabulary, alone.special["<|im_end|>"]) == (1202, 1201)


def test_a_bpe_model_gets_tokens_too(foreign_model: Callable[..., bytes], tmp_path: Path) -> None:
    file = tmp_path / "bpe.model"
    file.write_bytes(foreign_model(model_type="bpe", vocab_size=500, character_coverage=1.0))
    assert add_tokens(file, tmp_path / "grown", CHATML) == {"<|im_start|>": 500, "<|im_end|>": 501}
    assert load(tmp_path / "grown").encode(TEXT) == load(file).encode(TEXT)


def test_the_decoder_of_the_config_has_them_too(chat_folder: Path, tmp_path: Path) -> None:
    source = copied(chat_folder, tmp_path / "source", JSON, "tokenizer_config.json")
    config = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps(config | {"added_tokens_decoder": {}}))
    [(name, id)] = add_tokens(source, tmp_path / "grown", ["<|think|>"]).items()
    grown = json.loads((tmp_path / "grown" / "tokenizer_config.json").read_text())
    assert grown["added_tokens_decoder"][str(id)]["content"] == name
    assert grown["additional_special_tokens"] == [*config["additional_special_tokens"], name]
    assert tokenizers.Tokenizer.from_file(str(tmp_path / "grown" / JSON)).token_to_id(name) == id


@pytest.mark.parametrize(
    ("tokens", "complaint"),
    [
        ((), "--tokens is empty; name at least one token"),
        (("",), "--tokens has ''; a token is printable text with no white space at its beginning or end"),
        (("<a>", " <b>"), "--tokens has ' <b>'; a token is printable text"),
        (("<a\n>",), r"--tokens has '<a\\n>'; a token is printable text"),
        (("<a>", "<EOD>"), r"--tokens has '<EOD>', which is token 6 of .* already; leave it out"),
        (("<a>", "<b>", "<a>"), "--tokens has '<a>' twice; leave one out"),
        (("<bos>",), r"--tokens has '<bos>', which would change the bos token of .* from None to 1200; choose another"),
    ],
)
def test_names_that_cannot_be_added_are_refused(
    tokens: tuple[str, ...], complaint: str, folder: Path, tmp_path: Path
) -> None:
    source = copied(folder, tmp_path / "source", JSON)
    if tokens == ("<bos>",):  # of a tokenizer whose texts have no beginning
        content = json.loads((source / JSON).read_text())
        for piece in content["model"]["vocab"]:
            piece[0] = piece[0].replace("<s>", "<begin>")
        (source / JSON).write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"^{complaint}"):
        add_tokens(source, tmp_path / "grown", tokens)


def test_ids_with_gaps_are_refused(folder: Path, tmp_path: Path) -> None:
    source = copied(folder, tmp_path / "source", JSON)
    vocabulary = {"a": 0, "</s>": 1, "b": 7}
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="a"))
    model.save(str(source / JSON))
    complaint = r"cannot have '<new>' as token 8, the next free one: its ids have gaps"
    with pytest.raises(InputError, match=complaint):
        add_tokens(source, tmp_path / "grown", ["<new>"])
