"""A stage run to its end: how often its files are looked at."""

import time

from tanuki_jax.corpus.cleaning.engines.run_stage import sparing


def test_looking_takes_a_small_share_of_the_time() -> None:
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        time.sleep(0.01)

    maybe, began = sparing(look, share=0.1), time.monotonic()
    while time.monotonic() - began < 0.5:
        maybe()
    assert 1 <= looks <= 6
