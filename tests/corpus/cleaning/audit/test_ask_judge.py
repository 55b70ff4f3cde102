import asyncio

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.rehearsal.behaviour import Behaviour
from tanuki_jax.client.rehearsal.mock_teacher import MockTeacher
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.corpus.cleaning.audit.ask_judge import category_of, judge
from tanuki_jax.corpus.cleaning.audit.sample import Drawn
from tests.client.canned import unused_port

CATEGORIES = ("knowledge", "noise")


def labelled(behaviour: Behaviour, documents: int) -> dict[str, str]:
    """Return the labels that a mock judge gives."""
    found: dict[str, str] = {}

    async def ask() -> None:
        async with MockTeacher(behaviour, host="127.0.0.1", port=0) as teacher:
            drawn = [Drawn(f"{n}", f"文書{n}") for n in range(documents)]
            await judge(drawn, CATEGORIES, Endpoint(url=teacher.url), lambda d, label: found.update({d.id: label}))

    asyncio.run(ask())
    return found


def test_every_document_gets_a_category() -> None:
    found = labelled(Behaviour(), 20)
    assert len(found) == 20
    assert set(found.values()) <= set(CATEGORIES)


def test_a_judge_that_never_names_a_category_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_JUDGE", "secret")
    with pytest.raises(InputError, match="named no category for any of 2 documents"):
        labelled(Behaviour(key_variable="KEY_OF_THE_JUDGE"), 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"category": "noise"}', "noise"), ('{"category": "other"}', ""), ("noise", ""), ("[]", ""), ("3", "")],
)
def test_only_a_known_category_counts(text: str, expected: str) -> None:
    assert category_of(text, CATEGORIES) == expected


def test_a_judge_that_is_not_there_is_an_error_at_once() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    drawn = [Drawn(f"{n}", f"文書{n}") for n in range(200)]
    asking = judge(drawn, CATEGORIES, Endpoint(url=url), lambda *_: None, unreachable_seconds=0.3)
    with pytest.raises(InputError, match=rf"^{url}/v1 could not be connected to .*start the server, or correct"):
        asyncio.run(asyncio.wait_for(asking, 10))
