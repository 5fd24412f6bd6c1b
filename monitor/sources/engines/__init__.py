"""The databases that a `table` source can read: how each is opened, what its SQL looks like, how it fails."""

from datetime import timedelta
from pathlib import Path

from monitor.sources.engines.base import Engine, EngineError

POSTGRES_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")


def open_engine(url: str, timeout: timedelta, zone: str, folder: Path) -> Engine:
    """The engine behind a URL; nothing is connected yet.

    Args:
        url: may hold a password.
        timeout: the longest a statement may run, where the engine can be told.
        zone: of time stamps that carry none.
        folder: where a relative DuckDB path starts.

    Raises:
        EngineError: the URL cannot work.
    """
    scheme = url.partition("://")[0].lower()
    if "://" not in url or not scheme:
        raise EngineError("connection", "not a URL", "write postgresql://user:password@host/database or duckdb:///path")
    if scheme in POSTGRES_SCHEMES:
        from monitor.sources.engines.postgres import Postgres

        return Postgres(url, timeout, zone)
    if scheme == "duckdb" and not url.partition("://")[2].startswith(("md:", "motherduck:")):
        from monitor.sources.engines.duckdb import DuckDB

        return DuckDB(url, timeout, zone, folder)
    from monitor.sources.engines.other import Other

    return Other(url)
