"""New stores on SQLite: migrated once a process, and then made from what the migrations left.

Migrating an empty store takes longer than most of the tests that need one.
"""

from typing import Any

from sqlalchemy import Engine

from monitor.store import database

_migrate = database.migrate
_script: list[str] = []


def install() -> None:
    """From now on `Database.open` makes new stores so; whatever is no empty SQLite is migrated as ever."""
    database.migrate = migrate


def migrate(engine: Engine) -> None:
    """See `monitor.store.database.migrate`."""
    if engine.dialect.name != "sqlite" or not _is_empty(engine):
        _migrate(engine)
    elif _script:
        with engine.begin() as connection:
            for statement in _script:
                connection.exec_driver_sql(statement)
    else:
        _migrate(engine)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            _script.extend(line for line in driver.iterdump() if line not in ("BEGIN TRANSACTION;", "COMMIT;"))


def _is_empty(engine: Engine) -> bool:
    with engine.connect() as connection:
        return connection.exec_driver_sql("select count(*) from sqlite_master").scalar() == 0
