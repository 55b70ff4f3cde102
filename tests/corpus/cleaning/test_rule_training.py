from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.clean_options import TrainPerplexity, TrainStatistics
from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rule_training import LEAST_TEXTS, train_perplexity, train_statistics
from tanuki_jax.corpus.cleaning.rules.perplexity import Perplexity
from tanuki_jax.corpus.cleaning.rules.statistics import Statistics
from tanuki_jax.corpus.cleaning.text_statistics import load_limits
from tests.corpus.cleaning.corpora import write_lines

PROSE = "山の朝は早く、{n}人の旅人が静かな町を歩いていた。駅の前には古い店が{n}軒ならんでいる。\n"


def reference(folder: Path, count: int = 120) -> str:
    """Write good texts into two files, and return a pattern of their names."""
    rows = [{"body": PROSE.format(n=n) * (5 + n % 7)} for n in range(count)]
    write_lines(folder / "good1.jsonl", rows[::2])
    write_lines(folder / "good2.jsonl", rows[1::2])
    return str(folder / "good*.jsonl")


def test_limits_of_good_texts_keep_them_and_drop_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "limits.json"
    names = ("mean_sentence", "digit_share", "short_lines")
    texts = reference(tmp_path)
    train_statistics(TrainStatistics(texts=texts, limits=str(path), text_field="body", statistics=names))
    assert [limit.statistic for limit in load_limits(path)] == list(names)
    said = capsys.readouterr().out
    assert "120 texts" in said and f"--rules.statistics.limits-file {path}" in said
    rule = Statistics(limits_file=str(path))
    assert rule.apply(Draft("a", PROSE.format(n=50) * 6)) == ""
    assert rule.apply(Draft("a", "12345円 67890円\n" * 6)) == "mean_sentence too low"


def test_a_perplexity_model_tells_good_texts_from_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "new" / "p.npz"
    train_perplexity(TrainPerplexity(texts=reference(tmp_path), model=str(path), text_field="body", count=100))
    said = capsys.readouterr().out
    assert "10 texts that the model did not see, of 100" in said
    most = float(said.rsplit("--rules.perplexity.most ", 1)[1])
    rule = Perplexity(model=str(path), most=most)
    assert rule.apply(Draft("a", PROSE.format(n=7) * 5)) == ""
    assert rule.apply(Draft("a", "qwertyuiop☆★" * 5)) == "perplexity too high"


def test_too_few_texts_and_wrong_names_are_refused(tmp_path: Path) -> None:
    texts, out = reference(tmp_path, LEAST_TEXTS - 1), str(tmp_path / "out")
    with pytest.raises(InputError, match=f"has 19 different texts; give at least {LEAST_TEXTS}"):
        train_perplexity(TrainPerplexity(texts=texts, model=out, text_field="body"))
    with pytest.raises(InputError, match=r"a quantile of 0\.01 of mean_sentence; give at least 100"):
        train_statistics(TrainStatistics(texts=texts, limits=out, text_field="body"))
    with pytest.raises(InputError, match="there is no statistic 'wrods'; choose from"):
        train_statistics(TrainStatistics(texts=texts, limits=out, text_field="body", statistics=("wrods",)))
    with pytest.raises(InputError, match="no document to draw"):
        train_statistics(TrainStatistics(texts=texts, limits=out))
    assert not Path(out).exists()
