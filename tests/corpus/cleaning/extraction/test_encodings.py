import codecs

import pytest

from tanuki_jax.corpus.cleaning.extraction.encodings import declared_language, decode, decode_file

TEXT = "<p>古い家の縁側で、猫が二匹ならんで昼寝をしている。</p>"


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp932", "cp932"), ("euc_jp", "euc_jp"), ("iso2022_jp", "iso2022_jp"), ("utf-8", "utf-8")]
)
@pytest.mark.parametrize("declared", ["", "utf-8", "x-sjis", "EUC-JP", "iso-8859-1", "gb2312", "nonsense", "utf-16"])
def test_japanese_is_decoded_whatever_is_declared(encoding: str, name: str, declared: str) -> None:
    header = f"text/html; charset={declared}" if declared else "text/html"
    decoded = decode(TEXT.encode(encoding), header)
    assert (decoded.text, decoded.encoding) == (TEXT, name)


@pytest.mark.parametrize(
    ("encoding", "text", "declared"),
    [
        ("cp1252", "<p>Le café où l’été s’achève déjà, près de la forêt.</p>", "windows-1252"),
        ("cp1252", "<p>Größe und Höhe für jede Tür müssen geprüft werden.</p>", ""),
        ("gb18030", "<p>这是一个关于城市里的树的故事，我们在那里住了十年。</p>", "gb2312"),
        ("gb18030", "<p>这是一个关于城市里的树的故事，我们在那里住了十年。</p>", ""),
        ("big5", "<p>這是一個關於城市裡的樹的故事，我們在那裡住了十年。</p>", "big5"),
        ("cp949", "<p>이것은 도시의 나무에 관한 이야기입니다.</p>", "euc-kr"),
        ("cp1251", "<p>Это рассказ о деревьях большого города.</p>", "windows-1251"),
        ("koi8-r", "<p>Это рассказ о деревьях большого города.</p>", "koi8-r"),
    ],
)
def test_other_languages_keep_their_encodings(encoding: str, text: str, declared: str) -> None:
    if not declared and encoding == "cp1252":
        declared = "latin1"
    decoded = decode(text.encode(encoding), f"text/html; charset={declared}" if declared else "")
    assert decoded.text == text
    assert decoded.guessed == (not declared)


def test_a_declaration_is_read_from_header_meta_or_xml() -> None:
    page = TEXT.encode("euc_jp")
    assert decode(page, 'text/html; charset="euc-jp"').guessed is False
    assert decode(b"<meta charset=euc-jp>" + page).guessed is False
    assert decode(b'<META HTTP-EQUIV=Content-Type CONTENT="text/html; charset=EUC-JP">' + page).guessed is False
    assert decode(b'<?xml version="1.0" encoding="EUC-JP"?>' + page).guessed is False
    assert decode(page).guessed is True
    assert decode(b"<meta charset=utf-8>" + page).guessed is True


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_decides(mark: bytes, encoding: str) -> None:
    assert decode(mark + TEXT.encode(encoding), "text/html; charset=shift_jis").text == TEXT


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_zeros(encoding: str) -> None:
    page = f"<html><body class='a'>{TEXT}</body></html>"
    assert decode(page.encode(encoding)).text == page


def test_signs_of_vendors_are_the_same_characters_in_every_encoding() -> None:
    signs = "①②Ⅳ㈱№〜‖−と本文がつづく"
    expected = f"<p>{signs}</p>"
    assert decode("<p>①②Ⅳ㈱№～∥－と本文がつづく</p>".encode("cp932")).text == expected
    assert decode(expected.encode("euc_jis_2004")).text == expected
    jis = b'<p>\x1b$B-!-"-8-j-b!A!B!]$HK\\J8$,$D$E$/\x1b(B</p>'
    assert decode(jis).text == expected


def test_half_width_katakana_of_iso_2022_jp_are_read() -> None:
    assert decode(b'<p>\x1b(I1223\x1b(B abc \x1b$B$"\x1b(B</p>').text == "<p>ｱｲｲｳ abc あ</p>"


def test_bytes_that_are_lost_are_marked_and_do_not_change_the_encoding() -> None:
    page = (TEXT * 5).encode()[:-6]
    decoded = decode(page + b"\xff</p>", "text/html; charset=shift_jis")
    assert decoded.encoding == "utf-8"
    assert decoded.text.startswith(TEXT) and "\ufffd" in decoded.text


@pytest.mark.parametrize(
    ("page", "language"),
    [
        ("<html lang=ja-JP>", "ja"),
        ('<html class="a" xml:lang="EN">', "en"),
        ('<meta http-equiv="Content-Language" content="zh, en">', "zh"),
        ('<meta property="og:locale" content="fr_FR">', "fr"),
        ("<p>ja</p>", ""),
    ],
)
def test_the_declared_language_has_no_region(page: str, language: str) -> None:
    assert declared_language(page) == language


PLAIN = "古い家の縁側で、猫が二匹ならんで昼寝をしている。\n遠くから、夕方のチャイムが聞こえた。\n"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *(("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("cp932", "cp932"), ("euc_jp", "euc_jp")),
        *(
            ("iso2022_jp", "iso2022_jp"),
            ("utf-16", "utf-16-le"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
        ),
    ],
)
def test_a_text_file_is_read_in_every_japanese_encoding(encoding: str, name: str) -> None:
    decoded = decode_file(PLAIN.encode(encoding))
    assert decoded is not None
    assert (decoded.text, decoded.encoding) == (PLAIN, name)


def test_a_text_file_of_ascii_is_read_in_both_kinds_of_utf_16() -> None:
    for name in ("utf-16-le", "utf-16-be"):
        decoded = decode_file("A tree in the city.\n".encode(name))
        assert decoded is not None
        assert (decoded.text, decoded.encoding) == ("A tree in the city.\n", name)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Le café où l’été s’achève déjà, près de la forêt."),
        ("gb18030", "这是一个关于城市里的树的故事，我们在那里住了十年。"),
        ("big5", "這是一個關於城市裡的樹的故事，我們在那裡住了十年。"),
        ("cp949", "이것은 도시의 나무에 관한 이야기입니다. ㅋㅋㅋ ㅋㅋ ㅠㅠ"),
        ("cp1251", "Это рассказ о деревьях большого города."),
        ("koi8-r", "Это рассказ о деревьях большого города."),
        ("euc_jp", "東京都千代田区丸之内一丁目"),
        ("cp932", "ｶﾅ"),
    ],
)
def test_a_text_file_whose_encoding_is_not_certain_is_not_read(encoding: str, text: str) -> None:
    assert decode_file(text.encode(encoding)) is None


def test_a_damaged_text_file_is_not_read_in_another_encoding() -> None:
    content = PLAIN.encode()
    assert decode_file(content[:40] + b"\xff" + content[40:]) is None
    assert decode_file(b"\xff\xfe" + PLAIN.encode("utf-16-le")[:-1]) is None
    assert decode_file("\ufeffab".encode("utf-32-le")) is None
    assert decode_file(PLAIN.encode("iso2022_jp").replace(b"\x1b(B", b"\x1b(X")) is None
    assert decode_file(b"\xff\x00\x10" * 50) is None
