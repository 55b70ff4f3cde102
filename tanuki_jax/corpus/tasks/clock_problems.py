"""Times of day and lengths of time."""

import math

from tanuki_jax.corpus.tasks.answer_values import Clock, Span, show
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, different, pick

_BEHIND = (
    ("ロンドン", 9),
    ("パリ", 8),
    ("カイロ", 7),
    ("モスクワ", 6),
    ("ドバイ", 5),
    ("バンコク", 2),
    ("シンガポール", 1),
    ("ニューヨーク", 14),
    ("ロサンゼルス", 17),
    ("サンパウロ", 12),
)
"""Cities and the hours by which Japan is ahead of them in winter."""


def clock(minutes: int) -> str:
    """Write a time of day."""
    return show(Clock(minutes))


def _start_and_span(draw: Draw) -> tuple[int, int]:
    return between(draw, 7 * 60, 19 * 60), between(draw, 12, 230)


def _explain_after(start: int, span: int) -> str:
    hours, minutes = divmod(span, 60)
    first = start + hours * 60
    step = f"{clock(start)}の{hours}時間後は{clock(first)}です。" if hours else ""
    return f"{step}{clock(first)}の{minutes}分後は{clock(start + span)}です。"


def _explain_before(end: int, span: int) -> str:
    hours, minutes = divmod(span, 60)
    first = end - hours * 60
    step = f"{clock(end)}の{hours}時間前は{clock(first)}です。" if hours else ""
    return f"{step}{clock(first)}の{minutes}分前は{clock(end - span)}です。"


def _explain_elapsed(start: int, end: int) -> str:
    hour = -(-start // 60) * 60
    if hour >= end or hour == start:
        return f"{clock(start)}から{clock(end)}までの時間を数えると、{show(Span(end - start))}です。"
    return (
        f"{clock(start)}から{clock(hour)}までは{hour - start}分、{clock(hour)}から{clock(end)}までは"
        f"{show(Span(end - hour))}です。合わせて{show(Span(end - start))}です。"
    )


def _two_activities(draw: Draw) -> tuple[int, int, int, int]:
    first, second = between(draw, 8 * 60, 9 * 60 + 30), between(draw, 13 * 60, 16 * 60)
    span, other = different(draw, 2, 20, 140)
    return first, first + span, second, second + other


def _lessons(draw: Draw) -> tuple[int, int, int, int]:
    return (
        between(draw, 8 * 12, 11 * 12) * 5,
        pick(draw, (40, 45, 50, 55, 60, 65, 70)),
        pick(draw, (5, 10, 15, 20)),
        between(draw, 2, 6),
    )


def _end_of_lessons(start: int, lesson: int, pause: int, count: int) -> Clock:
    return Clock(start + lesson * count + pause * (count - 1))


def _explain_lessons(start: int, lesson: int, pause: int, count: int) -> str:
    total = lesson * count + pause * (count - 1)
    return (
        f"{count}回分は{lesson}×{count}={lesson * count}(分)、"
        f"間の休みは{count - 1}回で{pause}×{count - 1}={pause * (count - 1)}(分)です。"
        f"合わせて{total}分、つまり{show(Span(total))}です。"
        f"{clock(start)}からそれだけたつと{clock(start + total)}です。"
    )


def _buses(draw: Draw) -> tuple[int, int, int]:
    first, second = pick(
        draw,
        (
            (6, 8),
            (8, 12),
            (10, 15),
            (9, 12),
            (12, 15),
            (12, 18),
            (15, 20),
            (6, 10),
            (14, 21),
            (16, 24),
            (8, 20),
            (18, 24),
            (20, 30),
            (10, 25),
            (9, 15),
            (12, 20),
        ),
    )
    return between(draw, 6 * 60, 20 * 60), first, second


CLOCK: tuple[Kind, ...] = (
    Kind(
        name="time_after",
        level="elementary",
        wordings=(
            "{name}は{0}に家を出て、{1}後に{town}に着きました。着いた時刻は何時何分ですか。",
            "{name}は{0}から{1}、{work}をしました。終わった時刻を答えてください。",
            "{event}は{0}に始まり、{1}続きます。{name}が帰れるのは何時何分ですか。",
            "いま{0}です。{name}は{1}後に{other}と会います。会うのは何時何分ですか。",
            "{0}に{town}を出たバスは、{1}で終点に着きます。着くのは何時何分ですか。",
            "{name}は{meal}を作り始めました。始めたのは{0}で、{1}かかりました。できあがった時刻は何時何分ですか。",
        ),
        draw=_start_and_span,
        shown=lambda start, span: (clock(start), show(Span(span))),
        solve=lambda start, span: Clock(start + span),
        explain=_explain_after,
    ),
    Kind(
        name="time_before",
        level="elementary",
        wordings=(
            "{name}は{0}に{town}に着きました。家からは{1}かかりました。家を出た時刻は何時何分ですか。",
            "{event}は{0}に始まります。{name}の家から会場までは{1}かかります。"
            "ちょうどに着くには、何時何分に家を出ればよいですか。",
            "{name}が{work}を終えたのは{0}で、{1}かかっていました。始めた時刻を答えてください。",
            "{name}の乗ったバスは{0}に終点に着きました。走っていた時間は{1}です。出発したのは何時何分ですか。",
        ),
        draw=lambda draw: (between(draw, 11 * 60, 21 * 60), between(draw, 12, 230)),
        shown=lambda end, span: (clock(end), show(Span(span))),
        solve=lambda end, span: Clock(end - span),
        explain=_explain_before,
    ),
    Kind(
        name="time_between",
        level="elementary",
        wordings=(
            "{name}は{0}から{1}まで{work}をしました。かかった時間はどれだけですか。",
            "{event}は{0}に始まり、{1}に終わりました。何時間何分かかりましたか。",
            "{name}は{0}に家を出て、{1}に{town}に着きました。かかった時間は何時間何分ですか。",
            "{town}の{route}の催しは{0}に始まり、{1}に終わります。催しの長さは何時間何分ですか。",
        ),
        draw=lambda draw: (start := between(draw, 7 * 60, 16 * 60), start + between(draw, 65, 290)),
        shown=lambda start, end: (clock(start), clock(end)),
        solve=lambda start, end: Span(end - start),
        explain=_explain_elapsed,
    ),
    Kind(
        name="longer_activity",
        level="elementary",
        wordings=(
            "{name}は{0}から{1}まで、{other}は{2}から{3}まで{work}をしました。時間の差は何分ですか。",
            "{town}の{event}の午前の部は{0}から{1}まで、午後の部は{2}から{3}まででした。"
            "午前と午後の長さの差は何分ですか。",
            "{name}は{town}で、{0}から{1}まで本を読み、{2}から{3}まで散歩をしました。2つの時間の差は何分ですか。",
        ),
        draw=_two_activities,
        shown=lambda *times: tuple(map(clock, times)),
        solve=lambda a, b, c, d: abs((b - a) - (d - c)),
        explain=lambda a, b, c, d: (
            f"1つ目の時間は{b - a}分、2つ目の時間は{d - c}分です。"
            f"{max(b - a, d - c)}-{min(b - a, d - c)}={abs((b - a) - (d - c))}です。"
        ),
        unit="分",
    ),
    Kind(
        name="end_of_lessons",
        level="middle",
        wordings=(
            "{name}の学校では、1時間目が{0}に始まり、授業は{1}分、休み時間は{2}分です。"
            "{3}時間目が終わる時刻を求めなさい。",
            "{town}の{event}の練習を{0}から始めます。1回の練習は{1}分で、間に{2}分ずつ休みます。"
            "{3}回目の練習が終わるのは何時何分ですか。",
            "{club}では、{0}から試合を{3}つ続けて行う。1試合は{1}分で、試合と試合の間は{2}分あける。"
            "最後の試合が終わる時刻は何時何分か。",
            "{name}は{0}から{1}分の講座を{3}つ受ける。講座と講座の間の休みは{2}分である。すべて終わるのは何時何分か。",
            "{town}の会場で、1組{1}分の発表を{3}組行う。始まりは{0}で、組と組の間に{2}分の準備が入る。"
            "最後の組が終わる時刻を答えなさい。",
        ),
        draw=_lessons,
        shown=lambda start, lesson, pause, count: (clock(start), lesson, pause, count),
        solve=_end_of_lessons,
        explain=_explain_lessons,
        share=0.7,
    ),
    Kind(
        name="buses_together",
        level="middle",
        wordings=(
            "{town}の駅前から、{route}行きのバスは{1}分ごと、病院前行きのバスは{2}分ごとに出ます。"
            "{0}に同時に出ました。次に同時に出るのは何時何分ですか。",
            "{name}の部屋の時計は{1}分ごとに、{other}の部屋の時計は{2}分ごとに鳴る。{0}に2つが同時に鳴った。"
            "次に同時に鳴る時刻を求めなさい。",
            "{event}の会場で、{color}の明かりは{1}分ごと、{shade}の明かりは{2}分ごとに光ります。"
            "{0}に同時に光りました。次に同時に光る時刻は何時何分ですか。",
            "{name}は{1}分ごと、{other}は{2}分ごとに同じ場所を通る。"
            "{0}に2人が同時に通ったとき、次に同時に通るのは何時何分か。",
        ),
        draw=_buses,
        shown=lambda start, first, second: (clock(start), first, second),
        solve=lambda start, first, second: Clock(start + math.lcm(first, second)),
        explain=lambda start, first, second: (
            f"{first}と{second}の最小公倍数は{math.lcm(first, second)}なので、"
            f"{math.lcm(first, second)}分後に再び同時になります。"
            f"{clock(start)}の{math.lcm(first, second)}分後は{clock(start + math.lcm(first, second))}です。"
        ),
        share=0.7,
    ),
    Kind(
        name="time_zone",
        level="middle",
        wordings=(
            "{name}が住む日本と{0}の時差は{1}時間で、日本のほうが進んでいる。日本が{2}のとき、{0}は何時何分か。",
            "日本は{0}より{1}時間進んでいます。{name}が日本の{2}に電話をかけると、{0}の時刻は何時何分ですか。",
            "{0}の時刻は日本より{1}時間遅れている。"
            "{name}が日本時間の{2}に見る{event}の中継は、{0}の何時何分に行われているか。",
        ),
        draw=lambda draw: (*pick(draw, _BEHIND), between(draw, 0, 24 * 60 - 1)),
        shown=lambda city, hours, minutes: (city, hours, clock(minutes)),
        solve=lambda city, hours, minutes: Clock((minutes - 60 * hours) % 1440),
        explain=lambda city, hours, minutes: (
            f"{city}は日本より{hours}時間遅れています。{clock(minutes)}から{hours}時間もどすと"
            f"{'前の日の' if minutes < 60 * hours else ''}{clock((minutes - 60 * hours) % 1440)}です。"
        ),
        share=0.7,
    ),
)
"""Kinds of problems about clocks."""
