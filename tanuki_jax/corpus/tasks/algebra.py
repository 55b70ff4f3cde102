"""Signed numbers, equations, quadratic functions and sequences."""

from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, different, pick


def _linear(draw: Draw) -> tuple[int, int, int]:
    factor, x = between(draw, 2, 19), between(draw, -30, 30)
    constant = between(draw, 1, 99)
    return factor, constant, factor * x + constant


def _roots(draw: Draw) -> tuple[int, int, int]:
    small, large = sorted(different(draw, 2, -60, 60))
    return pick(draw, (1, 1, 2, 3, 4, 5, 6, 7, 8, 9)), small, large


def _show_quadratic(factor: int, small: int, large: int) -> tuple[str]:
    return (_polynomial(factor, -factor * (small + large), factor * small * large),)


def _polynomial(a: int, b: int, c: int) -> str:
    square = f"{'' if a == 1 else '-' if a == -1 else a}x^2"
    linear = f"{'+' if b > 0 else '-'}{'' if abs(b) == 1 else abs(b)}x" if b else ""
    return f"{square}{linear}{f'{c:+d}' if c else ''}"


def _explain_roots(factor: int, small: int, large: int) -> str:
    def bracket(root: int) -> str:
        return f"(x{-root:+d})" if root else "x"

    shown = _polynomial(1, -small - large, small * large)
    divided = "" if factor == 1 else f"両辺を{factor}で割ると、{shown}=0です。"
    return f"{divided}左辺を因数分解すると、{bracket(small)}{bracket(large)}=0なので、x={small}またはx={large}です。"


def _value_of_vertex(draw: Draw) -> tuple[int, int, int]:
    return pick(draw, (1, 2, 3, 4, 5)), between(draw, -25, 25) or 4, between(draw, -99, 99)


def _explain_vertex(a: int, p: int, q: int) -> str:
    front = "" if a == 1 else str(a)
    return f"平方完成すると、y={front}(x{-p:+d})^2{f'{q:+d}' if q else ''}です。x={p}のとき最小になります。"


def _signed(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


def _three_signed(draw: Draw) -> tuple[int, int, int]:
    return between(draw, -40, 40) or 7, -between(draw, 2, 25), between(draw, -80, 80) or -9


ALGEBRA: tuple[Kind, ...] = (
    Kind(
        name="signed_numbers",
        level="middle",
        wordings=(
            "次の計算をしなさい。{0}×{1}-{2}",
            "{0}×{1}-{2}を計算しなさい。",
            "{0}×{1}-{2}の値を求めなさい。",
            "{name}は{0}×{1}-{2}を計算しようとしています。正しい答えは何ですか。",
        ),
        draw=_three_signed,
        shown=lambda a, b, c: (_signed(a), _signed(b), _signed(c)),
        solve=lambda a, b, c: a * b - c,
        explain=lambda a, b, c: (
            f"かけ算を先に計算すると、{_signed(a)}×{_signed(b)}={a * b}です。{a * b}-{_signed(c)}={a * b - c}です。"
        ),
        share=0.4,
    ),
    Kind(
        name="linear_equation",
        level="middle",
        wordings=(
            "方程式{0}x+{1}={2}を解きなさい。",
            "次の方程式を満たすxの値を求めなさい。{0}x+{1}={2}",
            "ある数を{0}倍して{1}を足すと{2}になります。ある数を求めなさい。",
            "{name}はある数を考えました。その数に{0}をかけ、{1}を加えると{2}になるそうです。"
            "{name}が考えた数はいくつですか。",
            "{name}が「ある数の{0}倍に{1}を足したら{2}になった」と言っています。ある数はいくつですか。",
        ),
        draw=_linear,
        solve=lambda a, b, c: (c - b) // a,
        explain=lambda a, b, c: (
            f"もとの数をxとすると、{a}x+{b}={c}です。"
            f"{a}x={c}-{b}={c - b}なので、両辺を{a}で割ると、x={(c - b) // a}です。"
        ),
        share=0.4,
    ),
    Kind(
        name="arithmetic_term",
        level="high",
        wordings=(
            "初項{0}、公差{1}の等差数列の第{2}項を求めよ。",
            "初項が{0}、公差が{1}である等差数列について、第{2}項の値を求めなさい。",
            "等差数列の初項は{0}、公差は{1}である。第{2}項はいくつか。",
            "{name}は1日目に{0}円、2日目からは前の日より{1}円ずつ多く貯金する。{2}日目に貯金する金額は何円か。",
            "ある劇場の座席は1列目が{0}席で、列が1つ後ろになるごとに{1}席ずつ増える。{2}列目の座席数を求めなさい。",
        ),
        draw=lambda draw: (between(draw, 5, 300), between(draw, 2, 39), between(draw, 8, 60)),
        solve=lambda a, d, n: a + (n - 1) * d,
        explain=lambda a, d, n: f"第n項は{a}+(n-1)×{d}です。n={n}のとき、{a}+{n - 1}×{d}={a + (n - 1) * d}です。",
        share=0.25,
    ),
    Kind(
        name="arithmetic_sum",
        level="high",
        wordings=(
            "初項{0}、公差{1}の等差数列の初項から第{2}項までの和を求めよ。",
            "初項が{0}、公差が{1}の等差数列について、最初の{2}項の和を求めなさい。",
            "{name}は1日目に{0}円、2日目からは前の日より{1}円ずつ多く貯金する。{2}日間の貯金の合計は何円か。",
            "ある劇場の座席は1列目が{0}席で、列が1つ後ろになるごとに{1}席ずつ増える。{2}列目までの座席は全部で何席か。",
        ),
        draw=lambda draw: (between(draw, 5, 300), between(draw, 2, 39), between(draw, 8, 60)),
        solve=lambda a, d, n: n * (2 * a + (n - 1) * d) // 2,
        explain=lambda a, d, n: (
            f"第{n}項は{a}+{n - 1}×{d}={a + (n - 1) * d}です。"
            f"和は{n}×({a}+{a + (n - 1) * d})÷2={n * (2 * a + (n - 1) * d) // 2}です。"
        ),
        share=0.25,
    ),
    Kind(
        name="quadratic_roots",
        level="high",
        wordings=(
            "2次方程式{0}=0を解け。",
            "次の2次方程式の解を小さい順にすべて答えなさい。{0}=0",
            "{0}=0を満たすxの値をすべて求めなさい。",
            "{name}は2次方程式{0}=0を解いている。正しい解をすべて答えよ。",
        ),
        draw=_roots,
        shown=_show_quadratic,
        solve=lambda factor, small, large: (small, large),
        explain=_explain_roots,
        share=0.17,
    ),
    Kind(
        name="lowest_value",
        level="high",
        wordings=(
            "2次関数y={0}の最小値を求めよ。",
            "関数y={0}の最小値はいくつか。",
            "xがすべての実数をとるとき、{0}の最小値を求めなさい。",
            "{name}が2次関数y={0}のグラフをかいた。頂点のy座標を求めよ。",
        ),
        draw=_value_of_vertex,
        shown=lambda a, p, q: (_polynomial(a, -2 * a * p, a * p * p + q),),
        solve=lambda a, p, q: q,
        explain=_explain_vertex,
        share=0.1,
    ),
)
"""Kinds of problems of algebra."""
