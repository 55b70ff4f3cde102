"""Clean a corpus: pages become text, rules drop or change documents, copies are removed, and a report says so.

python -m tanuki_jax.clean --config=demo
python -m tanuki_jax.clean --config=japanese_web --inputs.crawl.paths 'crawl/*.warc.gz' --out /scratch/web --workers 64
python -m tanuki_jax.clean train quality labels.tsv q.npz
python -m tanuki_jax.clean train perplexity 'good/*.jsonl' p.npz
python -m tanuki_jax.clean train statistics 'good/*.jsonl' limits.json
python -m tanuki_jax.clean score --config=japanese_web --rules.quality.model q.npz --input a.jsonl --output b.jsonl
python -m tanuki_jax.clean coverage --facts facts.tsv --corpus 'corpora/web/documents/*.parquet' --out coverage/web
python -m tanuki_jax.clean map --corpora web='web/*.parquet' dialogue='chat/*.jsonl' --out maps/web
python -m tanuki_jax.clean audit --config=japanese_web --inputs.crawl.paths 'crawl/*.warc.gz' --labels labels.jsonl
"""

from tanuki_jax.base.command import enter
from tanuki_jax.base.errors import InputError
from tanuki_jax.config.check_words import check_action
from tanuki_jax.config.command_line import parse_config, parse_options
from tanuki_jax.corpus.cleaning.clean_options import Audit, Run, Score, TrainPerplexity, TrainQuality, TrainStatistics


def main(words: list[str]) -> None:
    """Run the command, or what its first word names, with the other arguments."""
    check_action(words, ("train", "score", "coverage", "map", "audit"))
    action, rest = (words[0], words[1:]) if words else ("", words)
    if action == "train":
        _train(rest)
        return
    if action == "coverage":
        from tanuki_jax.corpus.coverage.coverage_options import Coverage

        counting = parse_options("clean coverage", rest, Coverage)
        from tanuki_jax.corpus.coverage.coverage_commands import coverage

        coverage(counting)
        return
    if action == "map":
        from tanuki_jax.corpus.maps.map_options import Map

        mapping = parse_options("clean map", rest, Map)
        from tanuki_jax.corpus.maps.map_commands import map_corpora

        map_corpora(mapping)
        return
    from tanuki_jax.corpus.cleaning.pipelines import PIPELINES

    if action == "score":
        pipeline, scoring = parse_config(PIPELINES, "clean score", rest, Score)
        from tanuki_jax.corpus.cleaning.clean_commands import score

        score(pipeline, scoring)
    elif action == "audit":
        pipeline, auditing = parse_config(PIPELINES, "clean audit", rest, Audit)
        from tanuki_jax.corpus.cleaning.clean_commands import audit

        audit(pipeline, auditing)
    else:
        pipeline, options = parse_config(PIPELINES, "clean", words, Run)
        from tanuki_jax.corpus.cleaning.clean_commands import run

        # `corpus` knows no tokenizer. One that cannot be loaded is found before anything is read.
        encoder = None
        if pipeline.tokenizer:
            from tanuki_jax.data.tokenizer.load import load

            encoder = load(pipeline.tokenizer)
        run(pipeline, options, encoder)


def _train(words: list[str]) -> None:
    """Train what the first word names, with the other arguments."""
    rule, rest = (words[0], words[1:]) if words else ("", words)
    match rule:
        case "quality":
            quality = parse_options("clean train quality", rest, TrainQuality)
            from tanuki_jax.corpus.cleaning.rule_training import train_quality

            train_quality(quality)
        case "perplexity":
            perplexity = parse_options("clean train perplexity", rest, TrainPerplexity)
            from tanuki_jax.corpus.cleaning.rule_training import train_perplexity

            train_perplexity(perplexity)
        case "statistics":
            statistics = parse_options("clean train statistics", rest, TrainStatistics)
            from tanuki_jax.corpus.cleaning.rule_training import train_statistics

            train_statistics(statistics)
        case _:
            raise InputError("clean train must be followed by quality, perplexity or statistics; each answers --help")


if __name__ == "__main__":
    enter("clean", main)
