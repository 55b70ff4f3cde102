"""Token counts and cost."""

import pytest

from tanuki_jax.client.answers import Usage
from tanuki_jax.client.totals import Totals
from tanuki_jax.config.endpoints import Endpoint


def test_cost_is_tokens_times_the_price_of_a_million() -> None:
    cheap = Endpoint(url="http://a", input_price=0.5, output_price=2.0)
    free, paid = Totals(), Totals()
    paid.add(cheap, Usage(3_000_000, 100_000))
    paid.add(cheap, Usage(0, 400_000))
    free.add(Endpoint(url="http://b"), Usage(7, 8))
    paid.outcomes.update(["answered", "answered", "timeout"])
    free.outcomes.update(["answered"])
    total = Totals.sum([paid, free])
    assert paid.cost == pytest.approx(1.5 + 1.0)
    assert total.cost == paid.cost
    assert (total.input_tokens, total.output_tokens) == (3_000_007, 500_008)
    assert (total.answers, total.attempts) == (3, 4)
