"""Config of a model that answers requests: where it is served, under which terms, and what it costs."""

import dataclasses

from tanuki_jax.base.errors import InputError
from tanuki_jax.config.endpoints import Endpoint
from tanuki_jax.config.limits import NonNegativeFloat, PositiveInt, check_fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemoteModel:
    """A model behind one or several servers with OpenAI's protocol."""

    urls: tuple[str, ...] = ()
    """Addresses of servers of the model, such as http://localhost:8000/v1."""
    model: str = ""
    """Name of the model; empty: the only one that the servers list."""
    key_variable: str = ""
    """Environment variable that holds the API key; empty: the servers want none."""
    concurrency: PositiveInt = 64
    """Most requests in flight at each address, of one task; fewer are sent while a server is overloaded."""
    input_price: NonNegativeFloat = 0.0
    """Price of a million input tokens."""
    output_price: NonNegativeFloat = 0.0
    """Price of a million output tokens."""
    terms: str = ""
    """Licence or terms of use under which the model's outputs stand, for the dataset card."""

    def __post_init__(self) -> None:
        check_fields(self, prefix="remote_model.")

    def endpoints(self, option: str) -> tuple[Endpoint, ...]:
        """Return the endpoints. InputError if no address is named, or one is none.

        Args:
            option: name of this teacher's options, as in "teacher".
        """
        if not self.urls:
            raise InputError(f"no model is named: give its address by --{option}.urls http://HOST:PORT/v1")
        try:
            return tuple(self._endpoint(url) for url in self.urls)
        except InputError as error:
            raise InputError(f"--{option}.urls: {error}") from None

    def _endpoint(self, url: str) -> Endpoint:
        return Endpoint(
            url=url,
            model=self.model,
            key_variable=self.key_variable,
            concurrency=self.concurrency,
            input_price=self.input_price,
            output_price=self.output_price,
        )

    def price(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of some tokens."""
        return (input_tokens * self.input_price + output_tokens * self.output_price) / 1e6
