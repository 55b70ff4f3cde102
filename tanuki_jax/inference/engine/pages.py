"""Pages of the cache: which row has which, and which hold the beginning of a prompt that another may begin with too."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from tanuki_jax.inference.engine.paged_forward import SPARE_PAGE

type _Prefix = tuple[int, tuple[int, ...]]
"""(page before, or 0 at the beginning; the tokens of a page)."""


class Allocation(NamedTuple):
    """Pages of one row."""

    pages: list[int]
    """In order of the row's tokens."""
    reused: int
    """Tokens at the row's beginning whose keys and values are there already."""


class PagePool:
    """Pages that rows take and give back.

    A page that was filled from a prompt is kept after its row has ended, until the room is needed: a later prompt that
    begins with the same tokens reads it no second time. Only whole pages of prompts are shared, and such a page is the
    result of one program on the same tokens whoever computed it: its bits are those that the new row would compute.

    Attributes:
        total: number of pages that rows can have.
    """

    def __init__(self, pages: int, page: int, *, reuse: bool) -> None:
        """
        Args:
            pages: number of pages in the cache, the spare one included.
            page: tokens of a page.
            reuse: whether prompts may share pages.
        """
        self.total, self._page, self._reuse = pages - 1, page, reuse
        self._free = [number for number in range(pages - 1, -1, -1) if number != SPARE_PAGE]
        self._users: dict[int, int] = {}
        self._known: dict[_Prefix, int] = {}
        self._prefix_of: dict[int, _Prefix] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        """Known pages without a user, the longest unused first."""

    @property
    def used(self) -> int:
        """Number of pages that rows have."""
        return len(self._users)

    def needed(self, tokens: int) -> int:
        """Return the number of pages for a row of so many tokens."""
        return -(-tokens // self._page)

    def allocate(self, prompt: Sequence[int], tokens: int) -> Allocation | None:
        """Return pages for a row, or None if there are not enough now.

        Args:
            prompt: tokens that will be read page by page, from which pages may be shared.
            tokens: most tokens of the row, its prompt included.
        """
        shared = self._shared(prompt)
        fresh = self.needed(tokens) - len(shared)
        idle = len(self._idle) - sum(page in self._idle for page in shared)
        if fresh > len(self._free) + idle:
            return None
        for page in shared:
            self._idle.pop(page, None)
            self._users[page] = self._users.get(page, 0) + 1
        pages = [*shared, *(self._take() for _ in range(fresh))]
        return Allocation(pages, len(shared) * self._page)

    def publish(self, prompt: Sequence[int], allocation: Allocation, number: int) -> None:
        """Let later rows share page `number` of a row, which has been filled from its prompt."""
        if not self._reuse:
            return
        before = allocation.pages[number - 1] if number else 0
        if number and before not in self._prefix_of:
            return  # another row published the same beginning first: this one's pages are no chain from the first
        prefix = (before, tuple(prompt[number * self._page : (number + 1) * self._page]))
        page = allocation.pages[number]
        if prefix not in self._known and page not in self._prefix_of:
            self._known[prefix], self._prefix_of[page] = page, prefix

    def free(self, allocation: Allocation) -> None:
        """Give a row's pages back."""
        # Later pages first: a page is of no use to others without those before it.
        for page in reversed(allocation.pages):
            self._users[page] -= 1
            if not self._users[page]:
                del self._users[page]
                if page in self._prefix_of:
                    self._idle[page] = None
                else:
                    self._free.append(page)

    def _shared(self, prompt: Sequence[int]) -> list[int]:
        pages: list[int] = []
        for start in range(0, len(prompt) - self._page + 1, self._page):
            prefix = (pages[-1] if pages else 0, tuple(prompt[start : start + self._page]))
            if prefix not in self._known:
                break
            pages.append(self._known[prefix])
        return pages

    def _take(self) -> int:
        # The page unused for longest has no known page behind it: rows use a page's beginning whenever they use it, and
        # give it back later.
        if self._free:
            page = self._free.pop()
        else:
            page, _ = self._idle.popitem(last=False)
            del self._known[self._prefix_of.pop(page)]
        self._users[page] = 1
        return page
