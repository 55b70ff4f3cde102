"""`/tokenizer_info`, `/tokenize`, `/detokenize`."""

from tests.inference.server.conftest import Server


def test_tokens_go_back_and_forth(server: Server) -> None:
    text = "狸が🦝 住んで\n"
    ids = server.post("/tokenize", prompt=text).json
    assert ids["tokens"] == server.served.loaded.tokenizer.encode(text) and ids["count"] == len(ids["tokens"])
    assert server.post("/detokenize", tokens=ids["tokens"]).json == {"prompt": text}
    assert server.post("/detokenize", tokens=[400]).status == 400
    assert server.post("/tokenize").status == 400


def test_special_tokens_and_template_are_named(server: Server) -> None:
    info = server.get("/tokenizer_info").json
    assert info["eos_token"] == "</s>" and info["vocab_size"] == 384
    assert "messages" in info["chat_template"]


def test_the_name_of_a_special_token_alone_is_its_id(server: Server) -> None:
    assert server.post("/tokenize", prompt="<EOD>").json["tokens"] == [6]
    assert 6 not in server.post("/tokenize", prompt="<EOD> ").json["tokens"]
