"""Private names of jax that this package uses, each with its reason. They work with jax 0.11.2 and 0.12.0.1.

A new version of jax may change them without notice; the tests marked `gpu_compile` then fail. (`attention/tpu.py` calls
two private functions of jax's splash attention, whose module is public.)
"""

import inspect

from jax._src.cudnn import fused_attention_stablehlo

cudnn_attention = fused_attention_stablehlo
"""cuDNN's attention of documents by offset and length; jax's public one takes a dense mask, or one length a row."""

CUDNN_SCORE_MODIFIER = (
    {"score_mod": None} if "score_mod" in inspect.signature(cudnn_attention.dot_product_attention).parameters else {}
)
"""Parameter that the primitives of `cudnn_attention` have since jax 0.12."""
