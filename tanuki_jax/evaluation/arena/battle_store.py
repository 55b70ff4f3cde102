"""Battles in the database, which alone decides who the models are, whose turn it is and whether a vote may be cast.

The browser holds a token of its battle and nothing else. Each function is one transaction: what it has returned is on
disk, and it holds whatever other processes do at the same time.
"""

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

import sqlalchemy as sql

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.arena.battle_tables import answers, battles, failures, marks, turns, votes
from tanuki_jax.evaluation.ratings.battles import WINNERS, Battle, Winner

type Side = Literal["a", "b"]

SIDES: tuple[Side, Side] = ("a", "b")
LAST_SPEEDS = 50
"""Answers of a model of which the speed is looked up."""


class Refused(InputError):
    """A step that is not allowed now: the words are for the visitor's page, `reason` is for its code."""

    def __init__(self, reason: str, words: str) -> None:
        """Take a code and a sentence."""
        super().__init__(words)
        self.reason = reason


class Turn(NamedTuple):
    """A question and what both models answered so far."""

    question: str
    texts: tuple[str, str]
    ended: bool
    """Whether both answers are complete."""
    failed: bool


class BattleState(NamedTuple):
    """All that the browser may know of a battle."""

    turns: tuple[Turn, ...]
    may_vote: bool
    winner: str
    """Empty before the vote."""
    models: tuple[str, str] | None
    """Names of both models; None before the vote."""


class Visitor(NamedTuple):
    """Person who begins a battle; both values are hashes."""

    address: str
    """Salted hash of the address."""
    person: str
    """Hash of the token by which a person may delete his conversations."""


class PairCounts(NamedTuple):
    """Numbers of battles of two models that were drawn, that had text in both panes, and that were voted on."""

    drawn: int
    shown: int
    voted: int


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class BattleStore:
    """The battles of a database."""

    def __init__(self, engine: sql.Engine) -> None:
        """Take an open database (`open_database`)."""
        self._engine, self._reading = engine, engine.execution_options(reads=True)

    def begin(
        self,
        models: tuple[str, str],
        visitor: Visitor,
        *,
        now: float,
        round: str = "",
        language: str = "",
    ) -> str:
        """Begin a battle of two models, that of the left pane first, and return its token."""
        token = new_token()
        row = {"token_hash": hash_of(token), "person_hash": visitor.person, "visitor": visitor.address}
        row |= {"model_a": models[0], "model_b": models[1], "round": round, "language": language}
        with self._engine.begin() as connection:
            connection.execute(battles.insert().values(created=now, **row))
        return token

    def models(self, token: str) -> tuple[str, str]:
        """Return the names of a battle's models, for the server alone."""
        with self._reading.connect() as connection:
            row = _battle(connection, token)
        return row.model_a, row.model_b

    def ask(self, token: str, question: str, *, most_turns: int, now: float) -> int:
        """Add a question, and return the number of its turn, from 0.

        Raises:
            Refused: the battle is not known, has a vote, has its last turn, or an answer has not ended.
        """
        with self._engine.begin() as connection:
            battle = _battle(connection, token, lock=True).battle
            if _winner(connection, battle):
                raise Refused("voted", "the battle has a vote; begin another")
            number: int = connection.execute(
                sql.select(sql.func.count()).select_from(turns).where(turns.c.battle == battle)
            ).scalar_one()
            if number >= most_turns:
                raise Refused("turns", f"a battle has at most {most_turns} questions; vote, or begin another")
            waiting = sql.select(answers.c.side).where(answers.c.battle == battle, answers.c.ended.is_(None))
            if connection.execute(waiting).first():
                raise Refused("busy", "an answer has not ended yet")
            connection.execute(turns.insert().values(battle=battle, turn=number, question=question, asked=now))
            connection.execute(
                answers.insert(),
                [{"battle": battle, "turn": number, "side": side, "text": "", "failure": ""} for side in SIDES],
            )
        return number

    def begin_answers(self, token: str, turn: int, texts: Mapping[Side, str], *, now: float) -> None:
        """Note the text of both panes so far, before it is sent. From the first text of both on, a vote may be cast."""
        with self._engine.begin() as connection:
            battle = _battle(connection, token).battle
            for side, text in texts.items():
                place = (answers.c.battle == battle, answers.c.turn == turn, answers.c.side == side)
                began = sql.func.coalesce(answers.c.began, now if text else None)
                connection.execute(
                    answers.update().where(*place, answers.c.ended.is_(None)).values(text=text, began=began)
                )

    def end_answers(
        self, token: str, turn: int, ends: Mapping[Side, tuple[str, float | None, str]], *, now: float
    ) -> None:
        """Note the complete answers of a turn, all at once.

        Args:
            token: token of the battle.
            turn: number of the turn.
            ends: pane -> whole text, characters a second at which the model wrote (None: not known), and the reason
                why there is no answer (empty: there is one).
            now: seconds since 1970.
        """
        with self._engine.begin() as connection:
            battle = _battle(connection, token).battle
            for side, (text, speed, failure) in ends.items():
                place = (answers.c.battle == battle, answers.c.turn == turn, answers.c.side == side)
                began = sql.func.coalesce(answers.c.began, now if text else None)
                values = {"text": text, "ended": now, "speed": speed, "failure": failure, "began": began}
                connection.execute(answers.update().where(*place, answers.c.ended.is_(None)).values(**values))

    def redraw(self, token: str, models: tuple[str, str], failed: Mapping[str, str], *, now: float) -> None:
        """Give a battle other models, because some did not answer its first question, and count their failures.

        Refused if it has a vote, or another question.

        Args:
            token: token of the battle.
            models: names of the new models, that of the left pane first.
            failed: name of a model -> reason why it did not answer.
            now: seconds since 1970.
        """
        with self._engine.begin() as connection:
            battle = _battle(connection, token, lock=True).battle
            asked = connection.execute(sql.select(turns.c.turn).where(turns.c.battle == battle)).all()
            if _winner(connection, battle) or len(asked) > 1:
                raise Refused("voted", "the battle has gone on")
            rows = [{"model": name, "failed": now, "reason": reason} for name, reason in failed.items()]
            connection.execute(failures.insert(), rows)
            mine = battles.c.battle == battle
            connection.execute(battles.update().where(mine).values(model_a=models[0], model_b=models[1]))
            again = {"text": "", "began": None, "ended": None, "failure": ""}
            connection.execute(answers.update().where(answers.c.battle == battle).values(**again))

    def failed(self) -> dict[str, int]:
        """Return name of a model -> battles that were drawn again because it did not answer."""
        query = sql.select(failures.c.model, sql.func.count()).group_by(failures.c.model)
        with self._reading.connect() as connection:
            return {name: count for name, count in connection.execute(query)}

    def vote(self, token: str, winner: str, *, now: float) -> tuple[str, str]:
        """Cast the vote of a battle, and return the names of its models.

        Raises:
            Refused: the battle is not known, has a vote already, or has no text in both panes yet; or the word is none.
        """
        if winner not in WINNERS:
            raise Refused("winner", f"a vote is one of {', '.join(WINNERS)}")
        with self._engine.begin() as connection:
            row = _battle(connection, token, lock=True)
            if _winner(connection, row.battle):
                raise Refused("voted", "the battle has a vote, which cannot be changed")
            if not _may_vote(connection, row.battle):
                raise Refused("early", "a vote needs text in both panes")
            connection.execute(votes.insert().values(battle=row.battle, winner=winner, voted=now))
        return row.model_a, row.model_b

    def state(self, token: str) -> BattleState:
        """Return what the browser may know of a battle. Refused if it is not known."""
        with self._reading.connect() as connection:
            row = _battle(connection, token)
            winner = _winner(connection, row.battle)
            may_vote = not winner and _may_vote(connection, row.battle)
            found = [*_turns(connection, row.battle)]
        return BattleState(tuple(found), may_vote, winner, (row.model_a, row.model_b) if winner else None)

    def mark(self, token: str, reasons: list[str]) -> None:
        """Leave a battle out of the board, for reasons that are kept."""
        with self._engine.begin() as connection:
            battle = _battle(connection, token, lock=True).battle
            known = {*connection.execute(sql.select(marks.c.reason).where(marks.c.battle == battle)).scalars()}
            short = dict.fromkeys(reason[:80] for reason in reasons)
            new = [{"battle": battle, "reason": reason} for reason in short if reason not in known]
            if new:
                connection.execute(marks.insert(), new)

    def end_interrupted(self, *, before: float, now: float) -> int:
        """End the answers of turns that were asked before a moment and have not ended, as after the end of a process.

        Return their number.
        """
        old = sql.select(turns.c.turn).where(
            turns.c.battle == answers.c.battle, turns.c.turn == answers.c.turn, turns.c.asked < before
        )
        with self._engine.begin() as connection:
            done = connection.execute(
                answers.update()
                .where(answers.c.ended.is_(None), old.exists())
                .values(ended=now, failure="the server ended")
            )
        return done.rowcount

    def begun_since(self, address: str, moment: float) -> int:
        """Return how many battles a visitor has begun since a moment."""
        return self._count(
            sql.select(sql.func.count())
            .select_from(battles)
            .where(battles.c.visitor == address, battles.c.created >= moment)
        )

    def asked_since(self, address: str, moment: float) -> int:
        """Return how many questions a visitor has asked since a moment."""
        return self._count(
            sql.select(sql.func.count())
            .select_from(turns.join(battles, battles.c.battle == turns.c.battle))
            .where(battles.c.visitor == address, turns.c.asked >= moment)
        )

    def _count(self, query: "sql.Select[int]") -> int:
        with self._reading.connect() as connection:
            return connection.execute(query).scalar_one()

    def counts(self, round: str | None = None) -> dict[tuple[str, str], PairCounts]:
        """Return sorted names of a pair -> how often it was drawn, shown and voted on; in one round, or in all."""
        both = sql.select(answers.c.battle).where(answers.c.battle == battles.c.battle, answers.c.began.is_not(None))
        shown = both.group_by(answers.c.battle).having(sql.func.count(answers.c.side.distinct()) == 2).exists()
        voted = sql.select(votes.c.battle).where(votes.c.battle == battles.c.battle).exists()
        query = sql.select(
            battles.c.model_a,
            battles.c.model_b,
            sql.func.count(),
            sql.func.sum(sql.case((shown, 1), else_=0)),
            sql.func.sum(sql.case((voted, 1), else_=0)),
        ).group_by(battles.c.model_a, battles.c.model_b)
        if round is not None:
            query = query.where(battles.c.round == round)
        found: dict[tuple[str, str], PairCounts] = {}
        with self._reading.connect() as connection:
            for a, b, *numbers in connection.execute(query):
                pair = (min(a, b), max(a, b))
                before = found.get(pair, PairCounts(0, 0, 0))
                found[pair] = PairCounts(*(old + new for old, new in zip(before, numbers, strict=True)))
        return found

    def speeds(self, names: list[str]) -> dict[str, list[float]]:
        """Return name of a model -> characters a second of its last answers."""
        found: dict[str, list[float]] = {}
        with self._reading.connect() as connection:
            for name in names:
                sides = (("a", battles.c.model_a), ("b", battles.c.model_b))
                mine = sql.or_(*(sql.and_(answers.c.side == side, column == name) for side, column in sides))
                query = (
                    sql.select(answers.c.speed)
                    .select_from(answers.join(battles, battles.c.battle == answers.c.battle))
                    .where(mine, answers.c.speed.is_not(None))
                    .order_by(answers.c.ended.desc())
                    .limit(LAST_SPEEDS)
                )
                found[name] = [*connection.execute(query).scalars()]
        return found

    def rated(self, *, marked: bool = False) -> Iterator[Battle]:
        """Yield the battles with a vote in the order of their votes, without those that are marked unless asked for."""
        query = (
            sql.select(battles, votes.c.winner)
            .select_from(battles.join(votes, votes.c.battle == battles.c.battle))
            .order_by(votes.c.voted, battles.c.battle)
        )
        if not marked:
            query = query.where(~sql.select(marks.c.battle).where(marks.c.battle == battles.c.battle).exists())
        with self._reading.connect() as connection:
            rows = connection.execute(query).all()  # a reader that takes his time holds nobody up
        for row in rows:
            labels = {"language": row.language, "round": row.round, "voter": row.visitor}
            yield Battle(row.model_a, row.model_b, _as_winner(row.winner), **labels)

    def conversations(self, *, marked: bool = False) -> Iterator[dict[str, object]]:
        """Yield the battles with a vote as JSON values, with their conversations, in the order of their votes.

        Those that are marked are left out unless asked for.
        """
        query = sql.select(battles, votes.c.winner, votes.c.voted).join(votes).order_by(votes.c.voted, battles.c.battle)
        with self._reading.connect() as connection:
            reasons: dict[int, list[str]] = {}
            for battle, reason in connection.execute(sql.select(marks)).all():
                reasons.setdefault(battle, []).append(reason)
            for row in connection.execute(query).all():
                if row.battle in reasons and not marked:
                    continue
                names = ("model_a", "model_b", "winner", "language", "round", "created", "voted")
                turns_of = [
                    {"question": turn.question, "answer_a": turn.texts[0], "answer_b": turn.texts[1]}
                    for turn in _turns(connection, row.battle)
                ]
                plain = {name: getattr(row, name) for name in names} | {"voter": row.visitor, "turns": turns_of}
                yield plain | {"marks": reasons.get(row.battle, [])}

    def forget(self, person: str, *, now: float) -> int:
        """Delete the texts of a person's conversations, and who he was; his votes stay. Return the number of battles.

        Args:
            person: hash of his token.
            now: seconds since 1970; answers that are being written end, so that nothing is added to them.
        """
        with self._engine.begin() as connection:
            mine = [*connection.execute(sql.select(battles.c.battle).where(battles.c.person_hash == person)).scalars()]
            if mine:
                connection.execute(turns.update().where(turns.c.battle.in_(mine)).values(question=""))
                ended = sql.func.coalesce(answers.c.ended, now)
                connection.execute(answers.update().where(answers.c.battle.in_(mine)).values(text="", ended=ended))
                connection.execute(
                    battles.update().where(battles.c.battle.in_(mine)).values(person_hash="", visitor="")
                )
        return len(mine)


def _as_winner(word: str) -> Winner:
    assert word in WINNERS
    return word  # type: ignore[return-value]


def _battle(connection: sql.Connection, token: str, *, lock: bool = False) -> "sql.Row[tuple[object, ...]]":
    """Return the row of a battle. Refused if the token is none.

    PostgreSQL locks it for the transaction if asked; SQLite has one writer at a time anyway.
    """
    query = sql.select(battles).where(battles.c.token_hash == hash_of(token))
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise Refused("unknown", "there is no such battle; begin another")
    return row


def _winner(connection: sql.Connection, battle: int) -> str:
    return connection.execute(sql.select(votes.c.winner).where(votes.c.battle == battle)).scalar() or ""


def _may_vote(connection: sql.Connection, battle: int) -> bool:
    """Whether text was shown in both panes."""
    query = sql.select(answers.c.side).where(answers.c.battle == battle, answers.c.began.is_not(None)).distinct()
    return len(connection.execute(query).all()) == 2


def _turns(connection: sql.Connection, battle: int) -> Iterator[Turn]:
    rows = connection.execute(
        sql.select(turns.c.question, answers)
        .select_from(turns.join(answers))
        .where(turns.c.battle == battle)
        .order_by(turns.c.turn, answers.c.side)
    ).all()
    for a, b in zip(rows[::2], rows[1::2], strict=True):
        ended = a.ended is not None and b.ended is not None
        yield Turn(a.question, (a.text, b.text), ended, bool(a.failure or b.failure))
