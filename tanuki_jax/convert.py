"""Convert checkpoints to Hugging Face's format and back, and adapters to PEFT's; merge adapters; add tokens; upcycle
dense models.

python -m tanuki_jax.convert to-hf runs/8b exported/8b --dtype bfloat16
python -m tanuki_jax.convert from-hf exported/8b checkpoints/8b
python -m tanuki_jax.convert upcycle checkpoints/8x8b --from runs/8b_phase2_0627 --to 8x8b
python -m tanuki_jax.convert merge runs/tiny_dpo checkpoints/tiny_chat
python -m tanuki_jax.convert add-tokens runs/tiny checkpoints/tiny_chatml --tokens '<|im_start|>' '<|im_end|>' \
    --chat-template chatml
python -m tanuki_jax.convert to-peft runs/tiny_dpo exported/tiny_dpo
python -m tanuki_jax.convert tokenizer data/demo/tokenizer
"""

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.convert_options import (
    Adapters,
    AddTokens,
    CompareTokenizer,
    FromHuggingFace,
    FromPeft,
    Merge,
    ToHuggingFace,
    ToPeft,
    Upcycle,
)
from tanuki_jax.config.command_line import parse_options

COMMANDS = {
    "to-hf": ToHuggingFace,
    "from-hf": FromHuggingFace,
    "upcycle": Upcycle,
    "merge": Merge,
    "adapters": Adapters,
    "add-tokens": AddTokens,
    "to-peft": ToPeft,
    "from-peft": FromPeft,
    "tokenizer": CompareTokenizer,
}


def main(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help"):
        print(f"usage: python -m tanuki_jax.convert {{{','.join(COMMANDS)}}} ...\n")
        for name, options in COMMANDS.items():
            print(f"  {name:<12}{options.__doc__}")
        print("\nEach answers --help.")
        return
    if words[0] not in COMMANDS:
        raise InputError(f"{words[0]!r} is none of {', '.join(COMMANDS)}")
    options = parse_options(f"convert {words[0]}", words[1:], COMMANDS[words[0]])
    from tanuki_jax.checkpoints.convert_commands import (
        run,
    )  # after the words are understood: importing jax takes seconds

    run(options)


if __name__ == "__main__":
    enter("convert", main)
