"""Readers of clocks and calendars, with a calendar of their own."""

import re
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, Date, Length, Time, clocks, length, numbers, reads

WEEK = "月火水木金土日"
COMMON_YEAR = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def has_leap_day(year: int) -> bool:
    if year % 100 == 0:
        year //= 100
    return year % 4 == 0


def day_number(month: int, day: int, year: int = 1) -> int:
    """Return the number of a day, counted from the beginning of year 1."""
    leaps = (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
    return 365 * (year - 1) + leaps + sum(COMMON_YEAR[: month - 1]) + day + (month > 2 and has_leap_day(year))


def date_after(month: int, day: int, days: int) -> Date:
    """Step day by day through years without leap days."""
    for _ in range(days):
        day += 1
        if day > COMMON_YEAR[month - 1]:
            month, day = month % 12 + 1, 1
    return Date(month, day)


def weekday_after(weekday: str, days: int) -> str:
    return f"{WEEK[(WEEK.index(weekday) + days) % 7]}曜日"


@reads(r"(\d+)(?:\^(\d+)|の(\d+)乗)日後")
def power_of_days(match: re.Match[str], text: str) -> Answer:
    (weekday,) = re.findall("([月火水木金土日])曜日", text)[:1]
    return weekday_after(weekday, int(match[1]) ** int(match[2] or match[3]))


@reads(r"西暦(\d+)年から(\d+)年まで")
def leap_years(match: re.Match[str], _: str) -> Answer:
    return Fraction(sum(map(has_leap_day, range(int(match[1]), int(match[2]) + 1))))


@reads(r"(\d+)年(\d+)月(\d+)日.*?([月火水木金土日])曜日.*?(\d+)年")
def same_day_of_another_year(match: re.Match[str], _: str) -> Answer:
    year, month, day, later = (int(match[group]) for group in (1, 2, 3, 5))
    return weekday_after(match[4], day_number(month, day, later) - day_number(month, day, year))


@reads(r"(\d+)年(\d+)月(\d+)日.*?(\d+)年(\d+)月(\d+)日")
def days_over_years(match: re.Match[str], _: str) -> Answer:
    year, month, day, later, other, last = map(int, match.groups())
    return Fraction(day_number(other, last, later) - day_number(month, day, year))


@reads(r"第(\d)([月火水木金土日])曜日")
def nth_weekday(match: re.Match[str], text: str) -> Answer:
    first = re.search(r"(\d+)月1日[はが]([月火水木金土日])曜日", text)
    assert first
    found = [day for day in range(1, 29) if weekday_after(first[2], day - 1) == f"{match[2]}曜日"]
    return Date(int(first[1]), found[int(match[1]) - 1])


@reads(r"(\d+)日ごと")
def series(match: re.Match[str], text: str) -> Answer:
    start = re.search(r"(\d+)月(\d+)日", text)
    count = re.search(r"(\d+)回目は何月|(\d+)回目の日付|第(\d+)回は何月", text)
    assert start
    assert count
    times = int(count[1] or count[2] or count[3]) - 1
    return date_after(int(start[1]), int(start[2]), int(match[1]) * times)


@reads(
    r"(\d+)月(\d+)日[^。]*?([月火水木金土日])曜日.*?(\d+)月(\d+)日.*何曜日|(\d+)月(\d+)日の([月火水木"
    r"金土日])曜日.*?(\d+)月(\d+)日"
)
def weekday_of_date(match: re.Match[str], _: str) -> Answer:
    month, day, weekday, later, other = (match[group] or match[group + 5] for group in range(1, 6))
    return weekday_after(weekday, day_number(int(later), int(other)) - day_number(int(month), int(day)))


@reads(r"(\d+)月(\d+)日.*?(\d+)月(\d+)日.*(?:何日後|あと何日)")
def days_between(match: re.Match[str], _: str) -> Answer:
    month, day, later, other = map(int, match.groups())
    return Fraction(abs(day_number(later, other) - day_number(month, day)))


@reads(r"(\d+)月(\d+)日.*?(\d+)日後.*何月何日")
def day_after(match: re.Match[str], _: str) -> Answer:
    return date_after(*map(int, match.groups()))


@reads(r"([月火水木金土日])曜日.*?(\d+)日後.*何曜日")
def weekday(match: re.Match[str], _: str) -> Answer:
    return weekday_after(match[1], int(match[2]))


@reads(
    r"授業は(\d+)分、休み時間は(\d+)分です。(\d+)時間目|練習は(\d+)分で、間に(\d+)分ずつ休みます。(\d+)回目"
    r"|1組(\d+)分の発表を()(\d+)組行う.*?間に(\d+)分|試合を()(\d+)つ続けて.*?1試合は(\d+)分で.*?間は(\d+)分"
    r"|から(\d+)分の講座を()(\d+)つ受ける.*?休みは(\d+)分"
)
def lessons(match: re.Match[str], text: str) -> Answer:
    found = [int(group) for group in match.groups() if group]
    if "講座" in text or "1組" in text:
        each, count, pause = found
    elif "試合" in text and "続けて" in text:
        count, each, pause = found
    else:
        each, pause, count = found
    (now,) = clocks(text)
    for number in range(count):
        now += each + (pause if number else 0)
    return Time(now)


@reads("分ごと")
def together_again(_: re.Match[str], text: str) -> Answer:
    first, second = numbers(r"(\d+)分ごと", text)
    (start,) = clocks(text)
    now = start + first
    while (now - start) % second:
        now += first
    return Time(now)


@reads(r"(\d+)時間(?:で、日本のほうが進んで|進んで|遅れて)")
def time_zone(match: re.Match[str], text: str) -> Answer:
    (here,) = clocks(text)
    return Time((here - 60 * int(match[1])) % (24 * 60))


@reads("午[前後]")
def times_of_day(_: re.Match[str], text: str) -> Answer | None:
    times = clocks(text)
    if len(times) == 4:
        a, b, c, d = times
        return Fraction(abs((b - a) - (d - c)))
    if len(times) == 2:
        return Length(times[1] - times[0])
    span = length(text)
    if span is None:
        return None
    backwards = re.search("家を出た時刻|家を出れば|始めた時刻|出発したのは", text)
    return Time(times[0] - span if backwards else times[0] + span)
