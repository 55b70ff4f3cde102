"""Drop texts that are not in the language that was asked for."""

import re
from dataclasses import dataclass
from typing import Annotated

from tanuki_jax.config.limits import Limits, Share, check_fields
from tanuki_jax.corpus.cleaning.character_classes import Class, count_classes
from tanuki_jax.corpus.cleaning.identify_language import identified
from tanuki_jax.corpus.synthesis.filters.prose import without_code
from tanuki_jax.corpus.synthesis.made import FilterLanguage, Made, language_of

_SIMPLIFIED = re.compile(
    "[们这说对时间过语题问发现为应该让还吗您你她吧么给种两实经验则难关开门见长东车马鸟鱼龙风飞书买卖进远运达选连边头兴举习乡农业务动劳单卫历压县变员响团园图圆处备复够奖妇孙宁审宫尔层岁币"
    "师带帮庆库异归录忆总恶惊战户扩护报拥择换损敌术权构标样桥检欢汉汤沟测济满灭灵热爱爷牵猎环电疗盘监矿码确离积稳穷竞笔简类紧红纪约级纳纸线练组细织终结绝统继绩维综绿编缘缩罗罚职联肃脑脸"
    "节苏药莲获营虑虽补规视觉览计订认讨训议记讲许论设访证评识诉词译试诗话询详请读课调谁谈谢贝负财责败账货质贩贪贫购贵费贺资赏赛赞赢趋跃轨转轮软轻载较辆辑输邮邻郑释针钟钢钱铁铜银错键锁镇"
    "镜闭闲闹闻阅阳阴阵阶际陆陈险隐雾韩页项顺须顾预领频颜额饭饮饰饱馆骗鲜鸡鸣齐齿龟]"
)
"""Everyday characters of simplified Chinese that Japanese encodings do not have."""
_WIDE = (Class.HIRAGANA, Class.KATAKANA, Class.KANJI)


@dataclass(frozen=True, kw_only=True)
class WrittenLanguage:
    """Drop texts in another language, or with parts in one.

    The language is found as `clean` finds it (`identify_language.py`); the Swallow corpus (Okazaki et al., 2024) asks
    for the same half. Teachers slip into Chinese or Korean for a few words, which a share of the text does not
    show: hence the separate limit for letters of other scripts. Code is left out.
    """

    language: FilterLanguage = "same"
    """Language that the text must be in; same: that of the recipe."""
    least: Share = 0.5
    """Least share of letters, or of function words, that speak for the language."""
    most_foreign: Annotated[float, Limits(at_least=0, at_most=1)] = 0.01
    """Greatest share of letters of scripts that the language does not use; simplified Chinese characters are such."""

    def __post_init__(self) -> None:
        check_fields(self)

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        language = language_of(made, self.language)
        if language is None:
            return ""
        text = without_code(made.written)
        found = identified(text, language)
        if found.code != language or found.share < self.least:
            return "another language"
        counts = count_classes(text).tolist()
        letters = sum(counts[kind] for kind in (*_WIDE, Class.LATIN, Class.LETTER))
        foreign = counts[Class.LETTER]
        foreign += len(_SIMPLIFIED.findall(text)) if language == "ja" else sum(counts[kind] for kind in _WIDE)
        return "another language in part" if foreign > self.most_foreign * max(letters, 1) else ""
