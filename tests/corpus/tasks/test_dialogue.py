import re
from collections.abc import Iterator

from tanuki_jax.corpus.tasks.dialogue import Dialogue, Scenario
from tanuki_jax.corpus.tasks.dialogue_order import MENU, Order
from tanuki_jax.corpus.tasks.dialogue_reservation import DAYS, Reservation
from tanuki_jax.corpus.tasks.dialogue_schedule import EVENTS, Schedule
from tanuki_jax.corpus.tasks.family import Task

FAMILY = Dialogue()
DAY = "|".join(DAYS)


def tasks(count: int = 2000) -> Iterator[Task[Scenario]]:
    return (FAMILY.generate(key) for key in range(count))


def contents(task: Task[Scenario], role: str = "user") -> list[str]:
    return [message.content for message in task.messages if message.role == role]


def ordered(turns: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for turn in turns:
        for item, count in re.findall(rf"({'|'.join(MENU)})(?:を|は|も)?(\d*)", turn):
            counts[item] = (
                int(count)
                if count
                else 0
                if re.search("キャンセル|やめます", turn)
                else int(re.findall(r"\d+", turn)[0])
            )
    return {item: count for item, count in counts.items() if count}


def reserved(turns: list[str]) -> tuple[str, int, int]:
    text = "".join(turns)
    return re.findall(DAY, text)[-1], int(re.findall(r"(\d+)時", text)[-1]), int(re.findall(r"(\d+)[名人]", text)[-1])


def scheduled(turns: list[str]) -> tuple[tuple[int, str], ...]:
    calendar: dict[str, tuple[str, int]] = {}
    *entries, question = turns
    for turn in entries:
        (event,), (day,), (hour,) = (re.findall(pattern, turn) for pattern in ("|".join(EVENTS), DAY, r"(\d+)時"))
        calendar[event] = day, int(hour)
    return tuple(sorted((hour, event) for event, (day, hour) in calendar.items() if day in question))


def test_the_solver_agrees_with_a_listener() -> None:
    scenarios: set[type] = set()
    for task in tasks():
        listen = {Order: ordered, Reservation: reserved, Schedule: scheduled}[type(task.problem)]
        assert listen(contents(task)) == FAMILY.solve(task.problem), contents(task)
        scenarios.add(type(task.problem))
    assert scenarios == {Order, Reservation, Schedule}


def test_a_last_reply_with_another_number_day_or_word_is_rejected() -> None:
    for task in tasks(1000):
        reply = task.messages[-1].content
        for match in re.finditer(rf"\d+|{DAY}|{'|'.join((*MENU, *EVENTS))}", reply):
            pool = DAYS if match[0] in DAYS else MENU if match[0] in MENU else EVENTS
            others = [str(int(match[0]) + 1)] if match[0].isdigit() else [word for word in pool if word != match[0]]
            for other in others:
                wrong = reply[: match.start()] + other + reply[match.end() :]
                assert not FAMILY.check(task.problem, wrong), wrong


def test_a_last_reply_with_an_omission_or_an_addition_is_rejected() -> None:
    for task in tasks(1000):
        reply, problem = task.messages[-1].content, task.problem
        for match in re.finditer(rf"(?:{'|'.join(MENU)})\d+つ|\d+(?:時|名様)|{'|'.join(EVENTS)}", reply):
            assert not FAMILY.check(problem, reply[: match.start()] + reply[match.end() :])
        absent = next(word for word in (MENU if isinstance(problem, Order) else EVENTS) if word not in reply)
        addition = {Order: f"{absent}1つ", Reservation: "月曜日と日曜日", Schedule: f"7時の{absent}"}[type(problem)]
        assert not FAMILY.check(problem, f"{reply}あと、{addition}です。")


def test_every_reply_repeats_the_numbers_of_its_request() -> None:
    for task in tasks():
        for request, reply in zip(contents(task), contents(task, "assistant"), strict=True):
            assert set(re.findall(r"\d+", request)) <= set(re.findall(r"\d+", reply)), (request, reply)


def test_other_wordings_of_the_answer_are_accepted() -> None:
    reservation = Reservation((("土曜日", 18, 4),), (2, 5))
    order = Order(((("コーヒー", 2), ("紅茶", 1)), (("ケーキ", 3),), (("紅茶", 0),)))
    schedule = Schedule((("会議", "月曜日", 10), ("散歩", "月曜日", 15)), "月曜日")
    assert FAMILY.check(reservation, "承知しました！土曜の午後６時、５人ですね。")
    assert FAMILY.check(order, "・コーヒー 2つ\n・ケーキ：3つ\n紅茶はキャンセルしました。")
    assert FAMILY.check(schedule, "会議が10:00から、散歩が午後3時からあります。")


def test_dialogues_have_two_to_four_exchanges() -> None:
    assert {len(task.messages) // 2 for task in tasks()} == {2, 3, 4}
