import pytest

from tanuki_jax.corpus.cleaning.extraction.broken_lines import joined


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["川の水は山に降った雨や雪がゆっくりと地面にし", "みこみ、長い時間をかけて谷に出てきたものであ", "る。"],
            ["川の水は山に降った雨や雪がゆっくりと地面にしみこみ、長い時間をかけて谷に出てきたものである。"],
        ),
        (
            ["The water of a river has fallen on the hills as rain or", "snow and comes out of the ground slowly."],
            ["The water of a river has fallen on the hills as rain or snow and comes out of the ground slowly."],
        ),
        (["彼は「もうすぐ", "雨が降る」と言った。"], ["彼は「もうすぐ雨が降る」と言った。"]),
        (["開館は九時から（土日は", "十時から）です。"], ["開館は九時から（土日は十時から）です。"]),
    ],
)
def test_broken_sentences_are_joined(lines: list[str], expected: list[str]) -> None:
    assert joined(lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["・目の細かいざる", "・温度計（百度まで測れるもの）", "・厚手の鍋"],
        ["住所：緑川市東町一丁目", "電話：012-345-678", "営業時間：九時から五時"],
        ["古池や", "蛙飛びこむ", "水の音"],
        ["一つ目の文はここで終わります。これで二十字をこえました。", "二つ目の文もここで終わります。"],
        ["Roses are red,", "violets are blue,", "sugar is sweet", "and so are you"],
        ["「閉じない括弧で始まる行", "次の行", "その次の行"],
        [":) と書いた人がいました", "次の行"],
        [],
        ["一行"],
    ],
)
def test_lines_that_belong_on_their_own_stay(lines: list[str]) -> None:
    assert joined(lines) == lines
