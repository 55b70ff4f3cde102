"""Reserving a table: the guest names, and may change, day, hour and number of people; the last reply repeats them."""

import re
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.family import Rules, dialogue
from tanuki_jax.corpus.tasks.responses import with_hours

DAYS = tuple(f"{day}曜日" for day in "月火水木金土日")

_HOURS = range(11, 22)
_PEOPLE = range(1, 9)
_GROUPINGS = ((1, 1, 1), (2, 1), (1, 2), (3,))
_STATED_DAY = re.compile(r"([月火水木金土日])曜")
_STATED_HOUR = re.compile(r"(\d+)時")
_STATED_PEOPLE = re.compile(r"(\d+)(?:名|人)")
_FIRST = {
    1: ("{0}に予約したいです。", "{0}の予約をお願いします。", "{0}は空いていますか。"),
    2: ("{0}の{1}時に予約したいです。", "{0}の{1}時は空いていますか。", "予約をお願いします。{0}の{1}時です。"),
    3: ("{0}の{1}時に{2}名で予約したいです。", "{0}の{1}時から{2}名でお願いします。"),
}
_HOUR_NEXT = ("{0}時でお願いします。", "{0}時がいいです。", "{0}時は空いていますか。")
_PEOPLE_NEXT = ("{0}名です。", "{0}名でお願いします。", "{0}人で行きます。")
_BOTH_NEXT = ("{0}時に{1}名でお願いします。", "{0}時から{1}名です。")
_CHANGES = ("やっぱり{0}に変更できますか。", "すみません、{0}に変えてください。", "{0}に変更をお願いします。")
_REPLIES = (
    "{0}の{1}時に{2}名様で予約しました。",
    "かしこまりました。{0}の{1}時に、{2}名様でお取りしました。",
    "ご予約は{0}の{1}時、{2}名様です。",
)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The requests of a guest, and a change at the end."""

    turns: tuple[tuple[str | int, ...], ...]
    """Day, hour and number of people, in this order, over one to three turns."""
    change: tuple[int, str | int] | None
    """Index of the value that a last turn changes (0, 1, 2), and its new value."""


class ReservationRules(Rules[Reservation, tuple[str, int, int]]):
    """Rules whose answer is the final day, hour and number of people."""

    def draw(self, random: Random) -> Reservation:
        values: list[str | int] = [random.choice(DAYS), random.choice(_HOURS), random.choice(_PEOPLE)]
        sizes = random.choice(_GROUPINGS)
        turns = tuple(tuple(values[sum(sizes[:number]) : sum(sizes[: number + 1])]) for number in range(len(sizes)))
        if len(turns) > 1 and random.random() < 0.5:
            return Reservation(turns, None)
        slot = random.randrange(3)
        others = [value for value in (DAYS, _HOURS, _PEOPLE)[slot] if value != values[slot]]
        return Reservation(turns, (slot, random.choice(others)))

    def write(self, problem: Reservation, random: Random) -> tuple[Message, ...]:
        contents: list[str] = []
        known: tuple[str | int, ...] = ()
        for turn in problem.turns:
            contents += [_request(turn, len(known), random), _reply(known + turn, random)]
            known += turn
        if problem.change is not None:
            slot, value = problem.change
            phrase = (f"{value}", f"{value}時", f"{value}名")[slot]
            contents += [random.choice(_CHANGES).format(phrase), random.choice(_REPLIES).format(*self.solve(problem))]
        return dialogue(*contents)

    def solve(self, problem: Reservation) -> tuple[str, int, int]:
        values = [value for turn in problem.turns for value in turn]
        if problem.change is not None:
            slot, value = problem.change
            values[slot] = value
        day, hour, people = values
        assert isinstance(day, str)
        return day, int(hour), int(people)

    def check(self, problem: Reservation, response: str) -> bool:
        text = with_hours(response)
        day, hour, people = self.solve(problem)
        return (
            set(_STATED_DAY.findall(text)) == {day[0]}
            and set(map(int, _STATED_HOUR.findall(text))) == {hour}
            and set(map(int, _STATED_PEOPLE.findall(text))) == {people}
        )


def _request(turn: tuple[str | int, ...], known: int, random: Random) -> str:
    if known == 0:
        return random.choice(_FIRST[len(turn)]).format(*turn)
    choices = _BOTH_NEXT if len(turn) == 2 else _HOUR_NEXT if known == 1 else _PEOPLE_NEXT
    return random.choice(choices).format(*turn)


def _reply(known: tuple[str | int, ...], random: Random) -> str:
    if len(known) == 1:
        return f"{known[0]}ですね。何時がよろしいですか。"
    if len(known) == 2:
        return f"{known[0]}の{known[1]}時ですね。何名様ですか。"
    return random.choice(_REPLIES).format(*known)
