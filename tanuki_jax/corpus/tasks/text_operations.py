"""Operations on text: counting, reversing and picking letters, then lists of words, then codes and number systems."""

from tanuki_jax.corpus.tasks.codes import CODES, quoted
from tanuki_jax.corpus.tasks.story_words import words_of
from tanuki_jax.corpus.tasks.word_problems import Draw, Kind, WordProblems, between, different, pick

_WORDS = words_of(
    "あさがお あじさい あめんぼ いちご いのしし うさぎ うみがめ えのぐ えんぴつ おにぎり おりが"
    "み かたつむり かぶとむし かまきり きつね きりん "
    "くじら くわがた けむし けやき こおろぎ こうもり さくら さつまいも さかな しまうま しろくま すい"
    "か すずめ すみれ せみ せんたくき そらまめ "
    "たけのこ たまねぎ たんぽぽ ちきゅう ちりとり つくし つばめ てぶくろ てんとうむし とうもろこし と"
    "かげ とびばこ なわとび なすび にわとり にんじん "
    "ぬいぐるみ ぬりえ ねこやなぎ ねずみ のりまき のこぎり はさみ は"
    "ちみつ ひまわり ひつじ ひよこ ふくろう ふうせん へちま へいわ ほたる ほうれんそう "
    "まつぼっくり まめまき みかん みずうみ むらさき むささび めだか めが"
    "ね もみじ ももたろう やまびこ やきいも ゆきだるま ゆうやけ よつば よみもの "
    "らくだ らっぱ りんご りす るすばん れもん れんこん ろうそく ろうか わかめ わたあめ"
)


_BY_FIRST = {
    first: tuple(word for word in _WORDS if word[0] == first) for first in sorted({word[0] for word in _WORDS})
}


_FIRSTS = tuple(_BY_FIRST)


def _word_and_place(draw: Draw) -> tuple[str, int]:
    word = pick(draw, _WORDS) + pick(draw, _WORDS)
    return word, between(draw, 2, len(word))


def _two_words(draw: Draw) -> tuple[str, str]:
    return pick(draw, _WORDS), pick(draw, _WORDS)


def _uneven_words(draw: Draw) -> tuple[str, str]:
    first = pick(draw, _WORDS) + pick(draw, _WORDS)
    second = pick(draw, _WORDS)
    return (first, second) if draw() < 0.5 else (second, first)


def _letter_in_words(draw: Draw) -> tuple[tuple[str, ...], str]:
    words = tuple(pick(draw, _WORDS) for _ in range(between(draw, 3, 4)))
    return words, pick(draw, "".join(words))


def _different_firsts(draw: Draw) -> tuple[tuple[str, ...]]:
    positions = different(draw, between(draw, 4, 5), 0, len(_FIRSTS) - 1)
    return (tuple(pick(draw, _BY_FIRST[_FIRSTS[position]]) for position in positions),)


def _list_and_place(draw: Draw) -> tuple[tuple[str, ...], int]:
    (words,) = _different_firsts(draw)
    return words, between(draw, 2, len(words))


def _explain_from_back(words: tuple[str, ...], position: int) -> str:
    last = enumerate(words[: -position - 1 : -1], 1)
    return f"後ろから順に、{'、'.join(f'{number}番目は「{word}」' for number, word in last)}です。"


def _with_repeats(draw: Draw) -> tuple[tuple[str, ...]]:
    (words,) = _different_firsts(draw)
    longer = [*words, words[between(draw, 0, len(words) - 1)]]
    longer.insert(between(draw, 1, len(longer) - 1), words[between(draw, 0, len(words) - 1)])
    return (tuple(longer),)


def _replacement(draw: Draw) -> tuple[str, str, str]:
    word = pick(draw, _WORDS) + pick(draw, _WORDS)
    old = pick(draw, word)
    new = pick(draw, "かきくけこさしすせたちつてと")
    return word, old, new if new != old else "の"


def _longest(draw: Draw) -> tuple[tuple[str, ...]]:
    while True:
        (words,) = _different_firsts(draw)
        lengths = sorted(map(len, words))
        if lengths[-1] > lengths[-2]:
            return (words,)


_KINDS: tuple[Kind, ...] = (
    Kind(
        name="count_letters",
        level="elementary",
        wordings=(
            "{name}はノートに「{0}{1}」と書きました。全部で何文字ですか。",
            "「{0}」と「{1}」を{name}がひらがなで書きます。文字は合わせて何文字ですか。",
            "{name}の合い言葉は「{0}{1}」です。この合い言葉は何文字ですか。",
            "{name}は「{0}」、{other}は「{1}」と言いました。2つの言葉の文字数を合わせるといくつですか。",
        ),
        draw=_two_words,
        solve=lambda first, second: len(first + second),
        explain=lambda first, second: (
            f"「{first}」は{len(first)}文字、「{second}」は{len(second)}文字です。"
            f"{len(first)}+{len(second)}={len(first + second)}です。"
        ),
        unit="文字",
    ),
    Kind(
        name="reverse",
        level="elementary",
        wordings=(
            "{name}は「{0}{1}」を逆から読もうとしています。逆から読むとどうなりますか。",
            "{name}は「{0}{1}」を後ろから順に1文字ずつ書きました。何と書きましたか。",
            "{name}と{other}が逆さ言葉で遊んでいます。「{0}{1}」を逆さにするとどうなりますか。",
            "{name}が「{0}{1}」の文字を反対の順番に並べます。できる言葉を答えてください。",
        ),
        draw=_two_words,
        solve=lambda first, second: (first + second)[::-1],
        explain=lambda first, second: f"最後の文字「{second[-1]}」から順に、1文字ずつ前へ読んでいきます。",
    ),
    Kind(
        name="letter_at_place",
        level="elementary",
        wordings=(
            "{name}が書いた「{0}」の、前から{1}番目の文字は何ですか。",
            "{name}は「{0}」の{1}文字目を消しました。消した文字は何ですか。",
            "{name}と{other}が「{0}」を声に出して読みます。{1}番目に読む文字は何ですか。",
            "{name}は「{0}」の左から{1}番目の文字に丸をつけました。丸をつけた文字はどれですか。",
        ),
        draw=_word_and_place,
        solve=lambda word, position: word[position - 1],
        explain=lambda word, position: (
            "前から順に数えると、"
            f"{'、'.join(f'{number}番目は「{letter}」' for number, letter in enumerate(word[:position], 1))}です。"
        ),
    ),
    Kind(
        name="count_one_letter",
        level="elementary",
        wordings=(
            "{0}の中に、「{1}」という文字は全部で何回出てきますか。",
            "{name}は{0}と書きました。この中に「{1}」という文字はいくつありますか。",
            "{name}が{0}の中の「{1}」という文字に全部丸をつけます。丸はいくつになりますか。",
            "{name}と{other}は、{0}の中から「{1}」という文字をさがしています。全部で何個ありますか。",
        ),
        draw=_letter_in_words,
        shown=lambda words, letter: (quoted(words), letter),
        solve=lambda words, letter: sum(word.count(letter) for word in words),
        explain=lambda words, letter: (
            f"{'、'.join(f'「{word}」に{word.count(letter)}個' for word in words)}あります。"
            f"{'+'.join(str(word.count(letter)) for word in words)}={sum(word.count(letter) for word in words)}です。"
        ),
    ),
    Kind(
        name="difference_of_lengths",
        level="elementary",
        wordings=(
            "「{0}」と「{1}」では、文字数はいくつちがいますか。",
            "{name}は「{0}」、{other}は「{1}」と書きました。文字数の差はいくつですか。",
            "{name}が「{0}」と「{1}」の文字数を比べます。差は何文字ですか。",
        ),
        draw=_uneven_words,
        solve=lambda first, second: abs(len(first) - len(second)),
        explain=lambda first, second: (
            f"「{first}」は{len(first)}文字、「{second}」は{len(second)}文字です。"
            f"{max(len(first), len(second))}-{min(len(first), len(second))}={abs(len(first) - len(second))}です。"
        ),
        unit="文字",
        share=0.5,
    ),
    Kind(
        name="join_ends",
        level="elementary",
        wordings=(
            "{name}は「{0}」の最初の文字と「{1}」の最後の文字をつなげました。何という2文字になりますか。",
            "{name}は「{0}」のはじめの1文字と、「{1}」のおわりの1文字をこの順に並べました。"
            "できた2文字を答えてください。",
            "{name}が「{0}」、{other}が「{1}」と書きました。"
            "「{0}」の1文字目の次に「{1}」の最後の文字を書くと、どうなりますか。",
        ),
        draw=_two_words,
        solve=lambda first, second: first[0] + second[-1],
        explain=lambda first, second: (
            f"「{first}」の最初の文字は「{first[0]}」、「{second}」の最後の文字は「{second[-1]}」です。"
        ),
    ),
    Kind(
        name="sort_words",
        level="middle",
        wordings=(
            "次の言葉を五十音順に並べなさい。{0}",
            "{0}を、辞書に出てくる順に並べてください。",
            "{name}は{0}を五十音順に並べかえた。正しい順番を答えなさい。",
            "{name}が作る索引に{0}をのせる。五十音順に並べるとどうなるか。",
        ),
        draw=_different_firsts,
        shown=lambda words: (quoted(words),),
        solve=lambda words: "、".join(sorted(words)),
        explain=lambda words: (
            f"それぞれの最初の文字「{'」「'.join(sorted(word[0] for word in words))}」の順に並べます。"
        ),
    ),
    Kind(
        name="word_from_back",
        level="middle",
        wordings=(
            "{0}という並びで、後ろから{1}番目の言葉は何ですか。",
            "{name}は{0}をこの順に覚えた。最後から数えて{1}番目の言葉を答えなさい。",
            "{name}のリストには{0}がこの順に書いてある。下から{1}番目にあるものは何か。",
            "次の並びの後ろから{1}番目にある言葉を書きなさい。{0}",
        ),
        draw=_list_and_place,
        shown=lambda words, position: (quoted(words), position),
        solve=lambda words, position: words[-position],
        explain=_explain_from_back,
    ),
    Kind(
        name="drop_repeats",
        level="middle",
        wordings=(
            "{0}から重複を取り除き、最初に出てきた順に並べなさい。",
            "{name}のメモに{0}と書いてある。2回目以降に出てくる同じ言葉を消すと、何が残るか。順に答えなさい。",
            "次の並びで、同じ言葉は最初のものだけを残しなさい。{0}",
            "{name}が{0}の中の重なりをなくした。残った言葉を元の順番で書きなさい。",
        ),
        draw=_with_repeats,
        shown=lambda words: (quoted(words),),
        solve=lambda words: "、".join(dict.fromkeys(words)),
        explain=lambda words: (
            "2回以上出てくるのは「"
            f"{'」「'.join(word for word in dict.fromkeys(words) if words.count(word) > 1)}」です。"
            "前から見て、すでに出た言葉を消します。"
        ),
    ),
    Kind(
        name="replace_letter",
        level="middle",
        wordings=(
            "「{0}」の中の「{1}」をすべて「{2}」に置きかえなさい。",
            "{name}は「{0}」という文字列の「{1}」を全部「{2}」に変えた。できた文字列を答えなさい。",
            "「{0}」に出てくる「{1}」を1つ残らず「{2}」に書きかえると、どうなりますか。",
            "{name}の暗号では「{1}」の代わりに「{2}」と書く。「{0}」を暗号で書くとどうなるか。",
        ),
        draw=_replacement,
        solve=lambda word, old, new: word.replace(old, new),
        explain=lambda word, old, new: f"「{old}」は{word.count(old)}か所にあります。そこだけを「{new}」に変えます。",
    ),
    Kind(
        name="longest_word",
        level="middle",
        wordings=(
            "{0}の中で、文字数が最も多い言葉はどれですか。",
            "{name}は{0}という言葉の長さを比べた。いちばん長い言葉を答えなさい。",
            "次の言葉のうち、最も文字数の多いものを書きなさい。{0}",
            "{name}が{0}をひらがなのまま入力するとき、最も多くの文字を打つ言葉は何か。",
        ),
        draw=_longest,
        shown=lambda words: (quoted(words),),
        solve=lambda words: max(words, key=len),
        explain=lambda words: f"文字数は、{'、'.join(f'「{word}」が{len(word)}' for word in words)}です。",
    ),
    Kind(
        name="nth_of_each",
        level="middle",
        wordings=(
            "{0}のそれぞれの最初の文字を順につなげると、どんな文字列になりますか。",
            "{name}は{0}の頭文字を並べて合い言葉を作った。合い言葉を答えなさい。",
            "次の言葉の1文字目だけを、順番を変えずに並べて書きなさい。{0}",
            "{name}のあいうえお作文では、{0}の先頭の文字を上から読む。読むとどうなるか。",
        ),
        draw=_different_firsts,
        shown=lambda words: (quoted(words),),
        solve=lambda words: "".join(word[0] for word in words),
        explain=lambda words: f"最初の文字は順に「{'」「'.join(word[0] for word in words)}」です。",
    ),
)
TEXT_OPERATIONS = WordProblems("text_operations", (*_KINDS, *CODES))
"""Letters at the elementary school, lists of words at the middle school, codes and strings at the high school."""
