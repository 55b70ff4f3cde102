"""Drop texts that are too short or too long."""

from dataclasses import dataclass

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.limits import NonNegativeInt, PositiveInt, check_fields
from tanuki_jax.corpus.synthesis.made import Made


@dataclass(frozen=True, kw_only=True)
class WrittenLength:
    """Drop texts with too few or too many characters, white space left out, as the rule `length` of `clean` does."""

    shortest: NonNegativeInt = 30
    """Least number of characters."""
    longest: PositiveInt = 20_000
    """Greatest number of characters."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.shortest > self.longest:
            raise InputError(f"shortest is {self.shortest}, and must be at most longest ({self.longest})")

    def reason(self, made: Made) -> str:
        """Return why the record is dropped; empty: it is kept."""
        length = sum(map(len, made.written.split()))
        if length < self.shortest:
            return "too short"
        return "too long" if length > self.longest else ""
