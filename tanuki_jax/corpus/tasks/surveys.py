"""Questions about tables of answers, frequencies, chances and years."""

from fractions import Fraction
from typing import Any

from tanuki_jax.corpus.tasks.answer_values import show
from tanuki_jax.corpus.tasks.grids import (
    Grid,
)
from tanuki_jax.corpus.tasks.story_words import words_of
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, crossed, different, pick


def _percent_table(draw: Draw) -> tuple[Any, ...]:
    """Draw a table of choices whose shares of the total are whole percentages."""
    total = pick(draw, (50, 100, 200, 300, 400, 500))
    shares = [between(draw, 8, 30) for _ in range(3)]
    if total == 50:
        shares = [share // 2 * 2 for share in shares]
    shares.append(100 - sum(shares))
    topic = pick(draw, tuple(_CHOICES))
    names = tuple(_CHOICES[topic][position] for position in different(draw, 4, 0, len(_CHOICES[topic]) - 1))
    return topic, names, tuple(total * share // 100 for share in shares), between(draw, 0, 3)


_CHOICES = {
    "好きな教科": words_of("国語 数学 理科 社会 英語 音楽 美術 体育"),
    "通学の方法": words_of("徒歩 自転車 バス 電車 自動車"),
    "好きな季節": words_of("春 夏 秋 冬"),
    "住んでいる地区": words_of("東地区 西地区 南地区 北地区 中央地区"),
    "飼っている動物": words_of("犬 猫 金魚 うさぎ ハムスター 小鳥"),
    "行きたい旅行先": words_of("北海道 沖縄 京都 東京 長野 広島"),
}


def _show_percent(topic: str, names: tuple[str, ...], counts: tuple[int, ...], position: int) -> tuple[object, ...]:
    return Grid("答え", ("人数",), ("人",), names, tuple((count,) for count in counts)), topic, names[position]


def _cross(draw: Draw) -> tuple[Any, ...]:
    """Draw a table of two groups by two answers, and which group and answer the question is about."""
    return (
        pick(draw, tuple(_GROUPS)),
        pick(draw, tuple(_TOPICS)),
        tuple(tuple(between(draw, 5, 90) for _ in range(2)) for _ in range(2)),
        between(draw, 0, 1),
        between(draw, 0, 1),
    )


_GROUPS = {
    "男女": ("男子", "女子"),
    "学年": ("1年生", "2年生"),
    "年代": ("大人", "子ども"),
    "居住地": ("市内", "市外"),
    "会員": ("会員", "非会員"),
}


_TOPICS = {
    "新しい校則の案": ("賛成", "反対"),
    "食堂のメニュー": ("満足", "不満"),
    "地域の清掃活動": ("参加", "不参加"),
    "海外旅行の経験": ("ある", "ない"),
    "市民プール": ("利用する", "利用しない"),
    "電子書籍": ("読む", "読まない"),
    "駅前の再開発": ("支持", "不支持"),
    "自転車の購入": ("買った", "買っていない"),
}
"""Topic of a survey -> its two answers."""


def _show_cross(group: str, topic: str, cells: Any, row: int, column: int) -> tuple[object, ...]:
    groups, answers = _GROUPS[group], _TOPICS[topic]
    return Grid("区分", answers, ("人", "人"), groups, cells), groups[row], answers[column], topic


def _explain_cross(group: str, topic: str, cells: Any, row: int, column: int) -> str:
    total = sum(cells[row])
    return (
        f"「{_GROUPS[group][row]}」は全部で{cells[row][0]}+{cells[row][1]}={total}人です。"
        f"そのうち「{_TOPICS[topic][column]}」は{cells[row][column]}人なので、{cells[row][column]}/{total}です。"
    )


def _explain_cross_back(group: str, topic: str, cells: Any, row: int, column: int) -> str:
    total = cells[0][column] + cells[1][column]
    return (
        f"「{_TOPICS[topic][column]}」は全部で{cells[0][column]}+{cells[1][column]}={total}人です。"
        f"そのうち「{_GROUPS[group][row]}」は{cells[row][column]}人なので、{cells[row][column]}/{total}です。"
    )


def _distribution(draw: Draw) -> tuple[Any, ...]:
    tenths = [between(draw, 1, 3), between(draw, 1, 3), between(draw, 1, 3)]
    tenths.append(10 - sum(tenths))
    return tuple(sorted(different(draw, 4, 0, 40))), tuple(tenths)


def _show_distribution(values: tuple[int, ...], tenths: tuple[int, ...]) -> tuple[object, ...]:
    rows = tuple(f"X={value}" for value in values)
    return (Grid("値", ("確率",), ("",), rows, tuple((f"0.{part}",) for part in tenths)),)


def _frequencies(draw: Draw) -> tuple[Any, ...]:
    total = pick(draw, (20, 25, 40, 50))
    counts = [between(draw, 2, total // 4) for _ in range(3)]
    counts.append(total - sum(counts))
    return tuple(sorted(different(draw, 4, 0, 20))), tuple(counts)


def _show_frequencies(values: tuple[int, ...], counts: tuple[int, ...]) -> tuple[object, ...]:
    rows = tuple(f"{value}点" for value in values)
    return (Grid("得点", ("人数",), ("人",), rows, tuple((count,) for count in counts)),)


def _explain_frequencies(values: tuple[int, ...], counts: tuple[int, ...]) -> str:
    products = [a * b for a, b in zip(values, counts, strict=True)]
    return (
        f"合計点は{'+'.join(f'{a}×{b}' for a, b in zip(values, counts, strict=True))}={sum(products)}点、"
        f"人数は{sum(counts)}人です。{sum(products)}÷{sum(counts)}="
        f"{show(Fraction(sum(products), sum(counts)), decimals=True)}です。"
    )


def _growth(draw: Draw) -> tuple[Any, ...]:
    before, percent = between(draw, 2, 40) * 100, between(draw, -40, 60) or 12
    after = before * (100 + percent) // 100
    year = between(draw, 2001, 2022)
    middle = before + between(draw, 1, 99)
    return year, before, middle, after


def _show_growth(year: int, before: int, middle: int, after: int) -> tuple[object, ...]:
    rows = (f"{year}年", f"{year + 1}年", f"{year + 2}年")
    return Grid("年", ("利用者",), ("人",), rows, ((before,), (middle,), (after,))), year, year + 2


_GROWTH_TABLES = (
    "次の表は、{town}のある{route}の利用者数である。\n{0:grid}\n",
    "{town}にある{route}の利用者数は、次のとおりである。\n{0:list}\n",
    "{name}が{route}の利用者数をまとめたデータである。\n{0:csv}\n",
)


_SURVEYS = (
    "次の表は、{name}の学校で「{1}」をたずねた結果です。\n{0:grid}\n",
    "{town}で「{1}」を調べると、次のようになりました。\n{0:list}\n",
    "{name}が集めた「{1}」の回答のデータです。\n{0:csv}\n",
)


_CROSS_TABLES = (
    "次の表は、{town}で行った「{3}」についてのアンケートの結果である。\n{0:grid}\n",
    "{name}が「{3}」についてたずねた結果は、次のとおりである。\n{0:list}\n",
    "{name}が行った「{3}」の調査のデータである。\n{0:csv}\n",
)

SURVEYS: tuple[Kind, ...] = (
    Kind(
        name="percent_of_total",
        level="middle",
        wordings=crossed(
            _SURVEYS, ("「{2}」と答えた人は全体の何%ですか。", "全体に対する「{2}」の割合を百分率で求めなさい。")
        ),
        draw=_percent_table,
        shown=_show_percent,
        solve=lambda topic, names, counts, position: Fraction(counts[position], sum(counts)),
        explain=lambda topic, names, counts, position: (
            f"全体の人数は{'+'.join(map(str, counts))}={sum(counts)}人です。"
            f"{counts[position]}÷{sum(counts)}×100={counts[position] * 100 // sum(counts)}(%)です。"
        ),
        unit="%",
    ),
    Kind(
        name="chance_in_group",
        level="high",
        wordings=crossed(
            _CROSS_TABLES,
            (
                "「{1}」の中から1人を選ぶとき、その人の答えが「{2}」である確率を求めよ。",
                "選ばれた1人が「{1}」であるとき、その人の答えが「{2}」である条件付き確率はいくらか。",
            ),
        ),
        draw=_cross,
        shown=_show_cross,
        solve=lambda group, topic, cells, row, column: Fraction(cells[row][column], sum(cells[row])),
        explain=_explain_cross,
    ),
    Kind(
        name="chance_of_group",
        level="high",
        wordings=crossed(
            _CROSS_TABLES,
            (
                "「{2}」と答えた人から1人を選ぶとき、その人が「{1}」である確率を求めよ。",
                "選ばれた1人の答えが「{2}」であるとき、その人が「{1}」である条件付き確率はいくらか。",
            ),
        ),
        draw=_cross,
        shown=_show_cross,
        solve=lambda group, topic, cells, row, column: Fraction(
            cells[row][column], cells[0][column] + cells[1][column]
        ),
        explain=_explain_cross_back,
    ),
    Kind(
        name="expected_value",
        level="high",
        wordings=crossed(
            (
                "確率変数Xの確率分布が次の表で与えられている。\n{0:grid}\n",
                "{name}が調べた確率変数Xの分布は、次のとおりである。\n{0:list}\n",
                "Xの値と確率のデータがある。\n{0:csv}\n",
            ),
            ("Xの期待値を求めよ。", "Xの平均E(X)はいくらか。"),
        ),
        draw=_distribution,
        shown=_show_distribution,
        solve=lambda values, tenths: Fraction(sum(a * b for a, b in zip(values, tenths, strict=True)), 10),
        explain=lambda values, tenths: (
            f"値×確率の和を求めます。{'+'.join(f'{a}×0.{b}' for a, b in zip(values, tenths, strict=True))}="
            f"{show(Fraction(sum(a * b for a, b in zip(values, tenths, strict=True)), 10), decimals=True)}です。"
        ),
        decimals=True,
    ),
    Kind(
        name="rate_of_growth",
        level="high",
        wordings=crossed(
            _GROWTH_TABLES,
            (
                "{1}年から{2}年までの増加率は何%か。減った場合は負の数で答えよ。",
                "{2}年の利用者数は、{1}年と比べて何%増えたか。減少のときは負の数で答えなさい。",
            ),
        ),
        draw=_growth,
        shown=_show_growth,
        solve=lambda year, before, middle, after: Fraction(after - before, before),
        explain=lambda year, before, middle, after: (
            f"({after}-{before})÷{before}×100={(after - before) * 100 // before}(%)です。"
        ),
        unit="%",
    ),
    Kind(
        name="chance_of_both",
        level="high",
        wordings=crossed(
            _CROSS_TABLES,
            (
                "全員の中から1人を選ぶとき、その人が「{1}」で、しかも「{2}」と答えている確率を求めよ。",
                "全体から1人を選ぶ。「{1}」かつ「{2}」の人が選ばれる確率はいくらか。",
            ),
        ),
        draw=_cross,
        shown=_show_cross,
        solve=lambda group, topic, cells, row, column: Fraction(cells[row][column], sum(map(sum, cells))),
        explain=lambda group, topic, cells, row, column: (
            f"全体は{'+'.join(str(cell) for line in cells for cell in line)}={sum(map(sum, cells))}人です。"
            f"あてはまる人は{cells[row][column]}人なので、{cells[row][column]}/{sum(map(sum, cells))}です。"
        ),
    ),
    Kind(
        name="mean_of_frequencies",
        level="high",
        wordings=crossed(
            (
                "{subject}の小テストの得点の度数分布は、次の表のとおりである。\n{0:grid}\n",
                "{name}のクラスの{subject}の得点は、次のように分布している。\n{0:list}\n",
                "{club}で行った試験の得点と人数のデータである。\n{0:csv}\n",
            ),
            ("得点の平均値を求めよ。", "1人あたりの得点の平均はいくらか。"),
        ),
        draw=_frequencies,
        shown=_show_frequencies,
        solve=lambda values, counts: Fraction(sum(a * b for a, b in zip(values, counts, strict=True)), sum(counts)),
        explain=_explain_frequencies,
        decimals=True,
        unit="点",
    ),
)
"""Kinds of problems about surveys and distributions."""
