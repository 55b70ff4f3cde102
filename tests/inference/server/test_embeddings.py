"""`/v1/embeddings`."""

import base64

import numpy as np

from tests.inference.server.conftest import Server

PATH = "/v1/embeddings"


def test_texts_and_ids_have_the_same_embedding_in_both_forms(server: Server) -> None:
    ids = server.served.loaded.tokenizer.encode("狸🦝")
    body = server.post(PATH, input=["狸🦝", "a"]).json
    assert [each["index"] for each in body["data"]] == [0, 1]
    assert body["usage"] == {"prompt_tokens": len(ids) + 1, "total_tokens": len(ids) + 1}
    vector = body["data"][0]["embedding"]
    assert len(vector) == 64 and server.post(PATH, input=ids).json["data"][0]["embedding"] == vector
    packed = server.post(PATH, input="狸🦝", encoding_format="base64").json["data"][0]["embedding"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(packed), "<f4"), np.array(vector, np.float32))


def test_a_text_as_long_as_the_model_is_embedded_and_a_longer_one_refused(server: Server) -> None:
    assert server.post(PATH, input=[20] * 128).status == 200
    assert server.post(PATH, input=[20] * 129).status == 400
    assert server.post(PATH, input="a", dimensions=3).json["error"]["param"] == "dimensions"
