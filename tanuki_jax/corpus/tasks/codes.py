"""Codes and strings: number systems, ciphers, parts of strings, common words."""

from collections.abc import Sequence

from tanuki_jax.corpus.tasks.story_words import words_of
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, between, different, pick

_ENGLISH = words_of(
    "apple banana orange garden school window summer winter spring autumn planet rocket silver yellow purple guitar "
    "violin pencil butter cheese tomato potato rabbit monkey turtle pigeon forest island valley bridge castle temple "
    "market doctor artist writer singer dancer farmer driver camera mirror pillow blanket kitchen morning evening "
    "weather science history library station airport holiday picture message machine freedom courage pattern problem "
    "number letter river ocean mountain cloud thunder shadow candle basket button ribbon jacket sweater blossom"
)


def quoted(words: Sequence[str]) -> str:
    return f"「{'」「'.join(words)}」"


def _shifted(word: str, step: int) -> str:
    return "".join(chr((ord(letter) - 97 + step) % 26 + 97) for letter in word)


def _runs(draw: Draw) -> tuple[str]:
    letters = [chr(97 + position) for position in different(draw, between(draw, 4, 5), 0, 25)]
    return ("".join(letter * between(draw, 1, 5) for letter in letters),)


def _run_lengths(text: str) -> str:
    coded, start = "", 0
    for position in range(1, len(text) + 1):
        if position == len(text) or text[position] != text[start]:
            coded += f"{text[start]}{position - start}"
            start = position
    return coded


def _part(draw: Draw) -> tuple[str, int, int]:
    word = pick(draw, _ENGLISH) + pick(draw, _ENGLISH)
    first = between(draw, 2, len(word) - 4)
    return word, first, between(draw, first + 2, len(word) - 1)


def _two_lists(draw: Draw) -> tuple[tuple[str, ...], tuple[str, ...]]:
    positions = different(draw, 7, 0, len(_ENGLISH) - 1)
    words = [_ENGLISH[position] for position in positions]
    first, second = words[:5], [words[between(draw, 0, 1)], words[5], words[between(draw, 2, 3)], words[6]]
    if draw() < 0.5:
        second.reverse()
    return tuple(first), tuple(second)


def _explain_binary(number: int) -> str:
    powers = [2**position for position in range(number.bit_length() - 1, -1, -1) if number >> position & 1]
    return f"2の累乗の和で表すと、{number}={'+'.join(map(str, powers))}です。ある累乗の位を1、ない位を0にします。"


def _explain_from_binary(number: int) -> str:
    powers = [2**position for position in range(number.bit_length() - 1, -1, -1) if number >> position & 1]
    return f"1の立っている位の値を足します。{'+'.join(map(str, powers))}={number}です。"


CODES: tuple[Kind, ...] = (
    Kind(
        name="to_binary",
        level="high",
        wordings=(
            "{name}は10進数の{0}を2進数で表したい。どう書けばよいか。",
            "{name}は10進数{0}を2進数に変換している。正しい結果を答えよ。",
            "{name}が2進数で書いた数を10進法で読むと{0}である。2進数ではどう書くか。",
            "{name}と{other}が10進数{0}を2進法に直した。どう表されるか。",
        ),
        draw=lambda draw: (between(draw, 9, 16_383),),
        solve=lambda number: f"{number:b}",
        explain=_explain_binary,
        share=0.6,
    ),
    Kind(
        name="from_binary",
        level="high",
        wordings=(
            "{name}の画面に2進数で{0}と表示された。10進数で表すといくつか。",
            "{name}は2進数{0}を10進数に変換している。正しい結果を答えよ。",
            "{name}の受け取った信号は2進数で{0}である。10進数ではいくつか。",
            "{name}と{other}が2進数{0}を10進法に直した。いくつになるか。",
        ),
        draw=lambda draw: (between(draw, 9, 16_383),),
        shown=lambda number: (f"{number:b}",),
        solve=lambda number: number,
        explain=_explain_from_binary,
        share=0.6,
    ),
    Kind(
        name="shift_cipher",
        level="high",
        wordings=(
            "{name}は、英小文字をアルファベット順で{1}文字後ろの文字に置きかえる暗号を使う（zの次はaに"
            "戻る）。「{0}」を暗号化せよ。",
            "「{0}」の各文字を、アルファベット順で{1}つ後ろの文字に変える。zの次はaとする。"
            "{name}が得る文字列を答えよ。",
            "{name}と{other}は、文字を{1}文字ずつ後ろにずらすシーザー暗号で連絡する。zの次はaである。"
            "「{0}」はどんな暗号文になるか。",
        ),
        draw=lambda draw: (pick(draw, _ENGLISH), between(draw, 1, 9)),
        solve=_shifted,
        explain=lambda word, step: (
            "1文字ずつずらします。"
            f"{'、'.join(f'{letter}→{_shifted(letter, step)}' for letter in dict.fromkeys(word))}です。"
        ),
        share=0.35,
    ),
    Kind(
        name="run_lengths",
        level="high",
        wordings=(
            "文字列「{0}」を、文字とその連続する個数を並べる連長圧縮で表せ。たとえば「aab」は「a2b1」となる。",
            "{name}は「aab」を「a2b1」のように書く方法で文字列を圧縮する。「{0}」を圧縮するとどうなるか。",
            "同じ文字の連続を「文字+個数」で表す（「aab」なら「a2b1」）。「{0}」の表し方を答えよ。",
        ),
        draw=_runs,
        solve=_run_lengths,
        explain=lambda text: "同じ文字が続く区間に分けて、それぞれの個数を数えます。",
    ),
    Kind(
        name="substring",
        level="high",
        wordings=(
            "文字列「{0}」の{1}文字目から{2}文字目までを取り出せ。ただし、先頭を1文字目とする。",
            "{name}のプログラムは、「{0}」の{1}文字目から{2}文字目まで（両端を含み、"
            "先頭を1文字目とする）を表示する。何が表示されるか。",
            "先頭を1文字目として、「{0}」の{1}文字目以降、{2}文字目までの部分文字列を答えよ。",
        ),
        draw=_part,
        solve=lambda word, first, last: word[first - 1 : last],
        explain=lambda word, first, last: (
            f"{first}文字目は「{word[first - 1]}」、{last}文字目は「{word[last - 1]}」です。"
            f"全部で{last}-{first}+1={last - first + 1}文字です。"
        ),
        share=0.7,
    ),
    Kind(
        name="vowels",
        level="high",
        wordings=(
            "英字の文字列「{0}{1}」に含まれる母音（a、i、u、e、o）は何個か。",
            "{name}は「{0} {1}」の中の母音a、i、u、e、oを数えた。全部で何個あるか。",
            "「{0}」と「{1}」の2語に含まれる母音字（a、e、i、o、u）の個数の合計を求めよ。",
        ),
        draw=lambda draw: (pick(draw, _ENGLISH), pick(draw, _ENGLISH)),
        solve=lambda first, second: sum(letter in "aiueo" for letter in first + second),
        explain=lambda first, second: (
            f"母音を順に書くと、{'、'.join(letter for letter in first + second if letter in 'aiueo')}です。"
        ),
        unit="個",
        share=0.1,
    ),
    Kind(
        name="in_both_lists",
        level="high",
        wordings=(
            "リストAは{0}、リストBは{1}である。両方に含まれる語を、リストAでの順に答えよ。",
            "{name}の単語帳には{0}、{other}の単語帳には{1}がある。共通する語を、{name}の単語帳の順に書け。",
            "集合Aの要素は{0}、集合Bの要素は{1}である。AとBの共通部分の要素をAに書かれた順に並べよ。",
        ),
        draw=_two_lists,
        shown=lambda first, second: (quoted(first), quoted(second)),
        solve=lambda first, second: "、".join(word for word in first if word in second),
        explain=lambda first, second: "1つ目の並びの語を順に見て、2つ目の並びにもあるものを残します。",
    ),
    Kind(
        name="rotate",
        level="high",
        wordings=(
            "{name}は、文字列「{0}」を左に{1}文字だけ巡回させた（先頭から{1}文字を末尾に移した）。"
            "得られる文字列を答えよ。",
            "{name}は「{0}」の先頭の{1}文字を切り取り、末尾につなげた。できた文字列は何か。",
            "{name}が「{0}」のはじめの{1}文字をそのままの順で最後に移動した。結果の文字列を書け。",
        ),
        draw=lambda draw: (pick(draw, _ENGLISH) + pick(draw, _ENGLISH), between(draw, 2, 7)),
        solve=lambda word, count: word[count:] + word[:count],
        explain=lambda word, count: (
            f"先頭の{count}文字は「{word[:count]}」、残りは「{word[count:]}」です。残りの後ろに先頭の部分をつなげます。"
        ),
        share=0.5,
    ),
)
"""Kinds of problems about codes and strings."""
