"""Opening the store: the engine, its settings, its migrations, its transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlmodel import Session, SQLModel, create_engine, select

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class StoreError(Exception):
    """The store could not be opened. The text never holds a password."""


def _dumps(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY).decode()


def create(url: str) -> Engine:
    """An engine on SQLite (WAL, waits for other writers) or PostgreSQL; no connection is made yet."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "the store's url is none: write sqlite:///… or postgresql://user:password@host/database"
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"the store can be sqlite:///… or postgresql://…, not {parsed.get_backend_name()}")
    engine = create_engine(parsed, json_serializer=_dumps, json_deserializer=orjson.loads, pool_pre_ping=True)
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL lets the pages read while a cycle writes; FULL makes a commit survive a power cut, not only a crash.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Any) -> None:
    # A deferred transaction that turns into a writer fails at once when another one writes; an immediate one waits.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Brings the tables to the newest version; a store that has it is left alone."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if MigrationContext.configure(connection).get_current_revision() == _newest():
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _newest() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


class Database:
    """The open store. Every change is made inside `transaction()`, everything else is read inside `reading()`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # SQLite reads one state within a transaction of its own accord.
        one_state = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        options = one_state if engine.dialect.name == "postgresql" else {}
        self._readers = engine.execution_options(reading=True, **options)

    @classmethod
    def open(cls, url: str) -> "Database":
        """Opens and migrates.

        Raises:
            StoreError: the store cannot be reached or is not ours.
        """
        engine = create(url)
        try:
            migrate(engine)
        except Exception as error:
            shown = make_url(url).render_as_string(hide_password=True)
            # Of the driver's error, without SQLAlchemy's frame around it.
            reason = str(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"
            raise StoreError(f"the store {shown} cannot be opened: {' '.join(reason.split())}") from error
        return cls(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose changes are committed together, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the store and waits for no writer; it must not change anything."""
        with Session(self._readers, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Lets the connections go."""
        self.engine.dispose()


def copy_rows(origin: Database, target: Database, tables: Sequence[type[SQLModel]]) -> None:
    """Copies whole tables into a store that has none of their rows."""
    for table in tables:
        with origin.reading() as session:
            rows = [row.model_dump() for row in session.exec(select(table))]
        with target.transaction() as session:
            session.add_all([table(**row) for row in rows])


__all__ = ["Database", "Session", "StoreError", "copy_rows", "create", "migrate"]
