"""Clock and calendar: times of day, spans, dates and days of the week."""

from datetime import date, timedelta

from tanuki_jax.corpus.tasks.answer_values import Day
from tanuki_jax.corpus.tasks.clock_problems import CLOCK
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, pick

_WEEKDAYS = tuple(f"{day}曜日" for day in "月火水木金土日")


_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _day_of_month(draw: Draw) -> tuple[int, int, int]:
    month = between(draw, 1, 11)
    return month, between(draw, 1, _LENGTHS[month - 1]), between(draw, 5, 50)


def _day_after(month: int, day: int, days: int) -> Day:
    end = date(2023, month, day) + timedelta(days)
    return Day(end.month, end.day)


def _explain_day_after(month: int, day: int, days: int) -> str:
    lines, rest = [], day + days
    while rest > _LENGTHS[(month - 1) % 12]:
        length = _LENGTHS[(month - 1) % 12]
        lines.append(f"{month}月は{length}日まであるので、{rest}-{length}={rest - length}です。")
        rest -= length
        month = month % 12 + 1
    return f"{day}+{days}={day + days}です。{''.join(lines)}これは{month}月の{rest}日にあたります。"


def _weekday_after(draw: Draw) -> tuple[str, int]:
    return pick(draw, _WEEKDAYS), between(draw, 8, 365)


def _later(weekday: str, days: int) -> str:
    return _WEEKDAYS[(_WEEKDAYS.index(weekday) + days) % 7]


def _explain_weekday(weekday: str, days: int) -> str:
    rest = days % 7
    end = f"{weekday}の{rest}日後" if rest else f"同じ{weekday}"
    return f"曜日は7日ごとに同じになります。{days}÷7={days // 7}あまり{rest}なので、{end}です。"


def _two_days(draw: Draw) -> tuple[int, int, int, int]:
    start = between(draw, 0, 300)
    first = date(2023, 1, 1) + timedelta(start)
    second = first + timedelta(between(draw, 20, 364 - start))
    return first.month, first.day, second.month, second.day


def _days_between(month: int, day: int, later: int, other: int) -> int:
    return (date(2023, later, other) - date(2023, month, day)).days


def _explain_days_between(month: int, day: int, later: int, other: int) -> str:
    if month == later:
        return f"同じ月の中なので、{other}-{day}={other - day}です。"
    parts = [_LENGTHS[month - 1] - day, *_LENGTHS[month : later - 1], other]
    names = [f"{month}月の残りが{parts[0]}日"]
    names += [f"{between}月が{_LENGTHS[between - 1]}日" for between in range(month + 1, later)]
    names.append(f"{later}月が{other}日")
    return f"{'、'.join(names)}です。{'+'.join(map(str, parts))}={sum(parts)}です。"


def _weekday_of_date(draw: Draw) -> tuple[int, int, str, int, int]:
    month, day, later, other = _two_days(draw)
    return month, day, pick(draw, _WEEKDAYS), later, other


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _years(draw: Draw) -> tuple[int, int]:
    first = between(draw, 1700, 2150)
    return first, first + between(draw, 12, 240)


def _leap_years(first: int, last: int) -> int:
    return sum(_leap(year) for year in range(first, last + 1))


def _explain_leap_years(first: int, last: int) -> str:
    def multiples(of: int) -> int:
        return last // of - (first - 1) // of

    return (
        f"4の倍数の年は{multiples(4)}回、100の倍数の年は{multiples(100)}回、400の倍数の年は{multiples(400)}回あります。"
        f"{multiples(4)}-{multiples(100)}+{multiples(400)}={_leap_years(first, last)}です。"
    )


def _same_date(draw: Draw) -> tuple[int, int, int, str, int]:
    year = between(draw, 1901, 2080)
    day = date(year, between(draw, 1, 12), between(draw, 1, 28))
    return year, day.month, day.day, _WEEKDAYS[day.weekday()], year + between(draw, 1, 19)


def _weekday_in(year: int, month: int, day: int, weekday: str, later: int) -> str:
    return _WEEKDAYS[date(later, month, day).weekday()]


def _explain_same_date(year: int, month: int, day: int, weekday: str, later: int) -> str:
    days = (date(later, month, day) - date(year, month, day)).days
    leaps = days - 365 * (later - year)
    return (
        "365÷7のあまりは1なので、曜日は1年で1つ、間に2月29日が入るとさらに1つ進みます。"
        f"{later - year}年間に2月29日は{leaps}回あるので、"
        f"{later - year}+{leaps}={later - year + leaps}だけ進みます。7でわったあまりは{days % 7}です。"
    )


def _long_time(draw: Draw) -> tuple[int, int]:
    year = between(draw, 1950, 2090)
    first = date(year, 1, 1) + timedelta(between(draw, 0, 360))
    later = first + timedelta(between(draw, 400, 1400))
    return first.toordinal(), later.toordinal()


def _show_long(first: int, later: int) -> tuple[str, str]:
    def written(ordinal: int) -> str:
        day = date.fromordinal(ordinal)
        return f"{day.year}年{day.month}月{day.day}日"

    return written(first), written(later)


def _explain_long(first: int, later: int) -> str:
    start, end = date.fromordinal(first), date.fromordinal(later)
    years = end.year - start.year - ((end.month, end.day) < (start.month, start.day))
    try:
        middle = start.replace(year=start.year + years)
    except ValueError:
        middle = date(start.year + years, 3, 1)
    return (
        f"{start.year}年{start.month}月{start.day}日から{middle.year}年{middle.month}月{middle.day}日まで"
        "は、うるう年の2月29日も数えると"
        f"{(middle - start).days}日です。そこから{end.month}月{end.day}日までは{(end - middle).days}日です。"
        f"{(middle - start).days}+{(end - middle).days}={later - first}です。"
    )


def _nth_weekday(draw: Draw) -> tuple[int, str, int, str]:
    return between(draw, 1, 12), pick(draw, _WEEKDAYS), between(draw, 2, 4), pick(draw, _WEEKDAYS)


def _day_of_nth(month: int, first: str, count: int, weekday: str) -> Day:
    return Day(month, 1 + (_WEEKDAYS.index(weekday) - _WEEKDAYS.index(first)) % 7 + 7 * (count - 1))


def _explain_nth(month: int, first: str, count: int, weekday: str) -> str:
    day = _day_of_nth(month, first, 1, weekday).day
    return (
        f"{month}月1日が{first}なので、最初の{weekday}は{day}日です。"
        f"第{count}{weekday}は{day}+7×{count - 1}={day + 7 * (count - 1)}日です。"
    )


def _powers(draw: Draw) -> tuple[int, int, str]:
    return pick(draw, (2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15)), between(draw, 10, 300), pick(draw, _WEEKDAYS)


def _explain_powers(base: int, power: int, weekday: str) -> str:
    cycle = next(length for length in range(1, 7) if pow(base, length, 7) == 1)
    rests = "、".join(str(pow(base, length, 7)) for length in range(1, cycle + 1))
    rest = pow(base, power, 7)
    return (
        f"{base}の累乗を7でわったあまりは、{rests}をくり返します（周期{cycle}）。"
        f"{power}を{cycle}でわったあまりは{power % cycle}なので、"
        f"{base}^{power}を7でわったあまりは{rest}です。{weekday}から{rest}日進みます。"
    )


def _series(draw: Draw) -> tuple[int, int, int, int, int]:
    gap = between(draw, 3, 12)
    return between(draw, 1, 6), between(draw, 1, 28), gap - 1, gap, between(draw, 4, 14)


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="day_after",
        level="elementary",
        wordings=(
            "今日は{0}月{1}日です。{name}の楽しみにしている{event}は{2}日後です。{event}は何月何日ですか。"
            "ただし、2月は28日までとします。",
            "{name}は{0}月{1}日に本を借りました。返すのはその{2}日後です。返す日は何月何日ですか。"
            "2月は28日までとします。",
            "{town}の{event}は、{0}月{1}日の{2}日後に開かれます。何月何日ですか。2月は28日まであるものとします。",
            "{name}は{0}月{1}日に{other}へ手紙を出し、返事はその{2}日後に来ました。"
            "返事が来たのは何月何日ですか。2月は28日までとします。",
        ),
        draw=_day_of_month,
        solve=_day_after,
        explain=_explain_day_after,
        share=0.8,
    ),
    Kind(
        name="weekday_after",
        level="elementary",
        wordings=(
            "今日は{0}です。{name}の{event}は{1}日後にあります。それは何曜日ですか。",
            "{name}が{other}に会った日は{0}でした。その日から{1}日後は何曜日ですか。",
            "{town}の{event}は{0}でした。{name}は、その{1}日後に写真を受け取りました。受け取ったのは何曜日ですか。",
            "{name}は{0}に種をまき、{1}日後に花が咲きました。花が咲いたのは何曜日ですか。",
        ),
        draw=_weekday_after,
        solve=_later,
        explain=_explain_weekday,
        choices=_WEEKDAYS,
        share=0.8,
    ),
    Kind(
        name="days_between",
        level="middle",
        wordings=(
            "{town}の{event}は、うるう年でない年の{2}月{3}日に開かれます。同じ年の{0}月{1}日から見て、何日後ですか。",
            "{name}は{0}月{1}日に{work}を始め、同じ年の{2}月{3}日に終えた。始めた日の何日後に終えたか。"
            "うるう年ではないとする。",
            "今日は{0}月{1}日である。{town}の{event}は今年の{2}月{3}日に開かれる。あと何日か。今年はうるう年ではない。",
            "{name}が{other}に会ったのは{0}月{1}日で、次に会うのは同じ年の{2}月{3}日です。"
            "何日後になりますか。2月は28日までとします。",
        ),
        draw=_two_days,
        solve=_days_between,
        explain=_explain_days_between,
        unit="日",
    ),
    Kind(
        name="weekday_of_date",
        level="middle",
        wordings=(
            "うるう年でないある年の{0}月{1}日は{2}です。同じ年の{3}月{4}日は何曜日ですか。",
            "{name}のカレンダーでは{0}月{1}日が{2}である。この年の{3}月{4}日は何曜日か。"
            "ただし、うるう年ではないとする。",
            "今年はうるう年ではなく、{0}月{1}日は{2}である。{town}の{event}が開かれる{3}月{4}日は何曜日か。",
            "{name}と{other}は{0}月{1}日の{2}に会い、同じ年の{3}月{4}日にまた会う。それは何曜日か。"
            "2月は28日までとする。",
        ),
        draw=_weekday_of_date,
        solve=lambda month, day, weekday, later, other: _later(weekday, _days_between(month, day, later, other)),
        explain=lambda month, day, weekday, later, other: (
            f"{month}月{day}日から{later}月{other}日までは{_days_between(month, day, later, other)}日です。"
            f"{_explain_weekday(weekday, _days_between(month, day, later, other))}"
        ),
        choices=_WEEKDAYS,
    ),
    Kind(
        name="leap_years",
        level="high",
        wordings=(
            "グレゴリオ暦で、西暦{0}年から{1}年までにうるう年は何回あるか。両端の年も含めて数えよ。",
            "{name}は、西暦{0}年から{1}年までのうるう年の数を調べている。両端の年を含めると何回あるか。",
            "西暦{0}年から{1}年まで（両端を含む）に、うるう年は何回ありますか。",
        ),
        draw=_years,
        solve=_leap_years,
        explain=_explain_leap_years,
        unit="回",
        share=0.4,
    ),
    Kind(
        name="weekday_in_other_year",
        level="high",
        wordings=(
            "{name}の祖父母は{0}年{1}月{2}日の{3}に結婚した。{4}年の結婚記念日は何曜日か。",
            "{name}は{0}年{1}月{2}日の{3}に生まれた。{4}年の誕生日は何曜日か。",
            "{town}の{event}は{0}年{1}月{2}日、{3}に開かれた。{4}年の同じ月日は何曜日になるか。",
            "{name}と{other}が出会った{0}年{1}月{2}日は{3}だった。{4}年の{1}月{2}日の曜日を求めよ。",
        ),
        draw=_same_date,
        solve=_weekday_in,
        explain=_explain_same_date,
        choices=_WEEKDAYS,
    ),
    Kind(
        name="days_over_years",
        level="high",
        wordings=(
            "{0}から{1}までは何日あるか。始めの日は数えず、終わりの日は数える。",
            "{name}は{0}に{work}の計画を立て、{1}に終えた。終えたのは始めた日の何日後か。",
            "{0}に始まった{town}の工事は{1}に終わった。終わったのは始まった日の何日後か。",
            "{name}が{other}に本を貸したのは{0}、返してもらったのは{1}である。返してもらったのは貸した日の何日後か。",
        ),
        draw=_long_time,
        shown=_show_long,
        solve=lambda first, later: later - first,
        explain=_explain_long,
        unit="日",
    ),
    Kind(
        name="nth_weekday",
        level="high",
        wordings=(
            "ある年の{0}月1日は{1}である。{town}の{event}は{0}月の第{2}{3}に開かれる。それは{0}月何日か。",
            "{0}月1日が{1}の年に、{name}の{club}は{0}月の第{2}{3}に集まる。集まるのは何月何日か。",
            "{name}の予定は{0}月の第{2}{3}である。{0}月1日が{1}のとき、その日付を求めよ。",
            "{name}と{other}は{0}月の第{2}{3}に会う約束をした。その年の{0}月1日は{1}である。約束の日は何月何日か。",
        ),
        draw=_nth_weekday,
        solve=_day_of_nth,
        explain=_explain_nth,
        share=0.7,
    ),
    Kind(
        name="power_of_days",
        level="high",
        wordings=(
            "今日は{2}である。{name}は、{0}^{1}日後の曜日を7で割った余りから求めた。何曜日か。",
            "{name}の誕生日は{2}である。その{0}の{1}乗日後は何曜日か。",
            "{event}が{2}に行われた。その日から{0}^{1}日後は何曜日になるか、合同式を使って求めなさい。",
            "{name}と{other}は、{2}から{0}の{1}乗日後の曜日を考えている。何曜日になるか。",
        ),
        draw=_powers,
        solve=lambda base, power, weekday: _later(weekday, pow(base, power, 7)),
        explain=_explain_powers,
        choices=_WEEKDAYS,
        share=0.8,
    ),
    Kind(
        name="last_of_series",
        level="high",
        wordings=(
            "{name}は{0}月{1}日から{2}日おきに（つまり{3}日ごとに）走ることにした。"
            "{0}月{1}日を1回目とすると、{4}回目は何月何日か。うるう年ではないとする。",
            "{town}の{event}の練習は、{0}月{1}日を1回目として{3}日ごとに行う。{4}回目の日付を求めよ。"
            "2月は28日までとする。",
            "{club}は{0}月{1}日から{3}日ごとに会議を開く。{0}月{1}日を第1回とすると、第{4}回は何月何日か。"
            "うるう年ではない。",
        ),
        draw=_series,
        solve=lambda month, day, rest, gap, count: _day_after(month, day, gap * (count - 1)),
        explain=lambda month, day, rest, gap, count: (
            f"{count}回目は1回目の{gap}×({count}-1)={gap * (count - 1)}日後です。"
            f"{_explain_day_after(month, day, gap * (count - 1))}"
        ),
    ),
)
CALENDAR = WordProblems("calendar_problems", (*_KINDS, *CLOCK))
"""Times and spans at the elementary school, schedules at the middle school, dates over years at the high school."""
