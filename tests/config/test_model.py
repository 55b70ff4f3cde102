"""Size of attention heads, and groups of layers of one kind."""

import dataclasses

import pytest

from tanuki_jax.config.model import LayerGroup, Model

MODEL = Model(vocabulary=256, width=64, hidden=128, layers=6, heads=4, kv_heads=2)


def kinds(model: Model) -> list[tuple[int, int, int]]:
    """Return (layers, experts, window) of each group."""
    return [(group.layers, group.experts, group.window) for group in model.groups]


def test_head_dim_is_explicit_or_width_over_heads() -> None:
    assert MODEL.head_dim == 16
    assert dataclasses.replace(MODEL, explicit_head_dim=24).head_dim == 24


def test_layers_that_are_alike_are_the_only_group() -> None:
    assert MODEL.groups == (LayerGroup(number=-1, layers=6, experts=0, window=0),)
    assert MODEL.groups[0].path("q") == "blocks.q"
    assert MODEL.groups[0].of({"norm": 1, "blocks": {"q": 2}}) == {"q": 2}
    assert MODEL.groups[0].of({"norm": 1}) == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"experts": 8, "dense_layers": 1}, [(1, 0, 0), (5, 8, 0)]),
        ({"window": 32, "global_every": 3}, [(2, 0, 32), (1, 0, 0), (2, 0, 32), (1, 0, 0)]),
        ({"window": 32, "global_every": 4}, [(3, 0, 32), (1, 0, 0), (2, 0, 32)]),
        (
            {"window": 32, "global_every": 2, "experts": 8, "dense_layers": 2, "layers": 4},
            [(1, 0, 32), (1, 0, 0), (1, 8, 32), (1, 8, 0)],
        ),
        ({"window": 32, "experts": 8}, [(6, 8, 32)]),
    ],
)
def test_groups_are_consecutive_layers_of_one_kind(
    changes: dict[str, int], expected: list[tuple[int, int, int]]
) -> None:
    model = dataclasses.replace(MODEL, **changes)  # type: ignore[arg-type]
    assert kinds(model) == expected
    assert sum(group.layers for group in model.groups) == model.layers


def test_several_groups_are_numbered_in_the_parameter_tree() -> None:
    dense, experts = dataclasses.replace(MODEL, experts=8, dense_layers=1).groups
    assert (dense.path("q"), experts.path("q")) == ("blocks.0.q", "blocks.1.q")
    assert experts.of({"blocks": {"0": {"q": 1}, "1": {"q": 2}}}) == {"q": 2}
    assert experts.of({"blocks": {"0": {"q": 1}}}) == {}
