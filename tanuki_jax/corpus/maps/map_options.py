"""Options of `clean map`."""

import dataclasses

from tanuki_jax.config.limits import PositiveInt, Seed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Map:
    """Draw samples of corpora as points, close to each other where their texts are alike, and measure how they mix.

    The first 2,000 characters describe a text.
    """

    corpora: tuple[str, ...]
    """NAME=FILES for each corpus, two to seven of them; FILES is one file of documents, or a glob in quotes. Each one
    after the second is also described as a mixture of the first two."""
    out: str
    """Folder for the page and the picture; made if needed."""
    count: PositiveInt = 2000
    """Number of documents in each sample; all of them if a corpus has fewer."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""
    endpoint: str = ""
    """Address of an OpenAI-compatible server whose /v1/embeddings describes the texts; empty, and without
    --checkpoint: their character n-grams do, without a model."""
    endpoint_model: str = ""
    """Name of the server's model; empty: the one that it serves."""
    checkpoint: str = ""
    """Checkpoint of tanuki_jax whose embeddings describe the texts, instead of --endpoint; it is served meanwhile."""
    seed: Seed = 0
    """Seed of samples, picture and numbers."""
