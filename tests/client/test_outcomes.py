"""The table of outcomes: what is final, what is tried again, what counts."""

import pytest

from tanuki_jax.client import outcomes
from tanuki_jax.client.outcomes import TABLE, of_error, of_status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 418, 422, 431, 451, 301, 302, 307, 308])
def test_an_answer_that_would_come_again_is_final(status: int) -> None:
    assert not of_status(status).again


@pytest.mark.parametrize("status", [408, 409, 429, 500, 501, 502, 503, 504, 520, 529, 599])
def test_an_answer_that_may_pass_is_tried_again(status: int) -> None:
    assert of_status(status).again


def test_each_status_code_has_one_outcome() -> None:
    assert {status: of_status(status).kind for status in (200, 201, 204, 302, 400, 401, 403, 404, 409, 422)} == {
        200: "answered",
        201: "answered",
        204: "answered",
        302: "redirect",
        400: "bad_request",
        401: "unauthorized",
        403: "unauthorized",
        404: "not_found",
        409: "conflict",
        422: "bad_request",
    }
    assert [of_status(status).kind for status in (408, 413, 429, 500, 503, 504, 999)] == [
        "server_timeout",
        "refused",
        "rate_limited",
        "server_error",
        "unavailable",
        "server_error",
        "malformed",
    ]
    statuses = [status for outcome in TABLE for status in outcome.statuses]
    assert len(statuses) == len(set(statuses))


def test_only_429_and_missing_connections_use_up_no_try() -> None:
    assert {outcome.kind for outcome in TABLE if not outcome.uses_try} == {"rate_limited", "unreachable"}


def test_final_outcomes_leave_the_endpoint_as_it_is() -> None:
    assert not [outcome for outcome in TABLE if not outcome.again and (outcome.unhealthy or outcome.overloaded)]


def test_a_loaded_endpoint_gets_less_and_a_broken_one_is_left_alone() -> None:
    assert {outcome.kind for outcome in TABLE if outcome.overloaded} == {
        "server_timeout",
        "rate_limited",
        "unavailable",
        "timeout",
    }
    alive = {"conflict", "rate_limited"}
    assert {outcome.kind for outcome in TABLE if outcome.again and not outcome.unhealthy} == alive


def test_the_kinds_have_names_of_their_own() -> None:
    kinds = [outcome.kind for outcome in TABLE]
    assert len(kinds) == len(set(kinds))
    assert outcomes.DEADLINE not in kinds


def test_a_fault_of_ours_has_no_outcome() -> None:
    assert of_error(KeyError("x")) is None
    assert of_error(TimeoutError()) is outcomes.TIMEOUT
    assert of_error(ConnectionResetError()) is outcomes.RESET
