"""Server-sent events, in which servers stream (HTML Standard, section 9.2)."""


class EventBuffer:
    """Bytes of a stream in pieces of any size, as the data of its events."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # joined at the end of their line only, or a long line would take quadratic time
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that a piece completes. A line end is LF or CR LF."""
        first, *others = piece.split(b"\n")
        self._rest.append(first)
        if not others:
            return []
        lines, self._rest = [b"".join(self._rest), *others[:-1]], others[-1:]
        events = []
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return events
