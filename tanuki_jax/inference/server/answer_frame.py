"""Fields around the choices of every answer, and of every event of one."""

import time
import uuid
from collections.abc import Sequence
from typing import Any

from tanuki_jax.inference.server.requests import ChatRequest, CompletionRequest
from tanuki_jax.inference.server.served_model import ServedModel


class AnswerFrame:
    """Fields that are the same in all parts of an answer.

    Attributes:
        served: the model that answers.
        includes_usage: whether a stream ends with the counts of tokens.
    """

    def __init__(self, served: ServedModel, body: ChatRequest | CompletionRequest, kind: str) -> None:
        """
        Args:
            served: the model that answers.
            body: the request.
            kind: beginning of the answer's id.
        """
        self.served, self.includes_usage = served, bool(body.stream_options and body.stream_options.include_usage)
        self._id, self._created = f"{kind}-{uuid.uuid4().hex}", int(time.time())

    def around(self, choices: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
        """Return an answer, or an event, of the type `name` with these choices."""
        return {
            "id": self._id,
            "object": name,
            "created": self._created,
            "model": self.served.name,
            "system_fingerprint": self.served.fingerprint,
            "choices": choices,
        }
