"""Command `generate`: its output and its refusals."""

import io
import json
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.chat import builtin, template_files
from tanuki_jax.generate import main
from tests.inference.conftest import MakeParrot


def test_prompt_and_continuation_are_printed(make_parrot: MakeParrot, capsys: pytest.CaptureFixture[str]) -> None:
    parrot = make_parrot("fox", " に🦝")
    main([str(parrot.run), "--prompt", "a fox", "--prompt", "fox", "--temperature", "0", "--tokens", "9"])
    assert capsys.readouterr().out == "a fox に🦝\n----\nfox に🦝\n"
    main([str(parrot.checkpoint), "--prompt=fox", "--top-k=1"])
    assert capsys.readouterr().out == "fox に🦝\n"
    main([str(parrot.checkpoint), "--prompt=\udcfffox", "--top-k=1"])
    assert capsys.readouterr().out == "\ufffdfox に🦝\n"


def test_prompts_in_a_file_are_continued(
    make_parrot: MakeParrot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parrot = make_parrot("fox", " に🦝")
    (tmp_path / "prompts.txt").write_text("fox\na fox\n", encoding="utf-8")
    out = tmp_path / "out" / "a.jsonl"
    main([str(parrot.run), "--prompts", str(tmp_path / "prompts.txt"), "--out", str(out), "--temperature=0"])
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(line["prompt"], line["completion"]) for line in lines] == [("fox", " に🦝"), ("a fox", " に🦝")]
    assert f"{out}: 2 prompts, 12 tokens generated in " in capsys.readouterr().out


def test_a_chat_goes_on_until_the_input_ends(
    make_parrot: MakeParrot, tokenizer: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parrot = make_parrot("assistant:", " に🦝")
    with pytest.raises(InputError, match="chat template"):
        main([str(parrot.run), "--message", "fox"])
    template_files.write(tokenizer, builtin.find("user_assistant"))
    try:
        main([str(parrot.run), "--message", "fox", "--message", "a fox", "--temperature=0"])
        whole = capsys.readouterr()
        assert whole.out == "に🦝\n----\nに🦝\n" and "cut off" not in whole.err
        main([str(parrot.run), "--message", "fox", "--temperature=0", "--tokens", "2"])
        assert "(the answer was cut off after 2 tokens; --tokens allows more)" in capsys.readouterr().err
        monkeypatch.setattr("sys.stdin", io.StringIO("fox\n\n" + "the fox\n" * 3))
        main([str(parrot.run), "--chat", "--temperature=0", "--tokens", "8"])
        output = capsys.readouterr()
        assert output.out == "に🦝\n" * 4
        assert "the conversation is too long" in output.err
    finally:
        (tokenizer / "tokenizer_config.json").unlink()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nothing-here", "--prompt", "a"], "there is no checkpoint at nothing-here: no such folder"),
        ([".", "--prompt", "a"], "there is no checkpoint in ."),
        (["."], "give exactly one of --prompt, --message, --prompts and --chat"),
        ([".", "--prompt", "a", "--chat"], "give exactly one of --prompt, --message, --prompts and --chat"),
        ([".", "--prompts", "a.txt"], "--prompts and --out need each other"),
        ([".", "--chat", "--out", "a.jsonl"], "--prompts and --out need each other"),
        ([".", "--prompts", "a.txt", "--out", "b.jsonl", "--batch=0"], "--batch is 0, and must be above 0"),
        ([".", "--prompt", "a", "--system", "b"], "--system needs a conversation"),
        ([".", "--prompt", "a", "--seed=-1"], "--seed is -1, and must be at least 0 and below 4294967296"),
        ([".", "--prompt", "a", "--top-p=0"], "--top-p is 0.0, and must be above 0 and at most 1"),
        ([".", "--prompt", "a", "--repetition-penalty=0"], "--repetition-penalty is 0.0, and must be at least 0.01"),
        ([".", "--prompt", "a", "--tokens", "0"], "--tokens is 0, and must be above 0"),
        ([".", "--prompt", "a", "--temperature=-1"], "--temperature is -1.0, and must be at least 0"),
        ([".", "--prompt", "a", "--temperature", "nan"], "--temperature is nan"),
        ([".", "--prompt", "a", "--top-k=-1"], "--top-k is -1, and must be at least 0"),
        (["--prompt", "a"], "CHECKPOINT must be given"),
    ],
)
def test_bad_options_are_refused_in_one_line(
    words: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        main(words)
    assert complaint in str(error.value)
