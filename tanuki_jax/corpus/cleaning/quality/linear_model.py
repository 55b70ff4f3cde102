"""A linear model of the quality of Japanese texts, and its file."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.corpus.cleaning.quality.views import BUCKETS, VIEWS, Grams, grams_of, normalized, profile_of

FORMAT = "tanuki quality 1"
"""Name and version of the file's format."""
WEIGHTINGS = (
    ("characters", "idf"),
    ("base_forms", "idf"),
    ("grammar", "idf"),
    ("characters", "ratio"),
    ("base_forms", "ratio"),
)
"""(view, weighting) of each block of n-grams. `idf` multiplies 1 + log(count) by the inverse document frequency;
`ratio` counts an n-gram once, by how differently good and bad texts use it (Wang and Manning, 2012)."""
BLOCKS = len(WEIGHTINGS) + 1
"""Number of blocks of features, each of the same length 1 / sqrt(BLOCKS): the n-grams, then the profile."""

type Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Read:
    """A text as the model reads it, before its features are weighted."""

    grams: dict[str, Grams]
    profile: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scales:
    """Numbers that turn what was read from a text into features, all learned from the training texts."""

    grams: Floats
    """Factor of each bucket in each block of n-grams, float32[blocks - 1, BUCKETS]; 0: not a feature."""
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    """Mean and standard deviation of each number of the profile."""
    directions: npt.NDArray[np.float64]
    """Random directions in the space of profiles, float64[numbers, directions]."""
    phases: npt.NDArray[np.float64]

    def features(self, read: Read) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return indices, each once, and values of the features that are not zero; the last is a constant."""
        indices, values = [], []
        for block, (view, weighting) in enumerate(WEIGHTINGS):
            buckets, counts = read.grams[view]
            value = self.grams[block, buckets]
            if weighting == "idf":
                value = value * (1 + np.log(counts))
            present = np.flatnonzero(value)
            value = value[present]
            norm = math.sqrt(float(value @ value) * BLOCKS) or 1.0
            indices.append(buckets[present] + block * BUCKETS)
            values.append((value / norm).astype(np.float32))
        # Random Fourier features (Rahimi and Recht, 2007) of a Gaussian kernel: a linear model of them can say that
        # both few and many katakana are bad, and that many digits are bad only where verbs are few.
        standard = np.clip((read.profile - self.mean) / self.deviation, -3, 3)
        waves = np.cos(standard @ self.directions + self.phases) * math.sqrt(2 / (len(self.phases) * BLOCKS))
        start = len(WEIGHTINGS) * BUCKETS
        indices.append(np.arange(start, start + len(waves) + 1))
        values.append(np.append(waves, 1.0).astype(np.float32))
        return np.concatenate(indices), np.concatenate(values)

    @property
    def size(self) -> int:
        """Number of features."""
        return len(WEIGHTINGS) * BUCKETS + len(self.phases) + 1


@dataclass(frozen=True, slots=True)
class QualityModel:
    """A model that gives a text the probability that a person would call it good."""

    scales: Scales
    weights: Floats
    """Weight of each feature, float32[features]."""
    slope: float
    offset: float
    """Probability = 1 / (1 + exp(-(slope * margin + offset))), after Platt (1999)."""

    def score(self, text: str) -> float:
        """Return the probability that the text is good."""
        return self.score_read(read_text(text))

    def score_read(self, read: Read) -> float:
        """Return the probability that a text is good which was read."""
        indices, values = self.scales.features(read)
        margin = float(self.weights[indices] @ values)
        return 1 / (1 + math.exp(-max(min(self.slope * margin + self.offset, 500), -500)))

    def save(self, path: Path) -> None:
        """Write the model as a .npz file of numpy: buckets that are not zero, with their factors and weights."""
        gram_weights = self.weights[: self.scales.grams.size].reshape(self.scales.grams.shape)
        block, bucket = np.nonzero(self.scales.grams)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                format=np.array(FORMAT),
                block=block.astype(np.uint8),
                bucket=bucket.astype(np.uint32),
                factor=self.scales.grams[block, bucket],
                weight=gram_weights[block, bucket],
                profile_weights=self.weights[self.scales.grams.size :],
                mean=self.scales.mean,
                deviation=self.scales.deviation,
                directions=self.scales.directions,
                phases=self.scales.phases,
                platt=np.array([self.slope, self.offset]),
            )


def read_text(text: str) -> Read:
    """Read a text: its n-grams in every view and its profile."""
    text, found = normalized(text)
    return Read({name: grams_of(view, text, found) for name, view in VIEWS.items()}, profile_of(text, found))


def load_model(path: Path) -> QualityModel:
    """Return the model in a file that `QualityModel.save` wrote. InputError if there is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            parts = dict(file)
        if str(parts["format"]) != FORMAT:
            raise ValueError(f"its format is {parts['format']}, not {FORMAT}")
        grams = np.zeros((len(WEIGHTINGS), BUCKETS), np.float32)
        weights = np.zeros((len(WEIGHTINGS), BUCKETS), np.float32)
        grams[parts["block"], parts["bucket"]] = parts["factor"]
        weights[parts["block"], parts["bucket"]] = parts["weight"]
        slope, offset = map(float, parts["platt"])
        scales = Scales(grams, parts["mean"], parts["deviation"], parts["directions"], parts["phases"])
        return QualityModel(scales, np.concatenate([weights.ravel(), parts["profile_weights"]]), slope, offset)
    except (OSError, ValueError, KeyError, IndexError, EOFError) as error:
        raise InputError(f"{path} holds no quality model ({error}); train one from labelled texts") from error
