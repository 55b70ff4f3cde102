"""The `convert` command as its user meets it."""

import shutil
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.convert import main
from tests.checkpoints.conftest import MakeNative


def test_there_and_back(
    make_native: MakeNative, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    native = make_native(tokenizer=str(tokenizer))
    theirs, back = tmp_path / "theirs", tmp_path / "back"
    main(["to-hf", str(native.path), str(theirs), "--dtype", "bfloat16"])
    main(["from-hf", str(theirs), str(back)])
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        f"{theirs}: 51,168 parameters of {native.path} in bfloat16, 1 file",
        "max_position_embeddings 128; with the tokenizer",
        f"{back}: a checkpoint of 51,168 parameters, with the tokenizer",
        f"start training from it with --start.checkpoint={back}",
    ]
    assert printed.err == ""


def test_nothing_is_written_into_a_checkpoint(make_native: MakeNative, tmp_path: Path) -> None:
    native = make_native()
    main(["to-hf", str(native.path), str(tmp_path / "theirs")])
    for words in (["to-hf", str(native.path)], ["from-hf", str(tmp_path / "theirs")]):
        with pytest.raises(InputError, match=f"would lie in the checkpoint {native.path}, and damage it"):
            main([*words, str(native.path / "a" / "b")])
    main(["to-hf", str(native.path), str(tmp_path / "again")])


def test_a_run_without_a_tokenizer_is_converted_as_it_is_stored(
    make_native: MakeNative, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    shutil.move(make_native().path, run / "checkpoints" / "00000007")
    main(["to-hf", str(run), str(tmp_path / "theirs")])
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'theirs'}: 51,168 parameters of {run / 'checkpoints' / '00000007'} in float32, 1 file",
        "max_position_embeddings 128; no tokenizer",
    ]


def test_the_tokenizers_are_compared(tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("昔々、\n\n山に狸が住んでいました。")
    (tmp_path / "b.jsonl").write_text('{"text": "The quick brown fox"}\n')
    alone = tmp_path / "alone.model"
    shutil.copyfile(tokenizer / "tokenizer.model", alone)
    main(["tokenizer", str(alone), "--texts", str(tmp_path / "*.txt"), str(tmp_path / "b.jsonl")])
    assert capsys.readouterr().out.splitlines() == [
        "0 of 3 lines (0.000%) encode differently in SentencePiece and tokenizer.json",
        "decoding restores all of them",
    ]


def test_without_texts_code_and_japanese_are_taken(tokenizer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["tokenizer", str(tokenizer)])
    different, _, total, *_ = capsys.readouterr().out.split()
    assert 4900 <= int(total) <= 5000
    assert int(different) <= 0.002 * int(total)


def test_a_difference_is_shown(tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tokenizer, tmp_path / "changed")
    changed = tmp_path / "changed" / "tokenizer.json"
    changed.write_text(changed.read_text().replace('"狸"', '"狐"'))
    (tmp_path / "a.txt").write_text("狸\n犬")
    main(["tokenizer", str(tmp_path / "changed"), "--texts", str(tmp_path / "a.txt")])
    assert capsys.readouterr().out.splitlines()[0].startswith("1 of 2 lines (50.000%)")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["to-gguf", "a", "b"],
            "'to-gguf' is none of to-hf, from-hf, upcycle, merge, adapters, add-tokens, to-peft, from-peft, tokenizer",
        ),
        (["to-hf", "nothing-here", "out"], "there is no checkpoint at nothing-here"),
        (["from-hf", "nothing-here", "out"], "nothing-here is not a model folder of Hugging Face"),
        (["to-hf", "a", "out", "--dtype", "int4"], "--dtype takes one of as-stored, bfloat16, float32, not 'int4'"),
        (["from-hf", "a"], "OUT must be given"),
        (["tokenizer", "nothing-here"], "there is no tokenizer at nothing-here"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        main(words)
    assert complaint in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_without_words_it_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    printed = capsys.readouterr().out
    assert printed.startswith(
        "usage: python -m tanuki_jax.convert {to-hf,from-hf,upcycle,merge,adapters,add-tokens,to-peft,from-peft,"
        "tokenizer}"
    )
    assert "  from-hf     Write a model in Hugging Face's format as a checkpoint" in printed
