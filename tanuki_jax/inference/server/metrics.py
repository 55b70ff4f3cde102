"""Counts of a server, for Prometheus and its log."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from tanuki_jax.inference.engine.engine import Engine
from tanuki_jax.inference.engine.job import Update
from tanuki_jax.inference.server.errors import STOPPING, AnswerFailed, ClientLeft
from tanuki_jax.inference.server.served_model import ServedModel

disable_created_metrics()  # type: ignore[no-untyped-call]
_log = logging.getLogger(__name__)
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)


class Account:
    """Counts of one request so far."""

    def __init__(self, prompt_tokens: int) -> None:
        self.prompt_tokens, self.completion_tokens = prompt_tokens, 0
        self.started_at = time.monotonic()
        self.first_at: float | None = None

    def add(self, update: Update) -> None:
        """Count what is new."""
        if self.first_at is None and update.tokens:
            self.first_at = time.monotonic()
        self.completion_tokens += len(update.tokens)


class Metrics:
    """Metrics of all models of a server."""

    def __init__(self, models: Mapping[str, ServedModel]) -> None:
        self._registry = CollectorRegistry()
        names = ["model"]
        self._requests = Counter(
            "tanuki_requests", "Requests that ended: done, left by their client, stopped, or failed.",
            ["model", "endpoint", "outcome"], registry=self._registry,
        )  # fmt: skip
        self._refused = Counter("tanuki_refused", "Requests that were refused.", ["status"], registry=self._registry)
        self._prompt = Counter("tanuki_prompt_tokens", "Tokens of prompts.", names, registry=self._registry)
        self._completion = Counter("tanuki_completion_tokens", "New tokens.", names, registry=self._registry)
        self._open = Gauge("tanuki_open_requests", "Requests whose clients wait.", names, registry=self._registry)
        self._first = Histogram(
            "tanuki_first_token_seconds", "Time to the first token.", names, registry=self._registry, buckets=_SECONDS
        )
        self._seconds = Histogram(
            "tanuki_request_seconds", "Time of a request.", names, registry=self._registry, buckets=_SECONDS
        )
        self._gauge("active_jobs", "Answers that are being made.", models, lambda engine: engine.active)
        self._gauge("waiting_jobs", "Answers that wait.", models, lambda engine: engine.waiting)
        self._gauge("pages_in_use", "Pages of the cache in use.", models, lambda engine: engine.pages[0])
        self._gauge("pages", "Pages of the cache.", models, lambda engine: engine.pages[1])
        self._gauge("reused_tokens", "Tokens of prompts that were shared.", models, lambda engine: engine.reused)
        for model in models:
            self._open.labels(model)

    def _gauge(self, name: str, text: str, models: Mapping[str, ServedModel], value: Callable[[Engine], int]) -> None:
        """Add a number that is read from the engines whenever the metrics are."""
        gauge = Gauge(f"tanuki_{name}", text, ["model"], registry=self._registry)
        for model, served in models.items():
            gauge.labels(model).set_function(partial(value, served.engine))

    def refused(self, status: int) -> None:
        """Count a request that was refused."""
        self._refused.labels(str(status)).inc()

    @contextmanager
    def request(self, served: ServedModel, endpoint: str, prompt_tokens: int) -> Iterator[Account]:
        """Count a request while its client waits, and log it at its end in one line."""
        account, outcome = Account(prompt_tokens), "failed"
        self._open.labels(served.name).inc()
        try:
            yield account
            outcome = "done"
        except (ClientLeft, asyncio.CancelledError, GeneratorExit):
            outcome = "left"
            raise
        except AnswerFailed as error:
            outcome = "stopped" if error.answer is STOPPING else "failed"
            raise
        finally:
            self._open.labels(served.name).dec()
            self._count(served.name, endpoint, account, outcome)

    def _count(self, model: str, endpoint: str, account: Account, outcome: str) -> None:
        seconds = time.monotonic() - account.started_at
        self._requests.labels(model, endpoint, outcome).inc()
        self._prompt.labels(model).inc(account.prompt_tokens)
        self._completion.labels(model).inc(account.completion_tokens)
        self._seconds.labels(model).observe(seconds)
        first = ""
        if account.first_at is not None:
            first = f", the first after {account.first_at - account.started_at:.2f} s"
            self._first.labels(model).observe(account.first_at - account.started_at)
        tokens = f"{account.prompt_tokens} tokens in, {account.completion_tokens} out"
        now, result = time.strftime("%H:%M:%S"), _OUTCOMES[outcome]
        _log.info("%s  %s  %s  %s: %s, %.2f s%s", now, endpoint, model, result, tokens, seconds, first)

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)


_OUTCOMES = {"done": "done", "left": "the client left", "failed": "failed", "stopped": "stopped"}
