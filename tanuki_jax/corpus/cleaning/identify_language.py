"""The language of a text: by its script, and among languages of Latin letters by their most frequent words.

Word lists are the twenty or so most frequent function words of each language, as every frequency list has them.
"""

import functools
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tanuki_jax.corpus.cleaning.character_classes import codepoints, numbered

_JUDGED = 8_000
_SCRIPTS = {
    "kana": ("\u3041\u30ff", "\uff66\uff9f"),
    "han": ("\u3400\u4dbf", "\u4e00\u9fff", "\uf900\ufaff", "\U00020000\U0003ffff"),
    "ko": ("\u1100\u11ff", "\u3130\u318f", "\uac00\ud7a3"),
    "latin": ("AZ", "az", "\u00c0\u00d6", "\u00d8\u00f6", "\u00f8\u024f", "\u1e00\u1eff"),
    "ru": ("\u0400\u052f",),
    "el": ("\u0370\u03ff",),
    "ar": ("\u0600\u06ff", "\u0750\u077f"),
    "he": ("\u0590\u05ff",),
    "hi": ("\u0900\u097f",),
    "th": ("\u0e00\u0e7f",),
}
"""Script, or the only language that has it -> first and last character of its ranges."""
_FAMILY = {"ru": ("ru", "uk", "bg", "sr", "be", "mk"), "ar": ("ar", "fa", "ur"), "hi": ("hi", "mr", "ne")}
"""Script -> languages that a declaration may choose among."""
_KANA_SHARE = 0.08
_LEAST_WIDE = 4  # text with many foreign terms and formulas is still Japanese
_WORDS = {
    "en": "the of and to in is that for it was on are as with his they at be this have from or had by not but what all",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont avec ou",
    "es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le",
    "pt": "de a o que e do da em um para com não uma os no se na por mais as dos como mas ao ele das à",
    "it": "di e il la che in a per un è del non con le si una i da sono come dei al della nel ma lo alla",
    "nl": "de van een het en in is dat op te zijn met voor die niet aan er om ook als dan maar bij naar uit",
    "pl": "i w na z do nie się to że jest o jak a po co ale przez za od ich jego dla czy tak tylko był",
    "tr": "bir ve bu da de için ile olarak çok daha gibi olan kadar ne sonra var en her ama o değil mi",
    "id": "yang dan di dengan untuk dari pada ini dalam itu tidak adalah akan ke juga oleh atau ada karena bisa",
    "vi": "và của là có trong được cho không với các một những đã người này khi để về như từ cũng đến",
}
_LANGUAGES_OF_WORD: dict[str, list[str]] = {}
for _language, _words in _WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF_WORD.setdefault(_word, []).append(_language)
_LEAST_WORDS = 5
_CODES = {
    "jpn": "ja", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "por": "pt", "ita": "it",
    "nld": "nl", "dut": "nl", "pol": "pl", "tur": "tr", "ind": "id", "vie": "vi", "zho": "zh", "chi": "zh", "kor": "ko",
    "rus": "ru", "jp": "ja", "cn": "zh", "kr": "ko", "cmn": "zh",
}  # fmt: skip
"""Codes of three letters, and two frequent mistakes -> codes of ISO 639-1."""
UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Identified:
    """The language of a text, and how much of the text speaks for it."""

    code: str
    """Code of ISO 639-1; empty if it is not known."""
    share: float
    """Share of the text's letters, or function words, that speak for the language."""


def identified(text: str, declared: str = "") -> Identified:
    """Return the language of a text. A declaration (a code, perhaps with a region, or several with commas) decides only
    among languages that its script leaves open.

    Kana of at least 8% of kana and kanji make it Japanese, kanji without them Chinese; of other scripts the one with
    most letters counts, if kanji and kana are less than a quarter of it. A text of Latin letters is of the language
    that has most of its function words.
    """
    sample = text[:_JUDGED]
    numbers = np.bincount(_scripts()[codepoints(sample)], minlength=len(_SCRIPTS) + 1).tolist()
    counts = dict(zip(_SCRIPTS, numbers[1:], strict=True))
    wide = counts.pop("kana"), counts.pop("han")
    counts = {name: count for name, count in counts.items() if count}
    total = 2 * sum(wide) + sum(counts.values()) + counts.get("ko", 0)
    if not total:
        return Identified(UNKNOWN, 0.0)
    code = code_of(declared)
    script = max(counts, key=counts.__getitem__, default="")
    if _LEAST_WIDE * sum(wide) >= counts.get(script, 0) * (2 if script == "ko" else 1):
        japanese = wide[0] >= _KANA_SHARE * sum(wide) or (code == "ja" and sum(wide) < 20)
        return Identified("ja" if japanese else "zh", 2 * sum(wide) / total)
    share = counts[script] * (2 if script == "ko" else 1) / total
    if script == "latin":
        return _of_latin(sample, code, share)
    family = _FAMILY.get(script, (script,))
    return Identified(code if code in family else family[0], share)


@functools.cache
def _scripts() -> npt.NDArray[np.uint8]:
    """Return the number of each code point's script in `_SCRIPTS`, from 1; 0: it has none."""
    return numbered(dict(enumerate(_SCRIPTS.values(), 1)))


def code_of(declared: str) -> str:
    """Return the code of ISO 639-1 for a declaration such as "ja-JP", "jpn,eng" or "EN_us"; empty if there is none."""
    code = re.split(r"[-_,;\s]", declared.strip().lower())[0]
    return _CODES.get(code, code if len(code) == 2 else "")


def _of_latin(sample: str, declared: str, share: float) -> Identified:
    votes: dict[str, float] = dict.fromkeys(_WORDS, 0.0)
    found = 0
    words = Counter(re.findall(r"[^\W\d_]+", sample.lower()))
    for word in words.keys() & _LANGUAGES_OF_WORD.keys():
        found += words[word]
        for language in _LANGUAGES_OF_WORD[word]:
            votes[language] += words[word]
    best = max(votes, key=votes.__getitem__)
    if found < _LEAST_WORDS or (votes.get(declared, 0) >= 0.9 * votes[best] and declared in votes):
        return Identified(declared if declared not in ("ja", "zh", "ko", "ru", "ar", "he", "th") else UNKNOWN, share)
    return Identified(best, share * votes[best] / found)
