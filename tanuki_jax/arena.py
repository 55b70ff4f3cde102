"""Let people vote blind on the answers of two models, and rate models from such votes.

python -m tanuki_jax.arena --config=demo
python -m tanuki_jax.arena --config=my.py:class --host 0.0.0.0 --port 8001
python -m tanuki_jax.arena export arenas/class.sqlite --output votes.csv
python -m tanuki_jax.arena rate votes.csv --anchor=Tanuki-8B-dpo-v1.0 --output=board.csv
"""

from tanuki_jax.base.command import enter
from tanuki_jax.config.check_words import check_action
from tanuki_jax.config.command_line import parse_config, parse_options
from tanuki_jax.evaluation.arena.rate_options import Rate
from tanuki_jax.evaluation.arena.serve_options import Export, Serve


def main(words: list[str]) -> None:
    """Open an arena, or do what the first word names, with the other arguments."""
    check_action(words, ("rate", "export"))
    action, rest = (words[0], words[1:]) if words else ("", words)
    if action == "rate":
        rating = parse_options("arena rate", rest, Rate)
        from tanuki_jax.evaluation.arena.rate_commands import rate

        rate(rating)
        return
    if action == "export":
        exporting = parse_options("arena export", rest, Export)
        from tanuki_jax.evaluation.arena.serve_commands import export

        export(exporting)
        return
    from tanuki_jax.evaluation.arena.named_arenas import ARENAS

    arena, options = parse_config(ARENAS, "arena", words, Serve)
    from tanuki_jax.evaluation.arena.serve_commands import serve

    serve(arena, options)


if __name__ == "__main__":
    enter("arena", main)
