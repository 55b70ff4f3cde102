import pytest

from tanuki_jax.corpus.cleaning.draft import Draft
from tanuki_jax.corpus.cleaning.rules.pii import CARD, EMAIL, IP_ADDRESS, PHONE, POST_CODE, Pii


def masked(text: str) -> str:
    draft = Draft("a", text)
    assert Pii().apply(draft) == ""
    return draft.text


@pytest.mark.parametrize(
    ("replacement", "values"),
    [
        (EMAIL, ["taro.yamada+news@mail.example.co.jp", "a_b-c@example.org", "info＠example.jp"]),
        (
            PHONE,
            [
                "03-1234-5678", "(03)1234-5678", "（03）1234-5678", "03(1234)5678", "０３－１２３４－５６７８",
                "0123-45-6789",
                "045 123 4567", "090-1234-5678", "09012345678", "080‐1234‐5678", "050ー1234ー5678", "0120-123-456",
                "0800-123-4567", "+81-3-1234-5678", "+81 90-1234-5678", "+81(0)3-1234-5678", "03.1234.5678",
            ],
        ),
        (POST_CODE, ["〒123-4567", "〒 1234567", "〒１２３－４５６７"]),
        (IP_ADDRESS, ["8.8.8.8", "203.104.209.71", "2400:4050:1234:5678:abcd:ef01:2345:6789", "2400:4050:1234::1"]),
        (CARD, ["4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "3782 822463 10005"]),
        (CARD, ["378282246310005"]),
    ],
)  # fmt: skip
def test_each_form_is_masked_within_its_sentence(replacement: str, values: list[str]) -> None:
    for value in values:
        assert masked(f"連絡先は{value}です。") == f"連絡先は{replacement}です。", value
        assert masked(f"（{value}）\n") == f"（{replacement}）\n", value
        assert masked(masked(value)) == replacement


def test_numbers_without_dashes_are_masked_behind_their_word() -> None:
    assert masked("TEL：0312345678 FAX 0312345679") == f"TEL：{PHONE} FAX {PHONE}"
    assert masked("番号0312345678") == "番号0312345678"


@pytest.mark.parametrize(
    "text",
    [
        "2019年10月22日", "2019-10-22", "2019/10/22 12:34:56", "01-02-2019", "平成30年1月27日", "09:30-10:45",
        "1,234,567円", "¥12,800(税込)", "0.12345678", "3.14159265358979", "10,000-20,000円",
        "ISBN 978-4-00-310101-8", "ISBN4-00-310101-4", "978-0-201-53082-7", "0-201-53082-1", "9784003101018",
        "JAN 4901234567894", "4512345678901", "ISSN 0123-4567", "JIS X 0208-1990", "No. 0123-4567-89012",
        "192.168.0.1", "127.0.0.1", "10.0.0.255", "バージョン 1.2.3.4", "v8.8.8.8", "999.1.2.3", "1.2.3.4.5",
        "4111 1111 1111 1112", "1234 5678 9012 3456", "20190122123456", "@taro", "a@b", "猫@家", "12:34:56:78",
        "郵便番号は7桁です", "東京都港区芝公園4-2-8", "注文番号 20190312-0312-3456", "座標 35.6585805,139.7454329",
    ],
)  # fmt: skip
def test_dates_prices_and_numbers_of_books_stay(text: str) -> None:
    assert masked(text) == text
    assert masked(f"これは{text}です。") == f"これは{text}です。"
