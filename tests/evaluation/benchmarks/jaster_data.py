"""Items in the layouts of the public files, written by hand."""

import json
from pathlib import Path


def write_lines(path: Path, *rows: dict[str, object]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_jcommonsenseqa(data: Path, count: int = 3) -> None:
    """Write items whose right option is that of their number, and as many examples."""
    for name in ("valid", "train"):
        rows: list[dict[str, object]] = [
            {"q_id": number, "question": f"{name}の{number}番はどれ？", "label": number % 5}
            | {f"choice{label}": f"{'あいうえお'[label]}の札" for label in range(5)}
            for number in range(count)
        ]
        write_lines(data / "jcommonsenseqa" / f"jcommonsenseqa-{name}-v1.3.json", *rows)
