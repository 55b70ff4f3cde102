"""Speed of `generate` in this process: python -m tests.inference.server.generate_speed CHECKPOINT ROWS TOKENS"""

import dataclasses
import sys
import time
from pathlib import Path

from tanuki_jax.inference.engine.job import Job, Sampling
from tanuki_jax.inference.engine.run_jobs import engine_for, run_jobs
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.inference.text import encode_text, jobs_for


def main(checkpoint: str, rows: int, tokens: int) -> None:
    """Print tokens a CPU-second, prompts and texts included, the best of several runs."""
    loaded, best = load_model(Path(checkpoint)), 0.0
    loaded = dataclasses.replace(loaded, end_ids=(loaded.model.vocabulary,))
    texts = [f"def raccoon_{row}(dog):\n    return " for row in range(rows)]

    def jobs() -> list[Job]:
        return jobs_for(loaded, [encode_text(loaded, text) for text in texts], Sampling(tokens=tokens))

    engine = engine_for(loaded, jobs(), rows=rows)
    for run in range(9):
        begin = time.process_time()
        run_jobs(engine, jobs())
        if run:  # the first one compiles
            best = max(best, rows * tokens / (time.process_time() - begin))
    print(best)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
