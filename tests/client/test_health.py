"""An endpoint that fails repeatedly is left alone, and tried again with one request."""

from tanuki_jax.client.health import Health


def down() -> Health:
    health = Health(failures=3, first_wait=1.0, longest=8.0)
    assert [health.failed(100.0, probe=False) for _ in range(3)] == [False, False, True]
    return health


def test_failures_in_a_row_count_and_an_answer_ends_the_row() -> None:
    health = Health(failures=3)
    for _ in range(10):
        assert not health.failed(0.0, probe=False)
        assert not health.failed(0.0, probe=False)
        assert not health.answered()
    assert health.allows(0.0)


def test_one_probe_is_sent_after_the_wait() -> None:
    health = down()
    assert not health.allows(100.9)
    assert health.allows(101.0)
    assert health.sent()
    assert not health.allows(101.0)
    assert health.answered()
    assert health.allows(101.0)
    assert not health.sent()


def test_waits_double_to_a_bound_and_begin_anew_after_an_answer() -> None:
    health, now, waits = down(), 101.0, []
    for _ in range(6):
        assert health.sent()
        assert health.failed(now, probe=True)
        assert health.down_until is not None
        waits.append(health.down_until - now)
        now = health.down_until
    assert waits == [2, 4, 8, 8, 8, 8]
    health.answered()
    assert health.wait == 1.0


def test_failures_of_requests_that_were_in_flight_do_not_prolong_the_wait() -> None:
    health = down()
    assert not any(health.failed(100.5, probe=False) for _ in range(50))
    assert health.allows(101.0)


def test_a_probe_that_was_cancelled_makes_room_for_another() -> None:
    health = down()
    probe = health.sent()
    health.abandoned(probe=probe)
    assert health.allows(101.0)
