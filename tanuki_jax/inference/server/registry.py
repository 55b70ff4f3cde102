"""Models of a server by name, and what all endpoints need of them."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from tanuki_jax.inference.server.errors import ApiError
from tanuki_jax.inference.server.metrics import Metrics
from tanuki_jax.inference.server.served_model import ServedModel

LONG_TEXT = 20_000
"""Characters from which on a text is encoded in another thread, so that other requests do not wait for it."""


class Registry:
    """Models of a server.

    Attributes:
        models: by name, the default one first.
        metrics: counts of all requests.
        most_tokens: most new tokens of an answer; 0: as many as the model has room for.
    """

    def __init__(self, models: Iterable[ServedModel], *, most_tokens: int) -> None:
        """
        Args:
            models: the default one first.
            most_tokens: most new tokens of an answer; 0: as many as the model has room for.
        """
        self.most_tokens = most_tokens
        self.models = {served.name: served for served in models}
        self.metrics = Metrics(self.models)

    def find(self, name: str | None, *, chats: bool = False) -> ServedModel:
        """Return a model by name; without a name the first one, or for chats the first that has a chat template.

        ApiError if there is none, or it has failed.
        """
        models = [*self.models.values()]
        fitting = [served for served in models if served.chats or not chats] or models
        served = self.models.get(name) if name else fitting[0]
        if served is None:
            known = ", ".join(self.models)
            message = f"there is no model {name!r:.100}; this server has {known}"
            raise ApiError(404, message, param="model", code="model_not_found")
        if served.failed:
            raise ApiError(503, f"the model {served.name} ended with an error; the server must be restarted")
        return served

    async def prompts(self, served: ServedModel, texts: str | Sequence[Any], param: str) -> list[list[int]]:
        """Return the ids of one or several texts or lists of ids. ApiError if an id is not in the vocabulary."""
        several: Sequence[Any] = [texts] if isinstance(texts, str) or isinstance(texts[0], int) else texts
        for prompt in several:
            if not isinstance(prompt, str):
                self.require_ids(served, prompt, param)
        if sum(len(prompt) for prompt in several) > LONG_TEXT:
            return await asyncio.to_thread(_ids, served, several)
        return _ids(served, several)

    async def encode(self, served: ServedModel, text: str) -> list[int]:
        """Return the ids of a text, without such that begin it."""
        encode = served.loaded.tokenizer.encode
        return await asyncio.to_thread(encode, text) if len(text) > LONG_TEXT else encode(text)

    def require_ids(self, served: ServedModel, ids: Sequence[int], param: str) -> None:
        """Raise ApiError if an id is not in the vocabulary."""
        vocabulary = served.loaded.tokenizer.vocabulary
        wrong = next((id for id in ids if id >= vocabulary), None)
        if wrong is not None:
            message = f"{param}: the id {wrong} is not below {vocabulary}, the size of the vocabulary"
            raise ApiError(400, message, param=param)


def _ids(served: ServedModel, prompts: Sequence[str | Sequence[int]]) -> list[list[int]]:
    """Return the ids of texts, and lists of ids as they are. An empty text begins behind another document."""
    begin, encode, end = served.loaded.bos, served.loaded.tokenizer.encode, served.loaded.tokenizer.eod
    return [([*begin, *encode(text)] or [end]) if isinstance(text, str) else [*text] for text in prompts]
