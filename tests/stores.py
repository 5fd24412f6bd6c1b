"""The store on both engines, for the tests that need one."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import StaticPool
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel, create_engine

import monitor.store.alert_tables
import monitor.store.judge_tables
import monitor.store.label_tables
import monitor.store.tables  # noqa: F401  # every table that there is
from monitor.store.database import Database

ENGINES = ("sqlite", "postgresql")

_count = iter(range(1_000_000))


def sqlite(folder: Path) -> Database:
    """A migrated store in a file."""
    return Database.open(f"sqlite:///{folder / 'store.db'}")


def in_memory() -> Database:
    """A store without files for what uses one connection at a time: the tables as the models have them, not migrated."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    SQLModel.metadata.create_all(engine)
    return Database(engine)


def url_of(engine: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """The URL of a new and empty store; PostgreSQL is only started for who asks for it."""
    if engine == "sqlite":
        return f"sqlite:///{folder / 'store.db'}"
    server = request.getfixturevalue("postgres_url")
    name = f"store_{os.getpid()}_{next(_count)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def empty(database: Database) -> None:
    """Deletes every row."""
    with database.transaction() as session:
        for table in reversed(SQLModel.metadata.sorted_tables):
            session.connection().execute(table.delete())


def opened(url: str) -> Iterator[Database]:
    """The store at a URL, closed at the end."""
    database = Database.open(url)
    try:
        yield database
    finally:
        database.close()
