"""Texts as vectors: by character n-grams, or by a model behind `/v1/embeddings`."""

import asyncio
import contextlib
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.errors import InputError
from tanuki_jax.client.answers import Answer
from tanuki_jax.client.client import Client
from tanuki_jax.config.endpoints import Endpoint, Requests

LONGEST = 2000
"""Characters of a document that describe it, from its beginning."""
DIMENSIONS = 64
_FEATURES = 1 << 18
_BATCH = 16
_READY = re.compile(r"http://[^ ]+:\d+/v1")
type Vectors = npt.NDArray[np.float32]
"""float32[N, D], vectors of length 1."""


def embed_ngrams(texts: Sequence[str], seed: int) -> Vectors:
    """Return latent semantic analysis of character 1- to 3-grams (Deerwester et al. 1990): tf-idf and truncated SVD."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashing = HashingVectorizer(
        analyzer="char", ngram_range=(1, 3), n_features=_FEATURES, alternate_sign=False, norm=None, dtype=np.float32
    )
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(hashing.transform([text[:LONGEST] for text in texts]))
    svd = TruncatedSVD(min(DIMENSIONS, len(texts) - 1), n_iter=4, random_state=seed)
    return _of_length_1(svd.fit_transform(weighted))


async def embed_by_endpoint(texts: Sequence[str], endpoint: Endpoint) -> Vectors:
    """Return the vectors that a server gives. InputError if a text gets none."""
    batches = [[text[:LONGEST] for text in batch] for batch in itertools.batched(texts, _BATCH)]
    async with Client([endpoint], Requests(attempt_seconds=120)) as client:
        answers = await asyncio.gather(*(client.embed(batch) for batch in batches))
    vectors: list[list[float]] = []
    for answer in answers:
        if not isinstance(answer, Answer):
            raise InputError(f"{endpoint.url} gave no embeddings: {answer}")
        vectors += answer.vectors
    return _of_length_1(np.array(vectors, np.float32))


@contextlib.contextmanager
def served(checkpoint: str) -> Iterator[Endpoint]:
    """Serve a checkpoint on this machine, in a process of its own, until the end of the block.

    InputError if the server does not start; it says why on stderr.
    """
    words = [sys.executable, "-m", "tanuki_jax.serve", "--checkpoint", checkpoint, "--port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            lines: list[str] = []
            for line in server.stderr:
                lines.append(line)
                if found := _READY.search(line):
                    break
            else:
                raise InputError(
                    f"the checkpoint cannot be served: {lines[-1].strip() if lines else 'no reason given'}"
                )
            drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)
            try:
                yield Endpoint(url=found[0])
            finally:
                drain.terminate()
                drain.wait()
        finally:
            server.terminate()


def _of_length_1(vectors: npt.NDArray[np.floating]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
