import pytest

from tanuki_jax.corpus.cleaning.identify_language import code_of, identified

TEXTS = {
    "ja": "川の水は、山に降った雨がゆっくりと地面にしみこんだものである。",
    "zh": "河里的水是从山上流下来的，我们每天都在这里喝水。",
    "ko": "강물은 산에 내린 비가 천천히 땅에 스며든 것이다.",
    "en": "The water of the river is rain that has fallen on the hills and comes out of the ground.",
    "de": "Das Wasser des Flusses ist Regen, der auf die Berge gefallen ist und aus dem Boden kommt.",
    "fr": "L'eau de la rivière est la pluie qui est tombée sur les montagnes et qui sort de la terre.",
    "es": "El agua del río es la lluvia que ha caído en las montañas y que sale de la tierra por los valles.",
    "pt": "A água do rio é a chuva que caiu nas montanhas e que não para de sair da terra para os vales.",
    "it": "L'acqua del fiume è la pioggia che è caduta sulle montagne e che esce dalla terra per le valli.",
    "ru": "Вода в реке — это дождь, который выпал в горах.",
    "th": "น้ำในแม่น้ำคือฝนที่ตกบนภูเขา",
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("declared", ["", "ja", "en-US"])
def test_script_and_words_decide_against_a_declaration(language: str, declared: str) -> None:
    found = identified(TEXTS[language] * 2, declared)
    assert found.code == language
    assert found.share > 0.5


def test_a_declaration_decides_where_the_text_does_not() -> None:
    assert identified("Ein Titel", "de-AT").code == "de"
    assert identified("Вода", "uk").code == "uk"
    assert identified("東京都", "ja").code == "ja"
    assert identified("東京都", "").code == "zh"
    assert identified("Tanuki 8B", "ja").code == ""
    assert identified("12345 !?", "ja").code == ""


def test_japanese_with_english_terms_is_japanese() -> None:
    assert identified("transformer は attention と feed-forward の層を交互に重ねた model です。", "").code == "ja"


def test_codes_of_three_letters_and_regions_are_known() -> None:
    assert [code_of(text) for text in ("jpn,eng", "JA_jp", "zho", "eng", "x", "")] == ["ja", "ja", "zh", "en", "", ""]
