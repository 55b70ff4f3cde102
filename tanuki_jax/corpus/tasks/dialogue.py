"""Short dialogues of several requests, whose last reply has to repeat the final state."""

from collections.abc import Mapping
from random import Random
from typing import Any

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.dialogue_order import Order, OrderRules
from tanuki_jax.corpus.tasks.dialogue_reservation import Reservation, ReservationRules
from tanuki_jax.corpus.tasks.dialogue_schedule import Schedule, ScheduleRules
from tanuki_jax.corpus.tasks.family import Family, Rules

type Scenario = Order | Reservation | Schedule

_RULES: Mapping[type[Scenario], Rules[Any, Any]] = {
    Order: OrderRules(),
    Reservation: ReservationRules(),
    Schedule: ScheduleRules(),
}


class Dialogue(Family[Scenario, object]):
    """Orders in a café, reservations and calendars, in two to four exchanges. The checker judges the last reply."""

    name = "dialogue"

    def draw(self, random: Random) -> Scenario:
        scenario: Scenario = random.choice(tuple(_RULES.values())).draw(random)
        return scenario

    def write(self, problem: Scenario, random: Random) -> tuple[Message, ...]:
        return _RULES[type(problem)].write(problem, random)

    def solve(self, problem: Scenario) -> object:
        answer: object = _RULES[type(problem)].solve(problem)
        return answer

    def check(self, problem: Scenario, response: str) -> bool:
        return _RULES[type(problem)].check(problem, response)
