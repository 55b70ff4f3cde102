"""NFKC of many texts, compared with Python's."""

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tanuki_jax.corpus.coverage.normalized_batch import normalized

MIXED = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("ｱﾘｶﾞｽはば゛ﾞ\u3099\u0301\u0327eoé…‥㎡ＡＢ１㍻ﷺ각각\u09be\u09c7①½"),
    ),
    max_size=12,
)


@given(st.lists(MIXED, max_size=5))
def test_each_text_is_what_nfkc_makes_of_it(texts: list[str]) -> None:
    batch = normalized(texts)
    found = [
        batch.codes[start : stop - 1].tobytes().decode("utf-32-le")
        for start, stop in zip(batch.starts[:-1], batch.starts[1:], strict=True)
    ]
    assert found == [unicodedata.normalize("NFKC", text) for text in texts]
    assert (batch.codes[batch.starts[1:] - 1] == 0).all()


def test_a_lone_surrogate_is_replaced() -> None:
    assert normalized(["a\udc00"]).codes.tolist() == [ord("a"), 0xFFFD, 0]


def test_every_character_alone_is_what_nfkc_makes_of_it() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    found = normalized(characters).codes
    expected = "".join(unicodedata.normalize("NFKC", character) + "\0" for character in characters)
    np.testing.assert_array_equal(found, np.frombuffer(expected.encode("utf-32-le"), np.uint32))
