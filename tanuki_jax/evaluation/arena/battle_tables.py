"""Tables of an arena's database, for SQLite and PostgreSQL.

sqlalchemy is imported with this file; import it behind the command that needs it.
"""

import secrets
from pathlib import Path

import sqlalchemy as sql

from tanuki_jax.base.errors import InputError

VERSION = 1
"""Version of the tables; a database of another one is refused."""
BUSY_SECONDS = 10.0

metadata = sql.MetaData()

about = sql.Table(
    "about",
    metadata,
    sql.Column("version", sql.Integer, primary_key=True),
    # Secret of the hashes of addresses, the same for all processes and restarts.
    sql.Column("salt", sql.LargeBinary, nullable=False),
)

battles = sql.Table(
    "battles",
    metadata,
    sql.Column("battle", sql.Integer, primary_key=True),
    # The browser holds the token; a stolen database gives nobody a battle.
    sql.Column("token_hash", sql.String(64), nullable=False, unique=True),
    sql.Column("person_hash", sql.String(64), nullable=False, index=True),
    sql.Column("visitor", sql.String(64), nullable=False, index=True),
    sql.Column("model_a", sql.Text, nullable=False),
    sql.Column("model_b", sql.Text, nullable=False),
    sql.Column("round", sql.Text, nullable=False),
    sql.Column("language", sql.Text, nullable=False),
    sql.Column("created", sql.Float, nullable=False, index=True),
    sql.CheckConstraint("model_a <> model_b"),
)

turns = sql.Table(
    "turns",
    metadata,
    sql.Column("battle", sql.ForeignKey("battles.battle"), primary_key=True),
    sql.Column("turn", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("question", sql.Text, nullable=False),
    sql.Column("asked", sql.Float, nullable=False),
)

answers = sql.Table(
    "answers",
    metadata,
    sql.Column("battle", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("turn", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("side", sql.String(1), primary_key=True),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("began", sql.Float),  # when its first character was shown
    sql.Column("ended", sql.Float),
    sql.Column("speed", sql.Float),  # characters a second at which the model wrote
    sql.Column("failure", sql.Text, nullable=False),
    sql.ForeignKeyConstraint(["battle", "turn"], ["turns.battle", "turns.turn"]),
    sql.CheckConstraint("side IN ('a', 'b')"),
)

votes = sql.Table(
    "votes",
    metadata,
    # The primary key allows one vote a battle, whatever processes and clicks race.
    sql.Column("battle", sql.ForeignKey("battles.battle"), primary_key=True),
    sql.Column("winner", sql.String(8), nullable=False),
    sql.Column("voted", sql.Float, nullable=False),
    sql.CheckConstraint("winner IN ('model_a', 'model_b', 'tie', 'both_bad')"),
)

marks = sql.Table(
    "marks",
    metadata,
    sql.Column("battle", sql.ForeignKey("battles.battle"), primary_key=True),
    sql.Column("reason", sql.String(80), primary_key=True),
)
"""Battles that are left out of the board, with the reason."""

failures = sql.Table(
    "failures",
    metadata,
    sql.Column("failure", sql.Integer, primary_key=True),
    sql.Column("model", sql.Text, nullable=False, index=True),
    sql.Column("failed", sql.Float, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
)
"""Battles that were drawn again because a model did not answer."""

_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER votes_{action.lower()} BEFORE {action} ON votes "
        "BEGIN SELECT RAISE(ABORT, 'votes are append-only'); END"
        for action in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_votes() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'votes are append-only'; END $$",
        "CREATE TRIGGER votes_change BEFORE UPDATE OR DELETE ON votes FOR EACH ROW EXECUTE FUNCTION refuse_votes()",
    ],
}


def open_database(address: str) -> sql.Engine:
    """Return a database with the tables, which are made if there are none.

    Args:
        address: as SQLAlchemy writes it, such as sqlite:///arenas/class.sqlite.

    Raises:
        InputError: it cannot be reached, its kind is not known, or another version made it.
    """
    try:
        url = sql.make_url(address)
        if url.get_backend_name() not in _APPEND_ONLY:
            raise InputError(
                f"the database is of the kind {url.get_backend_name()!r}; SQLite and PostgreSQL can be used"
            )
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sql.create_engine(url, **_options(url))
        _make(engine)
    except (sql.exc.SQLAlchemyError, ImportError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise InputError(f"the database {_shown(address)} cannot be used: {reason}") from None
    with engine.connect() as connection:
        found = connection.execute(sql.select(about.c.version)).scalar_one()
    if found != VERSION:
        raise InputError(
            f"the database {_shown(address)} is of version {found}, and this program reads version {VERSION}; "
            "use the program that made it, or another database"
        )
    return engine


def salt_of(engine: sql.Engine) -> bytes:
    """Return the secret of an open database for the hashes of addresses."""
    with engine.connect() as connection:
        return bytes(connection.execute(sql.select(about.c.salt)).scalar_one())


def _options(url: sql.URL) -> dict[str, object]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True, "pool_size": 8, "max_overflow": 16}


def _make(engine: sql.Engine) -> None:
    """Make the tables of an empty database, all or none of them, also if several processes begin at once."""
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _prepare_sqlite)
        sql.event.listen(engine, "begin", _begin_sqlite)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sql.text("SELECT pg_advisory_xact_lock(:key)"), {"key": 7_264_951})
        if sql.inspect(connection).has_table(about.name):
            return
        metadata.create_all(connection)
        for statement in _APPEND_ONLY[engine.dialect.name]:
            connection.exec_driver_sql(statement)
        connection.execute(about.insert().values(version=VERSION, salt=secrets.token_bytes(32)))


def _prepare_sqlite(connection: object, _: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3 begins no transaction by itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _begin_sqlite(connection: sql.Connection) -> None:
    """Begin a transaction: one that writes waits for the others at its start, one that reads for nobody."""
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _shown(address: str) -> str:
    """Return an address without its password."""
    try:
        return sql.make_url(address).render_as_string(hide_password=True)
    except sql.exc.ArgumentError:
        return repr(address)
