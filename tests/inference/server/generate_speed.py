"""Speed of `generate`'s loop in this process: python -m tests.inference.server.generate_speed CHECKPOINT ROWS TOKENS"""

import sys
import time
from pathlib import Path

import jax
import numpy as np

from tanuki_jax.inference.decode import decode_tokens, init_rows
from tanuki_jax.inference.load_model import load_model
from tanuki_jax.inference.sample import Sampling
from tanuki_jax.inference.text import CHUNK


def main(checkpoint: str, rows: int, tokens: int) -> None:
    """Print tokens a CPU-second, the best of several runs."""
    loaded, best = load_model(Path(checkpoint)), 0.0
    prompts = [loaded.tokenizer.encode(f"def raccoon_{row}(dog):\n    return ") for row in range(rows)]
    keys = jax.random.split(jax.random.key(0), rows)
    sampling, never = Sampling(vocabulary=loaded.tokenizer.vocabulary), (loaded.model.vocabulary,)
    for _ in range(8):
        begin = time.process_time()
        state = init_rows(loaded.parameters, prompts, tokens, loaded.model, loaded.limit)
        for _ in range(0, tokens, CHUNK):
            state = decode_tokens(
                loaded.parameters, state, keys, np.int32(CHUNK), model=loaded.model, sampling=sampling, end_ids=never
            )
            jax.device_get((state.tokens_bs, state.lengths_b, state.ended_b))
        best = max(best, rows * tokens / (time.process_time() - begin))
    print(best)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
