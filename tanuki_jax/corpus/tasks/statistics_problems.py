"""Averages and spread: mean, median, mode, range, weighted mean, quartiles and variance."""

from fractions import Fraction

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, crossed, different, pick

_STORIES = (
    "{name}の{subject}の小テストの点数は、{0}（点）でした。",
    "{club}の部員が1年間に読んだ本の冊数を調べると、{0}（冊）でした。",
    "{town}で毎朝8時に通った車の数を数えると、{0}（台）でした。",
    "{name}が{event}の準備にかけた時間を日ごとに記録すると、{0}（分）でした。",
)


def _listed(numbers: tuple[int, ...], *_: object) -> tuple[str]:
    return ("、".join(map(str, numbers)),)


def _joined(numbers: tuple[int, ...]) -> str:
    return "+".join(map(str, numbers))


def _with_mean(draw: Draw, counts: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """Draw numbers whose mean has at most one decimal."""
    count = pick(draw, counts)
    numbers = [between(draw, low, high) for _ in range(count)]
    while sum(numbers) * 10 % count:
        numbers[-1] += 1
    return tuple(numbers)


def _shuffled(draw: Draw, numbers: list[int]) -> tuple[int, ...]:
    return tuple(number for _, number in sorted([(draw(), number) for number in numbers]))


def _one_most_frequent(draw: Draw) -> tuple[tuple[int, ...]]:
    first, *others = different(draw, between(draw, 4, 5), 1, 60)
    twice = others[0]
    numbers = [first, first, first, twice, twice, *others[1:]]
    return (_shuffled(draw, numbers),)


def _mode(numbers: tuple[int, ...]) -> int:
    return max(numbers, key=numbers.count)


def _median(numbers: tuple[int, ...]) -> Fraction:
    ordered = sorted(numbers)
    return Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)


def _explain_median(numbers: tuple[int, ...]) -> str:
    ordered = sorted(numbers)
    half = len(ordered) // 2
    order = f"小さい順に並べると、{'、'.join(map(str, ordered))}です。"
    if len(ordered) % 2:
        return f"{order}{len(ordered)}個の真ん中は{half + 1}番目の{ordered[half]}です。"
    low, high = ordered[half - 1], ordered[half]
    return f"{order}真ん中の2つは{low}と{high}なので、({low}+{high})÷2={show(_median(numbers), decimals=True)}です。"


def _spread_numbers(draw: Draw) -> tuple[tuple[int, ...]]:
    """Draw numbers with a whole mean and a whole variance."""
    mean = between(draw, 20, 85)
    deviations = pick(
        draw,
        (
            (-3, -1, 0, 1, 3),
            (-2, -2, 1, 3, 0),
            (-4, -2, 0, 2, 4),
            (-3, -3, 3, 3),
            (-6, -1, 2, 5, 0),
            (-5, -1, 1, 5, 0),
            (-4, -3, 3, 4, 0),
            (-5, 1, 1, 3),
            (-7, -1, 1, 7),
            (-2, 0, 0, 0, 2),
            (-6, -2, 2, 6),
            (-5, -5, 5, 5),
            (-6, -3, 0, 3, 6),
            (-8, 0, 1, 2, 5),
            (-4, -4, 4, 4),
            (-1, -7, 4, 4),
            (-5, -3, 1, 7),
            (-9, -3, 3, 9),
        ),
    )
    times = pick(draw, (1, 1, 2, -1))
    numbers = [mean + times * deviation for deviation in deviations]
    return (_shuffled(draw, numbers),)


def _variance(numbers: tuple[int, ...]) -> Fraction:
    mean = Fraction(sum(numbers), len(numbers))
    return sum(((number - mean) ** 2 for number in numbers), Fraction(0)) / len(numbers)


def _explain_variance(numbers: tuple[int, ...]) -> str:
    mean = sum(numbers) // len(numbers)
    squares = [(number - mean) ** 2 for number in numbers]
    return (
        f"平均値は({_joined(numbers)})÷{len(numbers)}={mean}です。偏差の2乗は順に{'、'.join(map(str, squares))}で、"
        f"その合計は{sum(squares)}です。分散は{sum(squares)}÷{len(numbers)}="
        f"{show(Fraction(sum(squares), len(numbers)), decimals=True)}です。"
    )


def _even_spread(draw: Draw) -> tuple[tuple[int, ...]]:
    """Draw numbers whose variance is the square of a whole number."""
    mean, step = between(draw, 12, 90), between(draw, 1, 11)
    signs = pick(
        draw, ((1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1), (-1, 1, -1, 1), (-1, -1, 1, 1), (1, -1, 1, -1, 1, -1))
    )
    return (tuple(mean + sign * step for sign in signs),)


def _root_of_variance(numbers: tuple[int, ...]) -> int:
    return (max(numbers) - min(numbers)) // 2


def _two_groups(draw: Draw) -> tuple[int, int, int, int]:
    first, second = pick(
        draw, ((20, 30), (10, 40), (15, 35), (12, 28), (16, 24), (30, 20), (40, 60), (35, 15), (24, 26))
    )
    low, high = between(draw, 30, 90), between(draw, 30, 90)
    return first, low, second, high + (low == high)


def _mean_of_groups(first: int, low: int, second: int, high: int) -> Fraction:
    return Fraction(first * low + second * high, first + second)


def _quartile_numbers(draw: Draw) -> tuple[tuple[int, ...]]:
    return (tuple(different(draw, pick(draw, (7, 11)), 5, 95)),)


def _quartile_range(numbers: tuple[int, ...]) -> int:
    ordered, quarter = sorted(numbers), (len(numbers) + 1) // 4
    return ordered[-quarter] - ordered[quarter - 1]


def _explain_quartiles(numbers: tuple[int, ...]) -> str:
    ordered, quarter = sorted(numbers), (len(numbers) + 1) // 4
    low, high = ordered[quarter - 1], ordered[-quarter]
    half = len(ordered) // 2
    return (
        f"小さい順に並べると、{'、'.join(map(str, ordered))}です。中央値{ordered[half]}を除いた下半分の中央値は{low}、"
        f"上半分の中央値は{high}です。{high}-{low}={high - low}です。"
    )


_KINDS = (
    Kind(
        name="mean",
        level="elementary",
        wordings=crossed(
            _STORIES,
            ("平均を求めてください。", "これらの値の平均はいくつですか。", "平均するといくつになりますか。"),
        ),
        draw=lambda draw: (_with_mean(draw, (4, 5, 5, 6), 12, 90),),
        shown=_listed,
        solve=lambda numbers: Fraction(sum(numbers), len(numbers)),
        explain=lambda numbers: (
            f"合計は{_joined(numbers)}={sum(numbers)}です。{len(numbers)}個あるので、"
            f"{sum(numbers)}÷{len(numbers)}={show(Fraction(sum(numbers), len(numbers)), decimals=True)}です。"
        ),
        decimals=True,
    ),
    Kind(
        name="total_from_mean",
        level="elementary",
        wordings=crossed(
            (
                "{name}の店では、{0}日間に{item}が1日平均{1}{k}売れました。",
                "{club}の{0}人がバザーのために集めた{item}は、1人平均{1}{k}でした。",
                "{shop}は、{0}日の間、1日平均{1}{k}の{item}を仕入れました。",
            ),
            ("合計は何{k}ですか。", "全部で何{k}になりますか。", "{item}の合計の数を求めてください。"),
        ),
        draw=lambda draw: (between(draw, 3, 30), between(draw, 8, 80)),
        solve=lambda count, mean: count * mean,
        explain=lambda count, mean: f"合計は、平均×個数で求められます。{mean}×{count}={mean * count}です。",
        unit="{k}",
    ),
    Kind(
        name="next_score",
        level="elementary",
        wordings=crossed(
            (
                "{name}の{subject}のテストは、これまでの{0}回の平均点が{1}点です。",
                "{subject}のテストを{0}回受けた{name}の平均点は{1}点です。",
                "{name}が受けた{0}回の{subject}のテストの平均は{1}点でした。",
            ),
            (
                "次のテストで何点をとると、平均点が{2}点になりますか。",
                "次のテストも合わせた平均点を{2}点にするには、次に何点とればよいですか。",
            ),
        ),
        draw=lambda draw: (between(draw, 2, 6), mean := between(draw, 50, 80), mean + between(draw, 1, 3)),
        solve=lambda count, mean, wanted: wanted * (count + 1) - mean * count,
        explain=lambda count, mean, wanted: (
            f"これまでの合計は{mean}×{count}={mean * count}点です。{count + 1}回の平均が{wanted}点になる合計は"
            f"{wanted}×{count + 1}={wanted * (count + 1)}点です。"
            f"{wanted * (count + 1)}-{mean * count}={wanted * (count + 1) - mean * count}です。"
        ),
        unit="点",
    ),
    Kind(
        name="largest_minus_smallest",
        level="elementary",
        wordings=crossed(
            _STORIES,
            (
                "いちばん大きい値といちばん小さい値の差はいくつですか。",
                "最も大きい値から最も小さい値を引くといくつになりますか。",
            ),
        ),
        draw=lambda draw: (tuple(different(draw, between(draw, 5, 7), 3, 98)),),
        shown=_listed,
        solve=lambda numbers: max(numbers) - min(numbers),
        explain=lambda numbers: (
            f"いちばん大きい値は{max(numbers)}、いちばん小さい値は{min(numbers)}です。"
            f"{max(numbers)}-{min(numbers)}={max(numbers) - min(numbers)}です。"
        ),
    ),
    Kind(
        name="median",
        level="middle",
        wordings=crossed(
            _STORIES,
            (
                "中央値を求めなさい。",
                "この資料のメジアンはいくつですか。",
                "値を大きさの順に並べたときの中央値を答えなさい。",
            ),
        ),
        draw=lambda draw: (tuple(between(draw, 5, 95) for _ in range(between(draw, 5, 9))),),
        shown=_listed,
        solve=_median,
        explain=_explain_median,
        decimals=True,
    ),
    Kind(
        name="mode",
        level="middle",
        wordings=crossed(_STORIES, ("最頻値を求めなさい。", "最も多く現れる値は何ですか。", "モードはいくつですか。")),
        draw=_one_most_frequent,
        shown=_listed,
        solve=_mode,
        explain=lambda numbers: (
            f"{_mode(numbers)}が3回現れ、ほかの値は2回以下です。最も多く現れるのは{_mode(numbers)}です。"
        ),
    ),
    Kind(
        name="range",
        level="middle",
        wordings=crossed(_STORIES, ("範囲を求めなさい。", "この資料の分布の範囲（レンジ）はいくつですか。")),
        draw=lambda draw: (tuple(different(draw, between(draw, 6, 9), 3, 98)),),
        shown=_listed,
        solve=lambda numbers: max(numbers) - min(numbers),
        explain=lambda numbers: (
            f"最大値は{max(numbers)}、最小値は{min(numbers)}です。範囲は最大値-最小値なので、"
            f"{max(numbers)}-{min(numbers)}={max(numbers) - min(numbers)}です。"
        ),
    ),
    Kind(
        name="relative_frequency",
        level="middle",
        wordings=crossed(
            (
                "{town}の中学生{0}人の通学時間を調べたところ、20分以上30分未満の階級の度数は{1}人でした。",
                "{name}の学年の{0}人の握力を測ると、25kg以上30kg未満の階級に{1}人が入りました。",
                "{town}の{route}で{0}人に年齢をきくと、20歳以上30歳未満の人は{1}人いました。",
            ),
            ("この階級の相対度数を求めなさい。", "この階級の相対度数を小数で答えなさい。"),
        ),
        draw=lambda draw: (
            total := pick(draw, (20, 25, 40, 50, 80, 100, 125, 160, 200, 250)),
            between(draw, 1, total - 1),
        ),
        solve=lambda total, count: Fraction(count, total),
        explain=lambda total, count: (
            "相対度数は、階級の度数÷度数の合計で求めます。"
            f"{count}÷{total}={show(Fraction(count, total), decimals=True)}です。"
        ),
        decimals=True,
        share=0.4,
    ),
    Kind(
        name="variance",
        level="high",
        wordings=crossed(_STORIES, ("分散を求めよ。", "このデータの分散を求めなさい。")),
        draw=_spread_numbers,
        shown=_listed,
        solve=_variance,
        explain=_explain_variance,
        decimals=True,
        share=0.5,
    ),
    Kind(
        name="standard_deviation",
        level="high",
        wordings=crossed(_STORIES, ("標準偏差を求めよ。", "このデータの標準偏差はいくつか。")),
        draw=_even_spread,
        shown=_listed,
        solve=_root_of_variance,
        explain=lambda numbers: (
            f"{_explain_variance(numbers)}標準偏差は分散の正の平方根で、"
            f"{_root_of_variance(numbers)}^2={_root_of_variance(numbers) ** 2}です。"
        ),
        share=0.3,
    ),
    Kind(
        name="mean_of_two_groups",
        level="high",
        wordings=crossed(
            (
                "{subject}のテストで、A組{0}人の平均点は{1}点、B組{2}人の平均点は{3}点であった。",
                "{name}の学校でクイズ大会を開いた。1年生{0}人の得点の平均は{1}点、2年生{2}人の平均は{3}点である。",
                "{club}で体力テストをした。男子{0}人の平均点は{1}点、女子{2}人の平均点は{3}点であった。",
            ),
            ("全員の平均点を求めよ。", "両方を合わせた全体の平均は何点か。"),
        ),
        draw=_two_groups,
        solve=_mean_of_groups,
        explain=lambda first, low, second, high: (
            f"合計点は{first}×{low}+{second}×{high}={first * low + second * high}です。"
            f"人数は{first}+{second}={first + second}人です。"
            f"{first * low + second * high}÷{first + second}="
            f"{show(_mean_of_groups(first, low, second, high), decimals=True)}です。"
        ),
        unit="点",
        decimals=True,
        share=0.6,
    ),
    Kind(
        name="interquartile_range",
        level="high",
        wordings=crossed(_STORIES, ("四分位範囲を求めよ。", "第3四分位数から第1四分位数を引いた値を求めなさい。")),
        draw=_quartile_numbers,
        shown=_listed,
        solve=_quartile_range,
        explain=_explain_quartiles,
    ),
    Kind(
        name="changed_units",
        level="high",
        wordings=crossed(
            (
                "{club}の記録の平均値は{0}、分散は{1}である。すべての値を{2}倍してから{3}を加えた。",
                "変量xの平均は{0}、分散は{1}である。{name}はy={2}x+{3}で新しい変量yをつくった。",
                "{subject}の得点の平均は{0}、分散は{1}であった。全員の得点を{2}倍し、さらに{3}点を加える。",
            ),
            ("変換後のデータの分散を求めよ。", "新しいデータの分散はいくつになるか。"),
        ),
        draw=lambda draw: (between(draw, 20, 70), between(draw, 4, 60), between(draw, 2, 5), between(draw, 1, 30)),
        solve=lambda mean, variance, times, more: variance * times**2,
        explain=lambda mean, variance, times, more: (
            f"{more}を加えても散らばりは変わりません。{times}倍すると分散は{times}の2乗倍になります。"
            f"{variance}×{times}^2={variance * times**2}です。"
        ),
    ),
)
STATISTICS = WordProblems("statistics_problems", _KINDS)
"""Data in stories: averages at the elementary school, medians at the middle school, variances at the high school."""
