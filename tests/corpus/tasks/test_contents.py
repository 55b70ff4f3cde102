from random import Random

from tanuki_jax.corpus.tasks.contents import NOUNS, Content, draw_contents, stated_in_order, with_one_replaced


def test_a_label_has_at_least_five_items_of_equal_length() -> None:
    for items in NOUNS.values():
        assert len({len(item) for item in items}) == 1
        assert len(set(items)) == len(items) >= 5
    all_items = [item for items in NOUNS.values() for item in items]
    assert len(set(all_items)) == len(all_items)


def test_lists_have_one_label_records_many_and_numbers_two_digits() -> None:
    random = Random(0)
    for _ in range(500):
        items = draw_contents("list", range(2, 5), random)
        assert len({label for label, _ in items}) == 1
        record = draw_contents("record", range(2, 4), random)
        assert len({label for label, _ in record}) == len(record)
        numbers = draw_contents("numbers", range(2, 5), random)
        assert all(10 <= int(item) < 100 for _, item in numbers)
        for contents in (items, record, numbers):
            assert len(set(contents)) == len(contents) in (2, 3, 4)
        assert all(item in NOUNS[label] for label, item in items + record)


def test_exactly_one_item_is_replaced_by_a_new_one() -> None:
    random = Random(1)
    for kind in ("list", "numbers", "record"):
        for _ in range(500):
            contents = draw_contents(kind, range(2, 5), random)
            other = with_one_replaced(contents, random)
            ((old, new),) = [(old, new) for old, new in zip(contents, other, strict=True) if old != new]
            assert new not in contents
            assert (new.label, len(new.item)) == (old.label, len(old.item))


def test_the_only_unused_item_is_the_replacement() -> None:
    first, *others = NOUNS["組"]
    contents = tuple(Content("組", item) for item in others)
    assert {
        item for seed in range(20) for item in with_one_replaced(contents, Random(seed)) if item not in contents
    } == {Content("組", first)}


def test_items_are_found_in_their_order_only() -> None:
    contents = (Content("数", "12"), Content("数", "34"))
    assert stated_in_order(contents, "はい。１２、３４です。") and stated_in_order(contents, "12と34")
    assert not stated_in_order(contents, "34、12") and not stated_in_order(contents, "12")
