"""Table of families: a family is a file beside this one, and a row."""

from tanuki_jax.base.errors import InputError
from tanuki_jax.checkpoints.hugging_face.family import Family, features
from tanuki_jax.checkpoints.hugging_face.llama import LLAMA
from tanuki_jax.checkpoints.hugging_face.mistral import MISTRAL
from tanuki_jax.checkpoints.hugging_face.mixtral import MIXTRAL
from tanuki_jax.checkpoints.hugging_face.qwen3 import QWEN3
from tanuki_jax.checkpoints.hugging_face.tanuki import TANUKI
from tanuki_jax.config.model import Model

FAMILIES = {family.model_type: family for family in (LLAMA, MISTRAL, MIXTRAL, QWEN3, TANUKI)}
"""`model_type` -> family. No model fits two of them: each has a feature that it must have and the others have not, or,
Llama, has none."""


def family_of(model: Model) -> Family:
    """Return the family as which a model is exported. InputError if there is none, with the features that
    no family has together."""
    fitting = [family for family in FAMILIES.values() if family.fits(model)]
    if not fitting:
        raise InputError(
            f"no family of Hugging Face that we know ({', '.join(FAMILIES)}) has models with "
            f"{' and '.join(sorted(features(model)))}"
        )
    return fitting[0]
