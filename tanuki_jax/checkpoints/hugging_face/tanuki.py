"""Tanuki-8x8B: a Mixtral whose router logits are standardized, which transformers runs by `modeling_tanuki.py`."""

from pathlib import Path
from typing import Any

from tanuki_jax.checkpoints.hugging_face.family import Family
from tanuki_jax.checkpoints.hugging_face.mixtral import DEFAULTS, NAMES, read_experts, write_experts
from tanuki_jax.config.model import Model

_CODE = Path(__file__).with_name("modeling_tanuki.py")


def _write(model: Model) -> dict[str, Any]:
    classes = {"AutoConfig": "TanukiConfig", "AutoModelForCausalLM": TANUKI.architecture}
    return write_experts(model) | {"auto_map": {auto: f"{_CODE.stem}.{name}" for auto, name in classes.items()}}


TANUKI = Family(
    model_type="Tanuki",
    architecture="TanukiForCausalLM",
    names=NAMES,
    required=frozenset({"experts", "router_logits"}),
    optional=frozenset({"tied", "explicit_head_dim", "rope_scaling"}),
    defaults=DEFAULTS,
    must_be={"sliding_window": (None,)},
    read=lambda fields: {**fields.head_dim(), **read_experts(fields), "router_logits": "standardized"},
    write=_write,
    code=_CODE,
)
