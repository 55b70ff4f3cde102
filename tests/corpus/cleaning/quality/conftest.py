from random import Random

import pytest

from tanuki_jax.corpus.cleaning.quality.labelled import Labelled

ANIMALS, PLACES = ("猫", "犬", "鳥", "馬", "牛", "狐", "狸"), ("庭", "森", "川辺", "山道", "神社", "畑")
DEEDS = ("静かに眠っていた", "友だちを待っていた", "昔のことを考えていた", "雨を眺めていた", "歌を聞いていた")
GOODS = ("腕時計", "財布", "化粧水", "布団", "掃除機")
OFFERS = ("送料無料", "激安通販", "期間限定", "ポイント還元", "最安値")


@pytest.fixture(scope="package")
def labelled() -> list[Labelled]:
    """Stories and offers, drawn from few words; each text twice."""
    draw = Random(0).choice
    texts = []
    for _ in range(40):
        story = f"{draw(ANIMALS)}は{draw(PLACES)}で{draw(DEEDS)}。それは{draw(PLACES)}での話だ。"
        offer = f"{draw(GOODS)}が{draw(OFFERS)}!{draw(OFFERS)} {draw(GOODS)} {draw(OFFERS)}"
        texts += [Labelled(story, True), Labelled(offer, False)]
    return texts * 2
