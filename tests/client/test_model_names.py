"""Names of the models, asked for before anything is paid."""

from collections.abc import Iterator

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.model_names import model_name
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.config.remote_model import RemoteModel
from tests.corpus.cleaning.endpoints import in_a_thread, mock_teacher, replying


@pytest.fixture(scope="module")
def two() -> Iterator[str]:
    """Return the address of a server of two models."""
    with in_a_thread(mock_teacher(Behaviour(models=("large", "small")))) as url:
        yield url


def test_the_only_model_needs_no_name() -> None:
    with in_a_thread(mock_teacher(Behaviour(models=("alone",)))) as url:
        assert model_name(RemoteModel(urls=(url, url)), "teacher") == "alone"


def test_one_of_several_models_must_be_named(two: str) -> None:
    assert model_name(RemoteModel(urls=(two,), model="small"), "teacher") == "small"
    with pytest.raises(InputError, match=r"lists 2 models \(large, small\): name one by --judge.model"):
        model_name(RemoteModel(urls=(two,)), "judge")
    with pytest.raises(InputError, match="has no model 'smal'; the nearest is 'small'"):
        model_name(RemoteModel(urls=(two,), model="smal"), "teacher")


def test_servers_of_different_models_are_refused() -> None:
    with (
        in_a_thread(mock_teacher(Behaviour(models=("a",)))) as one,
        in_a_thread(mock_teacher(Behaviour(models=("b",)))) as other,
        pytest.raises(InputError, match="serve different models, a and b"),
    ):
        model_name(RemoteModel(urls=(one, other)), "teacher")


def test_a_server_without_a_list_must_be_told_the_name() -> None:
    with in_a_thread(replying(lambda prompt: ("", None))) as url:
        assert model_name(RemoteModel(urls=(url,), model="m"), "teacher") == "m"
        with pytest.raises(InputError, match=r"--teacher.urls: .* answered 404"):
            model_name(RemoteModel(urls=(url,)), "teacher")


def test_a_wrong_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGHT_KEY", "right")
    monkeypatch.setenv("WRONG_KEY", "wrong")
    with in_a_thread(mock_teacher(Behaviour(key_variable="RIGHT_KEY"))) as url:
        assert model_name(RemoteModel(urls=(url,), key_variable="RIGHT_KEY"), "teacher") == "rehearsal"
        with pytest.raises(InputError, match="401"):
            model_name(RemoteModel(urls=(url,), key_variable="WRONG_KEY"), "teacher")


def test_an_address_without_a_server_is_said_soon() -> None:
    with pytest.raises(InputError, match=r"^--teacher.urls: http://127\.0\.0\.1:9/v1 could not be [^;]+$"):
        model_name(RemoteModel(urls=("http://127.0.0.1:9",)), "teacher", patience=0.5)
