"""Bodies of requests, with their limits. Fields that are not listed are ignored, as OpenAI's clients expect."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tanuki_jax.inference.engine.job import MOST_ALTERNATIVES

MOST_CHOICES = 128
"""Most answers to one prompt."""
MOST_STOPS = 16
"""Most stop strings."""
LONGEST_STOP = 200
"""Most characters of a stop string."""
MOST_PROMPTS = 1024
"""Most prompts, or texts to embed, in one request."""
MOST_IDS = 200_000
"""Most ids of a text."""
MOST_TOOLS = 128
"""Most functions that a model may call, as OpenAI's."""
MOST_MESSAGES = 4096
"""Most turns of a conversation, and most parts of a turn."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Penalty = Annotated[Finite, Field(ge=-2, le=2)]
Id = Annotated[int, Field(ge=0, lt=2**31)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS, fail_fast=True)]
Texts = (
    str
    | Ids
    | Annotated[list[str], Field(min_length=1, max_length=MOST_PROMPTS, fail_fast=True)]
    | Annotated[list[Ids], Field(min_length=1, max_length=MOST_PROMPTS, fail_fast=True)]
)
Stop = Annotated[str, Field(max_length=LONGEST_STOP)]
Name = Annotated[str, Field(max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class StreamOptions(_Body):
    """Options of a stream."""

    include_usage: bool | None = Field(default=None, description="Whether a last event carries the counts of tokens.")


class JsonSchema(_Body):
    """A named JSON schema."""

    name: Name | None = None
    schema_: dict[str, Any] = Field(default_factory=dict, alias="schema")
    strict: bool | None = None


class ResponseFormat(_Body):
    """Form of an answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = Field(default=None, description="Needed by the type json_schema.")


NOT_SUPPORTED = Field(default=None, description="Not supported; see response_format.")


class _Generation(_Body):
    """Fields of both kinds of completions."""

    model: Name | None = Field(default=None, description="Name of a served model; the first one if it is left out.")
    n: Annotated[int, Field(ge=1, le=MOST_CHOICES)] | None = Field(default=None, description="Answers to each prompt.")
    seed: Annotated[int, Field(ge=-(2**63), lt=2**64)] | None = Field(
        default=None, description="With a seed, a sampled answer is the same each time."
    )
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS, fail_fast=True)] | None = Field(
        default=None, description="Strings before which an answer ends; the first place in the text counts."
    )
    stream: bool | None = Field(default=None, description="Whether the answer comes as server-sent events.")
    stream_options: StreamOptions | None = Field(default=None, description="Options of a stream.")
    temperature: Annotated[Finite, Field(ge=0, le=100)] | None = Field(
        default=None, description="Divisor of the logits, 1 if it is left out; 0: the most probable token each time."
    )
    top_p: Annotated[Finite, Field(ge=0, le=1)] | None = Field(
        default=None, description="Share of the probability whose most probable tokens are sampled from."
    )
    top_k: Annotated[int, Field(ge=-1, lt=2**31)] | None = Field(
        default=None, description="Number of the most probable tokens to sample from; 0 or -1: all."
    )
    min_p: Annotated[Finite, Field(ge=0, le=1)] | None = Field(
        default=None, description="Least probability of a token, relative to the most probable one."
    )
    presence_penalty: Penalty | None = Field(
        default=None, description="Subtracted from the logits of tokens that the answer contains."
    )
    frequency_penalty: Penalty | None = Field(
        default=None, description="Subtracted from the logits of tokens for each time that the answer contains them."
    )
    repetition_penalty: Annotated[Finite, Field(ge=0.01, le=100)] | None = Field(
        default=None, description="Divisor of the logits of tokens that prompt or answer contain."
    )
    logit_bias: Annotated[dict[str, Annotated[Finite, Field(ge=-100, le=100)]], Field(max_length=1024)] | None = Field(
        default=None, description="Id of a token -> what is added to its logit."
    )
    response_format: ResponseFormat | None = Field(
        default=None, description="Form of the answer: text, any JSON object, or JSON of a schema."
    )
    guided_json: None = NOT_SUPPORTED
    guided_regex: None = NOT_SUPPORTED
    guided_choice: None = NOT_SUPPORTED
    guided_grammar: None = NOT_SUPPORTED
    structured_outputs: None = NOT_SUPPORTED


class FunctionTool(_Body):
    """A function that the model may call, as the chat template reads it."""

    model_config = ConfigDict(extra="allow")
    type: Literal["function"] = "function"
    function: dict[str, Any]


class ChatMessage(_Body):
    """One turn of a conversation."""

    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(description="Speaker.")
    content: str | Annotated[list[dict[str, Any]], Field(max_length=MOST_MESSAGES, fail_fast=True)] | None = Field(
        default=None, description="A text, or a list of parts of a text."
    )


Messages = Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES, fail_fast=True)]


class ChatRequest(_Generation):
    """A conversation to answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "狸は何を食べますか。"}], "max_tokens": 50}]
        }
    )

    messages: Messages = Field(description="The turns so far, oldest first.")
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most tokens of an answer; at most what the model has room for, which is the default."
    )
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = Field(default=None, description="As max_tokens.")
    logprobs: bool | None = Field(
        default=None, description="Whether log-probabilities of the answer's tokens are returned."
    )
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_ALTERNATIVES)] | None = Field(
        default=None, description="Alternatives of each token."
    )
    tool_choice: Literal["none", "auto"] | None = Field(
        default=None, description="Only none and auto: no call is forced."
    )
    functions: None = Field(default=None, description="Not supported; see tools.")
    function_call: None = Field(default=None, description="Not supported; see tools.")
    tools: Annotated[list[FunctionTool], Field(max_length=MOST_TOOLS, fail_fast=True)] | None = Field(
        default=None, description="Functions that the chat template shows to the model."
    )


class CompletionRequest(_Generation):
    """Texts to continue."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"prompt": "昔々、山に狸が", "max_tokens": 50}]})

    prompt: Texts = Field(description="A text, its ids, or several texts or lists of ids.")
    max_tokens: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Most new tokens, 16 if it is left out; at most what the model has room for."
    )
    echo: bool | None = Field(default=None, description="Whether the answer begins with the prompt.")
    logprobs: Annotated[int, Field(ge=0, le=MOST_ALTERNATIVES)] | None = Field(
        default=None, description="Alternatives of each token; with echo also of the prompt's tokens."
    )
    best_of: int | None = Field(default=None, description="Only the value of n.")
    suffix: str | None = Field(default=None, description="Not supported.")


class EmbeddingRequest(_Body):
    """Texts to embed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": ["狸", "狐"]}]})

    model: Name | None = None
    input: Texts = Field(description="A text, its ids, or several texts or lists of ids.")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(default=None, description="Only the width of the model.")


class TokenizeRequest(_Body):
    """A text, or a conversation, to turn into ids."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"prompt": "昔々、山に狸が"}]})

    model: Name | None = None
    prompt: str | None = None
    messages: Messages | None = None
    add_special_tokens: bool = Field(default=True, description="Whether ids that begin a text come first.")


class DetokenizeRequest(_Body):
    """Ids to turn into text."""

    model: Name | None = None
    tokens: Annotated[list[Id], Field(max_length=MOST_IDS, fail_fast=True)]
