"""Keeping a calendar: events are entered and moved; the last reply lists those of one day."""

import re
from dataclasses import dataclass
from random import Random

from tanuki_jax.corpus.records.types import Message
from tanuki_jax.corpus.tasks.dialogue_reservation import DAYS
from tanuki_jax.corpus.tasks.family import Rules, dialogue
from tanuki_jax.corpus.tasks.responses import with_hours

EVENTS = ("会議", "歯医者", "買い物", "面談", "練習", "勉強会", "打ち合わせ", "散歩", "発表")

_HOURS = range(8, 20)
_ADD = (
    "{day}の{hour}時に{event}を入れてください。",
    "{day}の{hour}時から{event}があります。",
    "{event}を{day}の{hour}時に追加してください。",
)
_MOVE = ("{event}を{day}の{hour}時に変更してください。", "{event}は{day}の{hour}時に移してください。")
_ADDED = ("{day}の{hour}時に{event}を入れました。", "はい、{day}の{hour}時に{event}を登録しました。")
_MOVED = ("{event}を{day}の{hour}時に変更しました。", "はい、{event}を{day}の{hour}時に移しました。")
_ASK = ("{0}の予定を教えてください。", "{0}の予定は何ですか。", "{0}には何がありますか。")
_DAY = re.compile(r"([月火水木金土日])曜")
_HOUR_OR_EVENT = re.compile(rf"(\d+)時|({'|'.join(EVENTS)})")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Entries in a calendar, and a question about one day."""

    entries: tuple[tuple[str, str, int], ...]
    """(event, day, hour) in order; an event that is entered again is moved."""
    asked: str
    """The day of the question."""


class ScheduleRules(Rules[Schedule, tuple[tuple[int, str], ...]]):
    """Rules whose answer is hour and name of each event of the day in question, by hour."""

    def draw(self, random: Random) -> Schedule:
        days = random.sample(DAYS, 2)
        hours = iter(random.sample(_HOURS, 3))
        events = random.sample(EVENTS, random.randint(1, 2))
        entries = [(event, random.choice(days), next(hours)) for event in events]
        if random.random() < 0.5:
            entries.append((random.choice(events), random.choice(days), next(hours)))
        final_days = {event: day for event, day, _ in entries}
        return Schedule(tuple(entries), random.choice(tuple(final_days.values())))

    def write(self, problem: Schedule, random: Random) -> tuple[Message, ...]:
        contents: list[str] = []
        known: set[str] = set()
        for event, day, hour in problem.entries:
            request, reply = (_MOVE, _MOVED) if event in known else (_ADD, _ADDED)
            contents += [random.choice(phrases).format(event=event, day=day, hour=hour) for phrases in (request, reply)]
            known.add(event)
        return dialogue(
            *contents, random.choice(_ASK).format(problem.asked), _listed(problem.asked, self.solve(problem), random)
        )

    def solve(self, problem: Schedule) -> tuple[tuple[int, str], ...]:
        calendar = {event: (day, hour) for event, day, hour in problem.entries}
        return tuple(sorted((hour, event) for event, (day, hour) in calendar.items() if day == problem.asked))

    def check(self, problem: Schedule, response: str) -> bool:
        text = with_hours(response)
        return set(_DAY.findall(text)) <= {problem.asked[0]} and _pairs(text) == set(self.solve(problem))


def _pairs(text: str) -> set[tuple[int, str]] | None:
    """Return each hour with the event next to it, in either order; None if hours and events do not alternate."""
    stated = [int(hour) if hour else event for hour, event in _HOUR_OR_EVENT.findall(text)]
    pairs: set[tuple[int, str]] = set()
    for first, second in zip(stated[::2], stated[1::2], strict=len(stated) % 2 == 0):
        match first, second:
            case (int(), str()):
                pairs.add((first, second))
            case (str(), int()):
                pairs.add((second, first))
            case _:
                return None
    return pairs if len(stated) % 2 == 0 else None


def _listed(day: str, events: tuple[tuple[int, str], ...], random: Random) -> str:
    if random.random() < 0.5:
        return f"{day}の予定は、{'と'.join(f'{hour}時の{event}' for hour, event in events)}です。"
    return f"{day}は、{'、'.join(f'{hour}時から{event}' for hour, event in events)}があります。"
