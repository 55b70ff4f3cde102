"""The picture and the page of a map."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tanuki_jax.corpus.maps.map_page import picture, points_of, write_map


def test_the_page_has_the_points_and_no_text_becomes_markup(tmp_path: Path) -> None:
    points = np.array([[0, 1], [2, 5], [4, 3]], np.float32)
    texts = ["狸</script><b>", "two\nlines", "c" * 500]
    write_map(tmp_path, points, ["web", "chat"], [0, 1, 1], texts, [("a", "1%", "2%", ".5", ".4 to .6")], [])
    html = (tmp_path / "map.html").read_text("utf-8")
    found = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert data["x"] == [0, 0.5, 1] and data["y"] == [0, 1, 0.5] and data["label"] == [0, 1, 1]
    assert data["text"] == ["狸</script><b>", "two lines", "c" * 90]
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert picture(points, ["web", "chat"], [0, 1, 1]) == (tmp_path / "map.png").read_bytes()


def test_a_mixture_names_its_corpora(tmp_path: Path) -> None:
    names, points = ["web", "<chat>", "new"], np.eye(3, 2, dtype=np.float32)
    write_map(tmp_path, points, names, [0, 1, 2], ["a", "b", "c"], [], [("new", "25.0%", "75.0%")])
    html = (tmp_path / "map.html").read_text("utf-8")
    assert "<h2>As a mixture of web and &lt;chat&gt;</h2>" in html and "<th>share of &lt;chat&gt;</th>" in html


@pytest.mark.thorough
def test_the_seed_repeats_the_points() -> None:
    vectors = np.random.default_rng(0).standard_normal((60, 8)).astype(np.float32)
    np.testing.assert_array_equal(points_of(vectors, 3), points_of(vectors, 3))
