"""Readers of operations on text."""

import re
from collections import Counter
from fractions import Fraction

from tests.corpus.tasks.school.reading import Answer, reads

KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ"
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def quoted(text: str) -> list[str]:
    return re.findall("「([^」]*)」", text)


@reads("何文字ですか|文字数を合わせる")
def count_letters(_: re.Match[str], text: str) -> Answer | None:
    return None if "差は" in text else Fraction(len("".join(quoted(text))))


@reads("文字数はいくつちが|文字数の差|差は何文字")
def difference(_: re.Match[str], text: str) -> Answer:
    first, second = map(len, quoted(text))
    return Fraction(max(first, second) - min(first, second))


@reads("逆から|後ろから順に1文字ずつ|逆さに|反対の順番")
def backwards(_: re.Match[str], text: str) -> Answer:
    (word,) = quoted(text)
    turned = ""
    for letter in word:
        turned = letter + turned
    return turned


@reads(r"(\d+)(?:番目の文字|文字目を消し|番目に読む文字)")
def letter_at(match: re.Match[str], text: str) -> Answer:
    (word,) = quoted(text)
    return dict(enumerate(word, 1))[int(match[1])]


@reads("という文字は全部で何回|という文字はいくつ|丸はいくつ|という文字をさがして")
def count_one(_: re.Match[str], text: str) -> Answer:
    *words, letter = quoted(text)
    return Fraction(Counter("".join(words))[letter])


@reads("最初の文字と「|はじめの1文字と|1文字目の次に")
def join_ends(_: re.Match[str], text: str) -> Answer:
    first, second = quoted(text)[:2]
    return re.sub(".+", lambda match: match[0][0], first) + second[len(second) - 1]


@reads("五十音順|辞書に出てくる順")
def sort(_: re.Match[str], text: str) -> Answer:
    return "、".join(sorted(quoted(text), key=lambda word: KANA.index(word[0])))


@reads(r"(?:後ろから|最後から数えて|下から)(\d+)番目")
def from_back(match: re.Match[str], text: str) -> Answer:
    words = quoted(text)
    for _step in range(int(match[1]) - 1):
        words.pop()
    return words[-1]


@reads("重複|2回目以降|同じ言葉は最初|重なり")
def without_repeats(_: re.Match[str], text: str) -> Answer:
    kept: list[str] = []
    for word in quoted(text):
        if word not in kept:
            kept.append(word)
    return "、".join(kept)


@reads("置きかえなさい|全部「.」に変えた|に書きかえると|暗号では")
def replaced(_: re.Match[str], text: str) -> Answer:
    words = sorted(quoted(text), key=len)
    old, new = [word for word in quoted(text) if len(word) == 1]
    return "".join(new if letter == old else letter for letter in words[-1])


@reads("文字数が最も多い|いちばん長い言葉|最も文字数の多い|最も多くの文字")
def longest(_: re.Match[str], text: str) -> Answer:
    return sorted(quoted(text), key=len)[-1]


@reads("それぞれの最初の文字|頭文字|1文字目だけ|先頭の文字を上から")
def heads(_: re.Match[str], text: str) -> Answer:
    return "".join(re.findall("「(.)", text))


@reads(r"10進数の?(\d+)を2進|10進法で読むと(\d+)")
def to_binary(match: re.Match[str], _: str) -> Answer:
    number, digits = int(match[1] or match[2]), ""
    while number:
        number, digit = divmod(number, 2)
        digits = f"{digit}{digits}"
    return digits


@reads(r"2進数(?:で|の|)([01]+)")
def from_binary(match: re.Match[str], _: str) -> Answer:
    number = 0
    for digit in match[1]:
        number = 2 * number + int(digit)
    return Fraction(number)


@reads(r"(\d+)(?:文字後ろ|つ後ろ|文字ずつ後ろ)")
def cipher(match: re.Match[str], text: str) -> Answer:
    (word,) = quoted(text)
    return "".join((ALPHABET * 2)[ALPHABET.index(letter) + int(match[1])] for letter in word)


@reads("「a2b1」")
def run_lengths(_: re.Match[str], text: str) -> Answer:
    (word,) = (word for word in quoted(text) if re.fullmatch("[a-z]+", word) and word != "aab")
    return "".join(f"{run[0][0]}{len(run[0])}" for run in re.finditer(r"(.)\1*", word))


@reads(r"(\d+)文字目(?:から|以降、)(\d+)文字目まで")
def part(match: re.Match[str], text: str) -> Answer:
    word = quoted(text)[0]
    return "".join(letter for place, letter in enumerate(word, 1) if int(match[1]) <= place <= int(match[2]))


@reads("母音")
def vowels(_: re.Match[str], text: str) -> Answer:
    return Fraction(len(re.findall("[aeiou]", "".join(quoted(text)))))


@reads("(.*)(?:リストB|の単語帳には.*?の単語帳|集合B)(.*)")
def in_both(match: re.Match[str], text: str) -> Answer:
    split = re.split("、リストB|、集合B|、[^、」]+の単語帳には", text)
    assert len(split) == 2, text
    second = set(quoted(split[1]))
    return "、".join(word for word in quoted(split[0]) if word in second)


@reads(r"左に(\d+)文字|先頭の(\d+)文字を切り取り|はじめの(\d+)文字を")
def rotated(match: re.Match[str], text: str) -> Answer:
    (word,) = quoted(text)
    (count,) = (int(group) for group in match.groups() if group)
    for _step in range(count):
        word = word[1:] + word[0]
    return word
