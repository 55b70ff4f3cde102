"""Options of `clean map`."""

import dataclasses

from tanuki_jax.config.limits import PositiveInt, Seed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Map:
    """Draw samples of corpora as points, close to each other where their texts are alike, and measure how they mix."""

    corpora: tuple[str, ...]
    """NAME=FILES for each corpus, at least two: files of documents or a glob. A third one is also described as a
    mixture of the first two."""
    out: str
    """Folder for the page and the picture; made if needed."""
    count: PositiveInt = 2000
    """Documents of each sample."""
    text_field: str = "text"
    """Field of JSON lines and Parquet rows that holds the text."""
    endpoint: str = ""
    """Address of an OpenAI-compatible server whose /v1/embeddings describes the texts; empty: character n-grams do,
    without a model."""
    endpoint_model: str = ""
    """Name of the server's model; empty: the one that it serves."""
    checkpoint: str = ""
    """Checkpoint of ours that describes the texts, instead of --endpoint."""
    seed: Seed = 0
    """Seed of samples, picture and numbers."""
