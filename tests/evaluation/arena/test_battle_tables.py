"""Databases that are made, found again, or refused."""

import threading
from pathlib import Path

import pytest

from tanuki_jax.base.errors import InputError
from tanuki_jax.evaluation.arena.battle_tables import VERSION, about, open_database, salt_of


def test_a_database_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/deep/arena.sqlite"
    errors = []

    def open_it() -> None:
        try:
            open_database(address).dispose()
        except InputError as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with open_database(address).connect() as connection:
        assert connection.execute(about.select().with_only_columns(about.c.version)).all() == [(VERSION,)]
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_each_database_keeps_a_secret_of_its_own(tmp_path: Path) -> None:
    addresses = [f"sqlite:///{tmp_path}/{name}.sqlite" for name in "aab"]
    one, again, other = (salt_of(open_database(address)) for address in addresses)
    assert one == again != other and len(one) == 32


def test_another_version_is_refused(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/arena.sqlite"
    with open_database(address).begin() as connection:
        connection.execute(about.update().values(version=VERSION + 1))
    with pytest.raises(InputError, match=rf"is of version {VERSION + 1}, and this program reads version {VERSION}"):
        open_database(address)


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("no address", "cannot be used"),
        ("mysql://user:secret@host/name", "of the kind 'mysql'; SQLite and PostgreSQL can be used"),
        ("sqlite:////proc/none/arena.sqlite", "cannot be used"),
        ("oracle://u:secret@h/x", "of the kind 'oracle'"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_sentence(address: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        open_database(address)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_text("text" * 1_000)
    with pytest.raises(InputError, match="cannot be used: file is not a database"):
        open_database(f"sqlite:///{tmp_path}/a.sqlite")
