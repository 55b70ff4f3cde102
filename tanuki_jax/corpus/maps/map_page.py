"""The map: a picture and a page of points, one a document, and the numbers beside it."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tanuki_jax.base import pages
from tanuki_jax.base.atomic import replace_text, replacing
from tanuki_jax.corpus.maps.embedders import Vectors

_TEMPLATE = Path(__file__).parent / "templates" / "map.html.jinja"
_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#888888")
"""Paul Tol's bright scheme, which colour-blind readers can tell apart."""
_SNIPPET = 90
MOST_CORPORA = len(_COLOURS)


def points_of(vectors: Vectors, seed: int) -> Vectors:
    """Return places of vectors on a plane, float32[N, 2], by UMAP (McInnes, Healy and Melville 2018)."""
    import warnings

    from umap import UMAP

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="n_jobs value")  # one thread, so that the seed repeats the picture
        points: Vectors = UMAP(n_neighbors=min(15, len(vectors) - 1), random_state=seed).fit_transform(vectors)
    return points


def picture(points: Vectors, names: Sequence[str], labels: Sequence[int]) -> bytes:
    """Return a PNG of points, each in the colour of its corpus."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    figure, axes = pyplot.subplots(figsize=(9, 8), dpi=110)
    order = np.random.default_rng(0).permutation(len(points))  # no corpus lies above the others
    colours = np.array(_COLOURS)[np.array(labels)]
    axes.scatter(points[order, 0], points[order, 1], s=6, c=colours[order], alpha=0.6, linewidths=0)
    handles = [Line2D([], [], marker="o", linestyle="", color=_COLOURS[n], label=name) for n, name in enumerate(names)]
    axes.legend(handles=handles)
    axes.set_xticks([])
    axes.set_yticks([])
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", metadata={"Software": None})
    pyplot.close(figure)
    return file.getvalue()


def write_map(
    folder: Path,
    points: Vectors,
    names: Sequence[str],
    labels: Sequence[int],
    texts: Sequence[str],
    rows: Sequence[Sequence[str]],
    mixtures: Sequence[Sequence[str]],
) -> None:
    """Write map.png and map.html.

    Args:
        folder: where to.
        points: float32[N, 2].
        names: of the corpora.
        labels: number of the corpus of each point.
        texts: of the points; their beginnings are shown.
        rows: of the table of comparisons.
        mixtures: of the table of shares.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = np.round((points - low) / np.maximum(high - low, 1e-9), 4)
    snippets = [" ".join(text[:_SNIPPET].split()) for text in texts]
    with replacing(folder / "map.png") as partial:
        partial.write_bytes(picture(points, names, labels))
    data = {"x": scaled[:, 0].tolist(), "y": scaled[:, 1].tolist(), "label": list(labels), "text": snippets}
    html = pages.render(
        _TEMPLATE,
        title="Map of corpora",
        corpora=list(zip(names, _COLOURS, strict=False)),
        data=data,
        rows=[pages.Row(row) for row in rows],
        mixtures=[pages.Row(row) for row in mixtures],
    )
    replace_text(folder / "map.html", html)
