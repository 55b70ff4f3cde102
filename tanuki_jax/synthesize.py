"""Let a teacher model write what the web lacks: recipes turn documents, lists and plans into records for training.

python -m tanuki_jax.synthesize --config=rag_qa --inputs 'corpora/web/documents/*.parquet' --dry-run
python -m tanuki_jax.synthesize --config=rag_qa --inputs 'corpora/web/documents/*.parquet' \
    --teacher.urls http://localhost:8000/v1 --preview 5
python -m tanuki_jax.synthesize --config=rag_qa --inputs 'corpora/web/documents/*.parquet' \
    --teacher.urls http://localhost:8000/v1 --teacher.concurrency 256
python -m tanuki_jax.synthesize --config=coverage --inputs coverage/web/plan.jsonl \
    --teacher.urls http://localhost:8000/v1
python -m tanuki_jax.synthesize --config=by_rule --count 10000 --output rules.jsonl.zst
python -m tanuki_jax.synthesize list
"""

from tanuki_jax.base.command import enter
from tanuki_jax.config.check_words import check_action
from tanuki_jax.config.command_line import parse_config, parse_options
from tanuki_jax.corpus.synthesis.synthesize_options import List, Run


def main(words: list[str]) -> None:
    """Run the command, or list the finished runs, with the other arguments."""
    check_action(words, ("list",))
    if words[:1] == ["list"]:
        listing = parse_options("synthesize list", words[1:], List)
        from tanuki_jax.corpus.synthesis.synthesize_commands import list_runs

        list_runs(listing)
        return
    from tanuki_jax.corpus.synthesis.named_syntheses import SYNTHESES

    synthesis, options = parse_config(SYNTHESES, "synthesize", words, Run)
    from tanuki_jax.corpus.synthesis.synthesize_commands import run

    run(synthesis, options)


if __name__ == "__main__":
    enter("synthesize", main)
