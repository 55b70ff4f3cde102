"""Pages: their links, the files and commands that they name, and the config that they print."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tanuki_jax.__main__ import commands
from tanuki_jax.config.registry import experiment, mixture, sweep
from tanuki_jax.config.validate import validate
from tanuki_jax.corpus.cleaning.pipelines import corpus as corpora
from tanuki_jax.corpus.synthesis.named_syntheses import synthesis
from tanuki_jax.evaluation.named_evaluations import evaluation

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
TOP = ("tanuki_jax", "tests", "configs", "launch", "benchmarks", "docs")
FILE = re.compile(r"`((?:[\w-]+/)+(?:[\w-]+\.\w+)?)`")
"""A folder with a final slash, or a file with a suffix, in backticks."""


def named(page: Path) -> list[Path]:
    """Return the files and folders that a page names, from the root or from `tanuki_jax/`, without placeholders."""
    folders = {path.name for path in (ROOT / "tanuki_jax").iterdir() if path.is_dir()}
    names = [name for name in FILE.findall(page.read_text("utf-8")) if not re.search(r"[A-Z]{3}", name)]
    from_root = [ROOT / name for name in names if name.split("/")[0] in TOP]
    return from_root + [ROOT / "tanuki_jax" / name for name in names if name.split("/")[0] in folders]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]*)\)", page.read_text("utf-8")):
        name, _, heading = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    assert [path.relative_to(ROOT).as_posix() for path in named(page) if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_commands_and_configs_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    assert set(re.findall(r"python -m tanuki_jax\.(\w+)", text)) <= set(commands())
    known = {
        *experiment.names(),
        *mixture.names(),
        *sweep.names(),
        *corpora.names(),
        *synthesis.names(),
        *evaluation.names(),
        "NAME",
        "名前",
    }
    assert {name for name in re.findall(r"--config[= ]([\w]+)(?![\w.])", text)} <= known


def test_the_config_of_own_data_is_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own-data.md").read_text("utf-8")
    [config] = re.findall(r"```python\n(\"\"\"Experiments.*?)```", page, flags=re.DOTALL)
    [corpus] = re.findall(r"```python\n(\"\"\"Write the example corpus.*?)```", page, flags=re.DOTALL)
    (tmp_path / "my.py").write_text(config, "utf-8")
    (tmp_path / "make_corpus.py").write_text(corpus, "utf-8")
    subprocess.run([sys.executable, "make_corpus.py"], cwd=tmp_path, check=True)
    for name in ("base", "sft", "dpo"):
        validate(experiment.find(f"{tmp_path}/my.py:{name}"))
    for name in ("texts", "chats", "pairs"):
        for source in mixture.find(f"{tmp_path}/my.py:{name}").sources:
            assert [*tmp_path.glob(source.paths[0])]
    assert len(sweep.find(f"{tmp_path}/my.py:rates").grid()) == 3


def test_both_readmes_have_the_same_figures_in_tables() -> None:
    def figures(name: str) -> set[str]:
        rows = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.startswith("|")]
        return set(re.findall(r"\d+\.\d+%?", "\n".join(rows)))

    assert figures("README.md") == figures("README.ja.md")
