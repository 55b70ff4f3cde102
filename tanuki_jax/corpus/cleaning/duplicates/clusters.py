"""The copy that is kept of each cluster of duplicates.

A connected component may be a chain: a is like b, b is like c, and c is nothing like a. A page that is little more than
a template would so join all pages with that template. Therefore a document is dropped only if it is a duplicate of the
kept one, or has a similarity to it of `Duplicates.chained` and is a duplicate of one that was dropped for it. The texts
of a component are visited from the best to the worst, and each that was not dropped before is kept (greedy star
clustering; Aslam, Pelekhov, Rus 2004). A text that is a duplicate of several kept ones is dropped for the one that is
most like it: among pages of one template, a shortened copy is a bit like all of them. This takes as many steps as the
component has edges.

The best is the one of the part with the highest priority, then the one with the highest score, then the longest, then
the one with most duplicates, then the one with the least hash of its normalised text; among exact copies of one
priority and score, the longest and the one with the least hash of its id. So a position never decides.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.duplicates.array_file import Array, ArrayFile, write_arrays
from tanuki_jax.corpus.cleaning.duplicates.components import neighbours
from tanuki_jax.corpus.cleaning.duplicates.duplicate_settings import Duplicates
from tanuki_jax.corpus.cleaning.duplicates.exact_copies import KIND as COPIES
from tanuki_jax.corpus.cleaning.duplicates.hash_ranges import by_part, gather, starts_of_runs
from tanuki_jax.corpus.cleaning.duplicates.signature_files import open_signatures
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import KIND as EDGES
from tanuki_jax.corpus.cleaning.duplicates.verify_pairs import similarities

MEMBERS = "members of clusters"
CHOICES = "kept copies"
FATES = "fates of a part's rows"
_EDGE = ("edge_components", "edge_u", "edge_v", "edge_values")
_MEMBER = ("components", "nodes", "addresses", "sketched", "priorities", "scores", "lengths", "ids")
Positions = npt.NDArray[np.intp]

LARGEST = 10
"""Number of clusters that a report shows."""


def list_members(
    index: int,
    count: int,
    rounds: int,
    stars: Sequence[Path],
    edges: Sequence[Path],
    copies: Path,
    signatures: Sequence[Path],
    priorities: Sequence[int],
    out: Path,
    settings: Duplicates,
) -> None:
    """Write the documents of all clusters whose texts have hashes in a range, with what the kept one is chosen by.

    The task holds 72 bytes for each of them.

    Args:
        index: number of the task, below `count`.
        count: number of tasks, also of those of `find_copies`.
        rounds: number of rounds of stars that have run.
        stars: files of the last round.
        edges: files of `verify`.
        copies: file of `find_copies` with this index.
        signatures: signature files of all parts.
        priorities: priority of each part; of copies, one of the highest is kept.
        out: file to write.
        settings: settings of the signatures.
    """
    u, v = neighbours(rounds, index, count, stars)
    first = starts_of_runs(u)
    nodes, components = u[first], np.minimum(u, v)[first]
    files = [ArrayFile(path, EDGES, {}) for path in edges]
    ends, others, places, values = gather(files, "u", ["u", "v", "addresses", "values"], index, count)
    order = np.lexsort((places, ends))
    once = order[starts_of_runs(ends[order])]
    assert np.array_equal(ends[once], nodes)
    sketched = places[once]
    same = ArrayFile(copies, COPIES, settings.of_signatures())
    copied, copy_places = same.read("nodes"), same.read("addresses")
    single = ~np.isin(nodes, copied)
    member_nodes = np.concatenate([copied, nodes[single]])
    member_places = np.concatenate([copy_places, sketched[single]])
    at = np.searchsorted(nodes, member_nodes)
    near = np.isin(member_nodes, nodes)
    at[~near] = 0
    columns: list[Array] = [
        np.where(near, components[at], member_nodes) if len(nodes) else member_nodes,
        member_nodes,
        member_places,
        np.where(near, sketched[at], member_places) if len(nodes) else member_places,
        np.array(priorities, np.int64)[(member_places >> np.uint64(32)).astype(np.intp)],
        *_preferences(signatures, member_places, settings),
    ]
    order = np.lexsort((member_places, member_nodes, columns[0]))
    arrays = {name: column[order] for name, column in zip(_MEMBER, columns, strict=True)}
    labels = components[np.searchsorted(nodes, ends)] if len(nodes) else ends
    order = np.lexsort((others, ends, labels))
    arrays |= dict(zip(_EDGE, (labels[order], ends[order], others[order], values[order]), strict=True))
    write_arrays(out, MEMBERS, {}, arrays, members=len(order))


def _preferences(signatures: Sequence[Path], addresses: Array, settings: Duplicates) -> list[Array]:
    """Return scores, lengths and hashes of ids of some documents."""
    names: dict[str, npt.DTypeLike] = {"scores": np.float64, "lengths": np.uint32, "ids": np.uint64}
    columns = {name: np.zeros(len(addresses), kind) for name, kind in names.items()}
    for which, positions, rows in by_part(addresses):
        file = open_signatures(signatures[which], settings)
        for name, column in columns.items():
            column[positions] = file[name][rows]
    return list(columns.values())


def choose(
    index: int, count: int, members: Sequence[Path], signatures: Sequence[Path], out: Path, settings: Duplicates
) -> None:
    """Write the fate of each document of the clusters in a range, sorted by address.

    The task holds 120 bytes for each of them, 60 for each of their edges, and the sketches of some thousand.

    Args:
        index: number of the task, below `count`.
        count: number of tasks.
        members: files of all tasks of `list_members`.
        signatures: signature files of all parts.
        out: file to write. Its fact `largest` lists the largest clusters as [size, texts, cluster, address of the
            kept copy].
        settings: settings of the signatures, and the least similarity to the kept copy.
    """
    files = [ArrayFile(path, MEMBERS, {}) for path in members]
    columns = gather(files, "components", _MEMBER, index, count)
    components, nodes, addresses, sketched, priorities, scores, lengths, ids = columns
    _, u, v, values = gather(files, "edge_components", _EDGE, index, count)
    better = (-lengths.astype(np.int64), -scores, -priorities)
    order = np.lexsort((addresses, ids, *better, nodes))
    nodes, addresses = nodes[order], addresses[order]
    best = np.flatnonzero(starts_of_runs(nodes))  # the best copy of each text
    degrees = np.searchsorted(np.sort(u), nodes[best], "right") - np.searchsorted(np.sort(u), nodes[best])
    rank = order[best]
    longest, *rest = (column[rank] for column in better)
    visits = np.lexsort((nodes[best], -degrees, longest, *rest, components[rank]))
    parts = [open_signatures(path, settings) for path in signatures]
    edges = _Edges(np.searchsorted(nodes[best], u), np.searchsorted(nodes[best], v), values, len(best))
    leaders = _leaders(visits, edges, sketched[rank], parts, settings)
    kept_of = best[leaders][np.cumsum(starts_of_runs(nodes)) - 1]
    sizes = np.bincount(kept_of, minlength=len(kept_of))
    kept = kept_of == np.arange(len(kept_of))
    order = np.argsort(addresses, kind="stable")
    arrays = {
        "addresses": addresses[order],
        "kept": kept[order],
        "exact": (nodes == nodes[kept_of])[order],
        "clusters": nodes[kept_of][order],
        "sizes": sizes[kept_of][order].astype(np.uint32),
    }
    facts = {"clusters": int(kept.sum()), "dropped": int((~kept).sum())}
    write_arrays(out, CHOICES, {}, arrays, largest=_largest(kept_of, nodes, addresses), **facts)


class _Edges:
    """The edges of some texts; each is there in both directions."""

    def __init__(self, u: Positions, v: Positions, values: Array, count: int) -> None:
        order = np.argsort(u, kind="stable")
        self.from_texts, self.ends, self.values = u[order], v[order], values[order]
        self._bounds = np.searchsorted(self.from_texts, np.arange(count + 1))

    def of(self, text: int) -> Positions:
        """Return the duplicates of a text."""
        return self.ends[self._bounds[text] : self._bounds[text + 1]]


def _homes(visits: Positions, edges: _Edges) -> Positions:
    """Return the text that is most like each text among its duplicates that would be kept if no chains were followed;
    such a text is its own."""
    rank = np.empty_like(visits)
    rank[visits] = np.arange(len(visits))
    kept, dropped = np.zeros((2, len(visits)), np.bool_)
    for text in visits.tolist():
        if not dropped[text]:
            kept[text] = True
            dropped[edges.of(text)] = True
    choices = np.flatnonzero(kept[edges.ends] & ~kept[edges.from_texts])
    texts, ends = edges.from_texts[choices], edges.ends[choices]
    order = np.lexsort((rank[ends], -edges.values[choices], texts))
    first = order[starts_of_runs(texts[order])]
    homes = np.arange(len(visits))
    homes[texts[first]] = ends[first]
    return homes


def _leaders(
    visits: Positions, edges: _Edges, sketched: Array, parts: Sequence[ArrayFile], settings: Duplicates
) -> Positions:
    """Return the kept text of each text.

    Args:
        visits: texts from the best to the worst.
        edges: edges between them.
        sketched: address of a sketch of each text.
        parts: signature files.
        settings: least similarity to the kept text.
    """
    leaders = np.full(len(visits), -1)
    homes = _homes(visits, edges)
    for leader in visits.tolist():
        if leaders[leader] >= 0:
            continue
        leaders[leader] = leader
        dropped = _pending(edges.of(leader), leader, leaders, homes)
        refused = dropped[:0]
        while len(dropped):
            leaders[dropped] = leader
            # Each text hands on its edges once, to whatever kept text it is dropped for.
            reached = np.concatenate([edges.of(text) for text in dropped.tolist()])
            further = np.setdiff1d(_pending(reached, leader, leaders, homes), refused)
            ours = np.broadcast_to(sketched[leader], len(further))
            values = similarities(parts, ours, sketched[further], settings.chained)
            refused = np.union1d(refused, further[values < settings.chained])
            dropped = further[values >= settings.chained]
    return leaders


def _pending(texts: Positions, leader: int, leaders: Positions, homes: Positions) -> Positions:
    """Return the texts that may be dropped for a leader, sorted, each once: those without a leader that do not wait
    for another home."""
    texts = np.unique(texts[leaders[texts] < 0])
    home = homes[texts]
    return texts[(home == leader) | (home == texts) | (leaders[home] >= 0)]


def _largest(kept_of: Positions, nodes: Array, addresses: Array) -> list[list[int]]:
    leaders, sizes = np.unique(kept_of, return_counts=True)
    order = np.lexsort((nodes[leaders], -sizes))[:LARGEST]
    rows = []
    for leader, size in zip(leaders[order].tolist(), sizes[order].tolist(), strict=True):
        texts = len(np.unique(nodes[kept_of == leader]))
        rows.append([size, texts, int(nodes[leader]), int(addresses[leader])])
    return rows


def decide(part: int, choices: Sequence[Path], signatures: Path, out: Path, settings: Duplicates) -> None:
    """Write the fate of every row of a part: `kept`; `exact`, whether its normalised text is that of the kept copy;
    `clusters`, the hash of the kept copy's normalised text; and `sizes`, the number of documents in the cluster.

    Args:
        part: number of the part.
        choices: files of all tasks of `choose`.
        signatures: signature file of the part.
        out: file to write.
        settings: settings of the signatures.
    """
    file = open_signatures(signatures, settings)
    rows: int = file.facts["documents"]
    kept, exact = np.ones(rows, np.bool_), np.ones(rows, np.bool_)
    clusters, sizes = file.read("hashes"), np.ones(rows, np.uint32)
    for path in choices:
        choice = ArrayFile(path, CHOICES, {})
        start, stop = np.searchsorted(choice["addresses"], np.array([part << 32, part + 1 << 32], np.uint64)).tolist()
        ours = (choice.read("addresses", start, stop) & np.uint64(0xFFFFFFFF)).astype(np.intp)
        for name, array in (("kept", kept), ("exact", exact), ("clusters", clusters), ("sizes", sizes)):
            array[ours] = choice.read(name, start, stop)
    arrays = {"kept": kept, "exact": exact, "clusters": clusters, "sizes": sizes}
    write_arrays(out, FATES, {}, arrays, rows=rows, kept=int(kept.sum()), near=int((~exact).sum()))
