"""Settings of Muon."""

import dataclasses

from tanuki_jax.config.limits import NonNegativeFloat, PositiveFloat, PositiveInt, Share


@dataclasses.dataclass(frozen=True, kw_only=True)
class Muon:
    """Muon (Jordan et al. 2024) for the matrices of layers, Adam for all other parameters, after clipping by
    global norm."""

    momentum: Share = 0.95
    """Decay of the momentum of matrices."""
    newton_schulz_steps: PositiveInt = 5
    """Iterations that orthogonalise a matrix."""
    consistent_rms: PositiveFloat = 0.2
    """Root mean square of a matrix's direction, about; .2 is that of AdamW (Liu et al. 2025, section 2.2)."""
    b1: Share = 0.9
    """Decay of Adam's first moment."""
    b2: Share = 0.95
    """Decay of Adam's second moment."""
    epsilon: PositiveFloat = 1e-8
    """Number added to the root of Adam's second moment."""
    weight_decay: NonNegativeFloat = 0.1
    """Decay of every matrix, times the learning rate; norms are not decayed."""
    clip_norm: PositiveFloat = 1.0
    """Largest global norm of the gradient."""
