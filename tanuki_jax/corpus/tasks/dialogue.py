"""Short dialogues in which requests come one by one and the last reply has to repeat where things stand."""

from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.dialogue_order import Order, OrderRules
from tanuki_jax.corpus.tasks.dialogue_reservation import Reservation, ReservationRules
from tanuki_jax.corpus.tasks.dialogue_schedule import Schedule, ScheduleRules
from tanuki_jax.corpus.tasks.family import Family

type Scenario = Order | Reservation | Schedule

_ORDER, _RESERVATION, _SCHEDULE = OrderRules(), ReservationRules(), ScheduleRules()


class Dialogue(Family[Scenario, object]):
    """Orders in a café, reservations and calendars, in two to four exchanges. The checker judges the last reply."""

    name = "dialogue"

    def draw(self, random: Random) -> Scenario:
        return random.choice((_ORDER, _RESERVATION, _SCHEDULE)).draw(random)

    def write(self, problem: Scenario, random: Random) -> tuple[Message, ...]:
        match problem:
            case Order():
                return _ORDER.write(problem, random)
            case Reservation():
                return _RESERVATION.write(problem, random)
            case Schedule():
                return _SCHEDULE.write(problem, random)

    def solve(self, problem: Scenario) -> object:
        match problem:
            case Order():
                return _ORDER.solve(problem)
            case Reservation():
                return _RESERVATION.solve(problem)
            case Schedule():
                return _SCHEDULE.solve(problem)

    def check(self, problem: Scenario, response: str) -> bool:
        match problem:
            case Order():
                return _ORDER.check(problem, response)
            case Reservation():
                return _RESERVATION.check(problem, response)
            case Schedule():
                return _SCHEDULE.check(problem, response)
