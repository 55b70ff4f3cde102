"""The log of a mock endpoint: what it was asked, and how it answered."""

import hashlib
from pathlib import Path
from typing import Any

from tanuki_jax.base.errors import InputError
from tanuki_jax.base.json_lines import encode


class RequestLog:
    """Lines of JSON in a file, or nothing. A line is written before its request is answered."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, at whose end lines are added, and make its folder if needed; None: keep no log.

        InputError if it cannot be written.
        """
        self._file = None
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("a", encoding="utf-8", errors="replace")
            except OSError as error:
                raise InputError(
                    f"the log {path} cannot be written: {(error.strerror or str(error)).lower()}"
                ) from None

    def note(self, *, seconds: float, path: str, body: Any, data: bytes, answer: str) -> None:
        """Write a line.

        Args:
            seconds: time since the start.
            path: path of the request.
            body: its JSON; None: it is none.
            data: its bytes.
            answer: fault, "answered", or "refused".
        """
        if self._file is None:
            return
        digest = hashlib.sha256(data).hexdigest()[:16]
        line = {
            "seconds": round(seconds, 3),
            "path": path,
            "id": request_id(body) or digest,
            "hash": digest,
            "stream": isinstance(body, dict) and body.get("stream") is True,
            "answer": answer,
        }
        self._file.write(encode(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def request_id(body: Any) -> str:
    """Return the id that a request carries in `metadata.id` or `user`; empty: none."""
    if not isinstance(body, dict):
        return ""
    metadata = body.get("metadata")
    identifier = metadata.get("id") if isinstance(metadata, dict) else None
    identifier = identifier or body.get("user")
    return str(identifier) if isinstance(identifier, (str, int)) and identifier else ""
