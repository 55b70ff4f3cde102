from pathlib import Path

from tanuki_jax.base.freed_memory import return_freed_memory


def anonymous_bytes() -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


def test_memory_that_was_freed_between_other_memory_is_returned() -> None:
    kept = [bytearray(b"x") * 50_000 for _ in range(2_000)]
    del kept[::2]
    before = anonymous_bytes()
    return_freed_memory()
    assert anonymous_bytes() < before - 30_000_000 and len(kept) == 1_000
