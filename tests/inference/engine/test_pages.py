"""Pages: no two rows write the same one, and a shared one holds what its prompt begins with."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.inference.engine.pages import Allocation, PagePool

PAGE = 2
PROMPTS = st.lists(st.integers(0, 1), min_size=1, max_size=9)
STEPS = st.lists(st.tuples(PROMPTS, st.integers(0, 4), st.booleans()), max_size=40)


@given(steps=STEPS, pages=st.integers(2, 14), reuse=st.booleans())
def test_pages_are_right_in_any_order_of_rows(
    steps: list[tuple[list[int], int, bool]], pages: int, reuse: bool
) -> None:
    pool, content = PagePool(pages, PAGE, reuse=reuse), dict[int, tuple[int, ...]]()
    rows: list[Allocation] = []
    for prompt, tokens, leave in steps:
        if leave and rows:
            pool.free(rows.pop(tokens % len(rows)))
        allocation = pool.allocate(prompt, len(prompt) + tokens)
        if allocation is None:
            assert pool.used + pool.needed(len(prompt) + tokens) > pages - 1, "it fits, and was refused"
            continue
        shared = allocation.pages[: allocation.reused // PAGE]
        for number, page in enumerate(shared):
            assert content[page] == tuple(prompt[: (number + 1) * PAGE]), "all tokens up to the page's end"
        owned = allocation.pages[len(shared) :]
        assert not {*owned} & {page for row in rows for page in row.pages}, "another row has a page to write"
        assert 0 not in allocation.pages and len({*allocation.pages}) == len(allocation.pages)
        for number in range(len(shared), len(prompt) // PAGE):
            content[allocation.pages[number]] = tuple(prompt[: (number + 1) * PAGE])
            pool.publish(prompt, allocation, number)
        for page in owned[max(len(prompt) // PAGE - len(shared), 0) :]:
            content[page] = ()
        rows.append(allocation)
        assert pool.used == len(Counter(page for row in rows for page in row.pages))
        assert reuse or not allocation.reused
    for row in rows:
        pool.free(row)
    assert (pool.used, pool.total) == (0, pages - 1)
    assert pool.allocate([], (pages - 1) * PAGE) is not None


def test_a_prompt_shares_the_pages_that_another_begins_with() -> None:
    pool = PagePool(20, PAGE, reuse=True)
    first = pool.allocate([1, 2, 3, 4, 5], 8)
    assert first is not None and first.reused == 0
    for number in range(2):
        pool.publish([1, 2, 3, 4, 5], first, number)
    pool.free(first)
    second = pool.allocate([1, 2, 3, 4, 9], 6)
    assert second is not None and second.reused == 4 and second.pages[:2] == first.pages[:2]
    other = pool.allocate([3, 4], 2)
    assert other is not None and other.reused == 0, "the same tokens elsewhere in a text"
