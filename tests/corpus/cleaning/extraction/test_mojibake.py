import pytest

from tanuki_jax.corpus.cleaning.extraction.mojibake import is_mojibake, repaired

TEXT = "<p>夕立のあとの道を、自転車がゆっくりと走っていく。</p>\n<p>虹が出た。</p>"


@pytest.mark.parametrize("right", ["utf-8", "cp932", "euc_jp"])
def test_text_read_as_latin_is_repaired(right: str) -> None:
    assert repaired(TEXT.encode(right).decode("latin-1")) == TEXT


def test_published_examples_of_mojibake_are_seen() -> None:
    assert repaired("æ–‡å­—åŒ–ã‘ã¯ã“ã‚ã„") == "文字化けはこわい" or is_mojibake("æ–‡å­—åŒ–ã‘ã¯ã“ã‚ã„")
    assert is_mojibake("譁�蟄怜喧縺代�ｯ縺薙ｏ縺�繧医��")
    assert is_mojibake("�����͂��킢�B�����͂��킢�B")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "Le café « Âme » a été fermé ; l’œuvre coûte 5 €. Ça alors, déjà ?",
        "Größe 5 ¤ und 3 ¥, ‚so‘ sagte er.",
        "São João não é à toa: ação, coração, avó.",
        "ﾃﾞｰﾀは､ﾌｧｲﾙと､ﾌｫﾙﾀﾞです｡半角の文字が､多い文章です｡",
        "糸が縺れる。繧繝彩色の文様。繝という字はめずらしい。" + "それでもこれは正しい文章です。" * 10,
        "\ufffd一文字だけ失われた文章は、文字化けとはいわない。",
    ],
)
def test_sound_text_is_left_alone(text: str) -> None:
    assert repaired(text) == text
    assert not is_mojibake(text)


def test_a_repair_leaves_sound_parts_alone() -> None:
    broken = "虹が出た。".encode().decode("latin-1")
    assert repaired(f"正しい行。\n{broken}\n") == "正しい行。\n虹が出た。\n"
