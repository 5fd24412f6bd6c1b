"""Every other engine that Ibis speaks to.

Watchkeeper does not test them, and can ask nothing of them but queries: that nothing is written, that no query runs for
too long, and in which zone times without one are read is up to the user that the URL names and the engine's settings.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from config.calls import ColumnType
from monitor.canonical import IBIS_TYPES
from monitor.sources.engines.base import Engine, EngineError, Given, Kind
from monitor.sources.engines.secrets import scrubber

if TYPE_CHECKING:
    import ibis.expr.datatypes as dt
    import ibis.expr.types as ir


class Other(Engine):
    """A connection as `ibis.connect` would make it of the URL, with the driver of `ibis-framework[<engine>]`."""

    name = "this engine"
    errors = (Exception,)  # drivers are unknown here, and any of their errors may print the URL
    types = IBIS_TYPES

    def __init__(self, url: str) -> None:
        super().__init__(scrubber(url))
        self._url = url
        self._backend: Any = None

    def moment(self, value: datetime) -> str:
        import sqlglot.expressions as sge

        literal = sge.Literal.string(value.isoformat(sep=" "))
        return str(sge.Cast(this=literal, to=self._type("timestamp")).sql(self._backend.dialect))

    def cast(self, expression: str, to: ColumnType, given: Given) -> str:
        import sqlglot.expressions as sge

        return str(sge.Cast(this=sge.Var(this=f"({expression})"), to=self._type(to)).sql(self._backend.dialect))

    def null(self, to: ColumnType) -> str:
        return self.cast("NULL", to, Given("other", "NULL"))

    def quote(self, name: str) -> str:
        import sqlglot as sg

        return sg.to_identifier(name, quoted=True).sql(self._backend.dialect)

    def describe(self, select: str) -> dict[str, Given]:
        with self._translated():
            schema = self._backend.sql(select).schema()
        return {name: Given(_kind(schema[name]), str(schema[name])) for name in schema.names}

    def tables(self) -> list[str]:
        with self._translated():
            return list(self._backend.list_tables())

    def table(self, query: str, schema: Mapping[str, Any]) -> "ir.Table":
        table: ir.Table = self._backend.sql(query, schema=schema)
        return table

    def cancel(self) -> None:
        """Not possible here: a statement runs to its end."""

    def close(self) -> None:
        if self._backend is not None:
            self._backend.disconnect()
            self._backend = None

    @contextmanager
    def _session(self) -> Iterator[None]:
        if self._backend is None:
            self._backend = self._connect()
        yield

    def _connect(self) -> Any:
        # What `ibis.connect` does, with our class in the place of Ibis' own.
        url = urlsplit(self._url)
        try:
            module = import_module(f"ibis.backends.{url.scheme}")
        except ModuleNotFoundError as error:
            hint = f"PostgreSQL and DuckDB come with Watchkeeper, others of Ibis with ibis-framework[{url.scheme}]"
            raise EngineError("connection", f"{url.scheme} cannot be used: {error}", hint) from None
        return self._guarded(module.Backend)()._from_url(url, **dict(parse_qsl(url.query)))

    def _run(self, query: str) -> None:
        self._backend.raw_sql(query)

    def _type(self, name: ColumnType) -> Any:
        import ibis

        return self._backend.compiler.type_mapper.from_ibis(ibis.dtype(self.types[name]))

    def _failure(self, error: Exception) -> EngineError:
        return EngineError("other", self._shown(f"{type(error).__name__}: {error}", "data"))


def _kind(type_: "dt.DataType") -> Kind:
    if type_.is_timestamp():
        return "moment" if type_.timezone else "naive"
    tests: tuple[tuple[bool, Kind], ...] = (
        (type_.is_date(), "naive"),
        (type_.is_json(), "json"),
        (type_.is_string(), "text"),
        (type_.is_interval(), "interval"),
        (type_.is_boolean(), "boolean"),
        (type_.is_integer(), "integer"),
        (type_.is_numeric(), "number"),
        (type_.is_nested(), "nested"),
    )
    return next((kind for holds, kind in tests if holds), "other")
