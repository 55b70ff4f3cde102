"""`arena` and `arena export`."""

import csv
import dataclasses
import json
import socket
from pathlib import Path

from tanuki_jax.base.atomic import replacing
from tanuki_jax.base.errors import InputError
from tanuki_jax.base.progress import amount
from tanuki_jax.base.tables import show
from tanuki_jax.client.model_names import model_card
from tanuki_jax.evaluation.arena.arena_app import create_app
from tanuki_jax.evaluation.arena.arena_pages import Pages, kept
from tanuki_jax.evaluation.arena.arena_settings import Arena
from tanuki_jax.evaluation.arena.battle_service import BattleService
from tanuki_jax.evaluation.arena.battle_store import BattleStore
from tanuki_jax.evaluation.arena.battle_tables import open_database, salt_of
from tanuki_jax.evaluation.arena.board_values import board_values, standings
from tanuki_jax.evaluation.arena.serve_options import Export, Serve

_COLUMNS = ("model_a", "model_b", "winner", "language", "round", "voter")
_FINISH_SECONDS = 10
_STANDINGS_SECONDS = 60.0


def serve(arena: Arena, options: Serve) -> None:
    """Open an arena, until SIGTERM or Ctrl-C.

    Raises:
        InputError: fewer than two models answer, the database cannot be used, or the port is taken.
    """
    import uvicorn

    arena = _answering(arena)
    engine = open_database(arena.database or f"sqlite:///arenas/{arena.name}.sqlite")
    store = BattleStore(engine)
    service = BattleService(arena, store, standings=kept(lambda: standings(arena, store), _STANDINGS_SECONDS))
    app = create_app(
        service, Pages(arena, lambda: board_values(arena, store)), salt_of(engine), proxies=options.proxies
    )
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_FINISH_SECONDS)
    with _listening(options.host, options.port) as listening:
        host, port = listening.getsockname()[:2]
        show(f"the arena {arena.name} of {amount(len(arena.models), 'model')}: http://{host}:{port}")
        uvicorn.Server(config).run(sockets=[listening])


def _answering(arena: Arena) -> Arena:
    """Return an arena whose models answer, each with its name at its server; the others are named, and left out."""
    found, missing = [], []
    for model in arena.models:
        try:
            card = model_card(model.remote, "remote")
        except InputError as error:
            missing.append(f"{model.name} does not answer and is left out: {error}")
        else:
            found.append(dataclasses.replace(model, remote=dataclasses.replace(model.remote, model=card.name)))
    if len(found) < 2:
        raise InputError("; ".join([*missing, "an arena needs two models that answer; start their servers first"]))
    show(*missing)
    names = [model.name for model in found]
    return dataclasses.replace(arena, models=tuple(found), anchor=arena.anchor if arena.anchor in names else names[0])


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens. InputError if the address cannot be used."""
    try:
        return socket.create_server((host, port), backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"--host {host} --port {port}: {reason}; choose another, or --port 0") from None


def export(options: Export) -> None:
    """Write the votes of an arena."""
    output, address = Path(options.output), options.database
    if output.suffix not in (".csv", ".jsonl"):
        raise InputError(f"--output {output} must end with .csv or .jsonl")
    if "://" not in address:
        if not Path(address).is_file():
            raise InputError(f"there is no database {address}")
        address = f"sqlite:///{address}"
    store = BattleStore(open_database(address))
    battles = [*store.rated(marked=options.all)]
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        if output.suffix == ".csv":
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows([getattr(battle, name) for name in _COLUMNS] for battle in battles)
        else:
            for row in store.conversations(marked=options.all):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    show(f"{amount(len(battles), 'vote')}: {output}")
