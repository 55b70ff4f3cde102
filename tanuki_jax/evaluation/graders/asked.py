"""The question of an answer: its unit, and whether the subject of a statement is another one than it asks for."""

import re
from dataclasses import dataclass

from tanuki_jax.evaluation.graders.answer_units import BARE, Unit, unit_at, unit_named
from tanuki_jax.evaluation.graders.maths_text import plain_maths

SHARE = Unit("share")
"""Unit of probabilities and shares: a number, a fraction or a percentage."""
_ASKS = re.compile(r"何|いくら|いくつ|どれ|どの|どちら|誰|求め|ですか|でしょうか|答え|解き|解け|計算|\?|は$")
_HOW_MANY = re.compile(r"([時分秒]速)?(?:約)?何\s*(?=[^\s時か]|時間|か月|か所|か国)")
_LENGTH = re.compile(r"\d\s?(mm|cm|km|m)(?![a-zA-Z^\d])")
_NEGATED = re.compile(
    r"余事象|補集合|な(?:い|かった|かっ)|ません|以外|ずに|反対|逆の|外れ|はずれ|\bnot\b|\bcomplement|\bno\b",
    re.IGNORECASE,
)
_COMPLEMENT = re.compile(r"余事象の確率|補集合の確率")
_RELATION = re.compile(
    r"(?<![\d.])(\d+)[^\d\s、。以未超よをの倍番]{0,3}(以上|以下|未満|より[^、。]{0,2}大き|より[^、。]{0,2}小さ|を?超え|倍|番目)"
    r"|(少なくとも)(\d+)|([≥≤<>])\s*(\d+)|(at least|at most|more than|less than|fewer than)\s+(\d+)",
    re.IGNORECASE,
)
_BOUNDS = {
    "以上": ("from", 0), "以下": ("to", 0), "未満": ("to", -1), "大き": ("from", 1), "小さ": ("to", -1),
    "超え": ("from", 1), "at least": ("from", 0), "at most": ("to", 0), "more than": ("from", 1),
    "less than": ("to", -1), "fewer than": ("to", -1), "≥": ("from", 0), ">": ("from", 1),
    "≤": ("to", 0), "<": ("to", -1), "少なくとも": ("least", 0), "倍": ("times", 0), "番目": ("nth", 0),
}  # fmt: skip
_ALTERNATIVES = (
    ("最大公約数", "最小公倍数"),
    ("平均", "中央値", "最頻値", "最高", "最低", "合計点", "分散", "標準偏差", "範囲"),
    ("最大", "最小"),
    ("合計|の和|和[がは]", "の積|積[がは]", "の差|差[がは]"),
    ("少なくとも", r"[\d1-9][回本個枚人つ]とも|すべて|全て|全部|ちょうど|だけ|のみ"),
    ("表面積", "面積", "体積", "円周|周りの長さ|周囲|周の長さ", "直径", "半径", "高さ", "底辺"),
    ("余り|あまり", "商"),
    ("表(?!面|し|さ|す|に)", "裏"),
    ("赤", "白", "青", "黒", "黄", "緑"),
    ("残(?:り|る|っ|した)|余", "切り取|使った|使う|食べた|配った|売れた|あげた|引かれ"),
    ("利益|儲け|もうけ", "売上|売り上げ", "費用|コスト|原価|仕入", "損失"),
    ("値引き|割引(?:額|され)|安くな", "代金|値段|価格|支払|買う|いくら"),
    ("毎日|1日(?:に|で|あたり|の)|日給", "毎週|1週間|週に|週あたり", "毎月|1[かヶカ]月|月に", "毎年|1年|年間"),
    ("男", "女"),
    ("兄", "弟", "姉", "妹"),
    ("大人", "子ども|子供|こども"),
    ("出席", "欠席"),
    ("不合格", "合格"),
    ("縦", "横"),
    ("上り", "下り"),
    ("勝", "負"),
    ("当たり|当たる", "はずれ|外れ"),
    ("行き|往路", "帰り|復路"),
    ("増え|増加", "減っ|減少"),
    ("偶数", "奇数"),
)
"""Groups of words of which a question asks for one."""
_TOPIC = re.compile(r"(?:^|[^一-龥ァ-ヺーA-Za-z])([一-龥々ァ-ヺーA-Za-z]{1,8})(?:さん|くん|ちゃん)?[はが]")
_DRAWN = re.compile(r"([一-龥々ァ-ヺー]{2,8})(?:のカード)?(を引|を取|が出|を選|が選|に当た)")
_FOREIGN = (
    "余事象",
    "補集合",
    "最大公約数",
    "最小公倍数",
    "中央値",
    "最頻値",
    "円周",
    "差額",
    "直径",
    "標準",
    "目安",
    "基準",
)
"""Words that name another value if the question has none of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Question of an answer, in its plain form."""

    text: str = ""
    """Question; empty: it is not known, and no subject is another one."""
    sentence: str = ""
    """Sentence of it that asks."""
    clause: str = ""
    """Part of that sentence that asks."""
    unit: Unit = BARE
    """Unit of the answer; `BARE`: it may have any."""
    counts: bool = True
    """Whether the answer may be a number of things."""

    def is_about_another(self, subject: str) -> bool:
        """Whether the subject of a statement is certainly another one than the question asks for: its complement,
        another bound, or another word of a group such as 平均 and 中央値."""
        if not self.text or not subject:
            return bool(_COMPLEMENT.search(subject))
        if _NEGATED.search(subject) and not _NEGATED.search(self.sentence):
            return True
        if self._is_affirmed(subject) or self._is_counterpart(subject) or self._is_other_object(subject):
            return True
        bounds, own = _bounds(subject), _bounds(self.text)
        if any(kind in {other for other, _ in own} and (kind, number) not in own for kind, number in bounds):
            return True
        if (
            {kind for kind, _ in bounds} & {"from", "to"}
            and {kind for kind, _ in own} & {"from", "to"}
            and not bounds & own
        ):
            return True
        if any(word in subject and word not in self.text for word in _FOREIGN):
            return True
        return any(self._is_other_of(words, subject) for words in _ALTERNATIVES)

    def closeness(self, subject: str) -> float:
        """Return the share of the pairs of neighbouring characters of a subject that the asking part has."""
        pairs = {subject[at : at + 2] for at in range(len(subject) - 1)}
        return sum(pair in self.clause for pair in pairs) / len(pairs) if pairs else 0.0

    def _is_affirmed(self, subject: str) -> bool:
        """Whether the question asks for what is not so, and the subject is what is so: 降らない確率 and 降る確率."""
        denied = re.search(r"(?:ない|以外の)([一-龥]{1,3})", self.clause)
        if denied is None or _NEGATED.search(subject):
            return False
        return bool(re.search(rf"[うくすつぬむるたんい]{denied[1]}", subject))

    def _is_counterpart(self, subject: str) -> bool:
        """Whether the question names the topic of the subject beside its own: 弟 in 兄と弟で分けると兄はいくらか."""
        stated, asked = _TOPIC.search(subject), _TOPIC.search(self.clause)
        if stated is None or asked is None or stated[1] == asked[1]:
            return False
        one, two = re.escape(stated[1]), re.escape(asked[1])
        beside = r"[^、。\n]{0,5}(?:と|や|、)"
        return bool(re.search(rf"{one}{beside}{two}|{two}{beside}{one}", self.text))

    def _is_other_object(self, subject: str) -> bool:
        """Whether something else is drawn or chosen, as in キングを引く確率 for エースを引く確率."""
        stated, asked = _DRAWN.search(subject), _DRAWN.search(self.clause)
        if stated is None or asked is None or stated[2] != asked[2]:
            return False
        return not set(stated[1]) & set(asked[1]) and stated[1] not in self.text

    def _is_other_of(self, words: tuple[str, ...], subject: str) -> bool:
        asked = [word for word in words if re.search(word, self.clause)]
        asked = asked or [word for word in words if re.search(word, self.text)]
        stated = [word for word in words if re.search(word, subject)]
        return bool(asked) and bool(stated) and not set(asked) & set(stated)


def asked_for(question: str, unit: str = "") -> Asked:
    """Read a question.

    Args:
        question: text of the question; empty: it is not known.
        unit: unit of its answer; empty: as the question says.
    """
    text = plain_maths(question).strip()
    parts = [part for part in re.split(r"[。、\n]|(?<=[?])", text) if part.strip()]
    asking = [part for part in parts if _ASKS.search(part)] or parts[-1:]
    clause = asking[-1] if asking else ""
    sentence = next((each for each in reversed(re.split(r"[。\n]", text)) if clause and clause in each), clause)
    if unit:
        named = unit_named(unit)
    elif re.search(r"確率|割合|probability", clause):
        named = unit_named("%") if re.search(r"%|パーセント|百分率", clause) else SHARE
    else:
        named = _unit_asked(text, clause)
    return Asked(text, sentence, clause, named)


def _unit_asked(text: str, clause: str) -> Unit:
    """Return the unit that a question names: 何cm, 時速何km, 何個 or いくら; `BARE`: it names none."""
    if re.search(r"何時間何分|何分何秒", clause):
        return BARE
    if match := _HOW_MANY.search(clause):
        unit, _ = unit_at(clause, match.end())
        if match[1] and unit.dimension == "length":
            return unit_named(match[1] + next(name for name in ("km", "cm", "m") if unit_named(name) == unit))
        return unit
    if re.search(r"いくら|金額|代金|値段", clause):
        return unit_named("ドル" if "ドル" in text else "円" if "円" in text else "")
    if (size := re.search("面積|体積", clause)) and (length := _LENGTH.search(text)):
        return unit_named(f"{length[1]}{'^2' if size[0] == '面積' else '^3'}")
    return BARE


def _bounds(text: str) -> set[tuple[str, int]]:
    """Return the bounds of a text as kinds and whole numbers: 3以上 and 2より大きい are the same."""
    found = set()
    for match in _RELATION.finditer(text):
        word = (match[2] or match[3] or match[5] or match[7]).lower()
        kind, shift = next(value for ending, value in _BOUNDS.items() if word.endswith(ending))
        found.add((kind, int(match[1] or match[4] or match[6] or match[8]) + shift))
    return found
