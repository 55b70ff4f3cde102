"""The number of requests that an endpoint bears at a time, learnt from its answers."""

START = 16
"""Requests in flight at first."""
ROUNDS = 50
"""Rounds in which the limit grows from nothing to the most, once the endpoint has been overloaded."""


class Concurrency:
    """A limit that grows by a step in a round of answers, and shrinks by half the share of overloads among them.

    The limit doubles in each round until the first overload. A round is as many answers as the limit. An endpoint that
    answers 429 to all requests gets half as many in each round; one that does so to 2% at random keeps almost all
    (the rule of DCTCP: Alizadeh et al. 2010, equation 2). TCP's rule, to halve at any overload, would leave nine.
    """

    def __init__(self, most: int, start: int = START) -> None:
        self._most, self._start = most, start
        self.reset()

    def reset(self) -> None:
        """Begin again, as after the endpoint was down."""
        self.limit = float(min(self._most, self._start))
        self._doubling = True
        self._new_round()

    def answered(self, *, overloaded: bool) -> None:
        """Count an answer."""
        self._answers += 1
        self._overloads += overloaded
        if overloaded:
            self._doubling = False
        elif self._doubling:
            self.limit = min(self._most, self.limit + 1)
        if self._answers >= self._round:
            share = self._overloads / self._answers
            step = max(1.0, self._most / ROUNDS)
            self.limit = min(self._most, max(1.0, self.limit * (1 - share / 2) + step * (1 - share)))
            self._new_round()

    def _new_round(self) -> None:
        self._answers, self._overloads, self._round = 0, 0, int(self.limit)
