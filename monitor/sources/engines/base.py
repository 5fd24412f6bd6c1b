"""What every engine has in common."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from config.calls import ColumnType
from monitor.clean import clean_text
from monitor.sources.base import SourceError
from monitor.sources.engines.backend import guarded

if TYPE_CHECKING:
    import ibis.expr.types as ir

# What an expression of the user gives, as far as the wrapper around it must know. `naive` is a time without a zone.
Kind = Literal["moment", "naive", "text", "json", "interval", "integer", "number", "boolean", "nested", "other"]


class Given(NamedTuple):
    """What an expression gives: its kind, and the engine's own name of the type."""

    kind: Kind
    name: str


# Whose fault a failure is, as far as the engine can tell.
Cause = Literal["connection", "timeout", "cancelled", "table", "expression", "data", "other"]

_SHOWN = 400  # characters of a driver's message
_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)


class EngineError(SourceError):
    """A database failed. The text is the driver's, without secrets and logged values; `hint` says what to do."""

    def __init__(self, cause: Cause, text: str, hint: str = "") -> None:
        super().__init__(f"{text} ({hint})" if hint else text)
        self.cause = cause


class Engine(ABC):
    """One database, opened for reading. Used by one thread at a time, except `cancel`.

    Attributes:
        name: of the engine, for messages.
        types: SQL names of the canonical types.
        errors: what the driver raises.
        explain: turns a failure of a table's query into the error that its reader sees.
    """

    name: ClassVar[str]
    types: Mapping[ColumnType, str]
    errors: ClassVar[tuple[type[Exception], ...]]

    def __init__(self, scrub: Callable[[str], str]) -> None:
        self.scrub = scrub
        self.explain: Callable[[EngineError], SourceError] = lambda error: error
        self._running = False

    # -- SQL of the dialect

    @abstractmethod
    def moment(self, value: datetime) -> str:
        """An aware time as a literal."""

    @abstractmethod
    def cast(self, expression: str, to: ColumnType, given: Given) -> str:
        """The expression as a canonical type, JSON as text; NULL where a value cannot be read, if the engine can."""

    def null(self, to: ColumnType) -> str:
        """NULL as a canonical type."""
        return f"CAST(NULL AS {self.types[to]})"

    def within(self, expression: str, given: Given, since: datetime, until: datetime) -> str:
        """The condition that a time lies in `[since, until)`, in a form that an index on the expression serves."""
        value = expression if given.kind == "moment" else self.cast(expression, "timestamp", given)
        return f"({value}) >= {self.moment(since)} AND ({value}) < {self.moment(until)}"

    def near(self, expression: str, given: Given, since: datetime, until: datetime) -> str:
        """A cheaper condition that holds for all of `[since, until)` and little else."""
        return self.within(expression, given, since, until)

    def bounds(self, given: Given, since: datetime, until: datetime) -> tuple[str, str]:
        """Literals around `[since, until)` to compare a time with; without a zone they may lie further out."""
        return self.moment(since), self.moment(until)

    def quote(self, name: str) -> str:
        """An identifier, exactly as it is."""
        escaped = name.replace('"', '""')
        return f'"{escaped}"'

    # -- reading

    @abstractmethod
    def describe(self, select: str) -> dict[str, Given]:
        """Columns of a query and what they give; no row is read.

        Raises:
            EngineError: the query cannot run.
        """

    @abstractmethod
    def tables(self) -> list[str]:
        """Names of tables and views, as they would be written in a query."""

    @abstractmethod
    def table(self, query: str, schema: Mapping[str, Any]) -> "ir.Table":
        """A query as an Ibis table: running it raises SourceError. `describe` has connected before."""

    @abstractmethod
    def cancel(self) -> None:
        """Stops the statement that runs now; may be called from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Lets the connection go; the next statement opens it again."""

    def wake(self) -> None:  # noqa: B027 — most engines have nothing to do
        """Lets go of a connection that broke while nobody used it; the next statement opens a new one."""

    def attempt(self, query: str) -> EngineError | None:
        """Runs a query for its failure."""
        try:
            with self._translated():
                self._run(query)
        except EngineError as error:
            return error
        return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Statements of Ibis run inside: connected, limited in time, failures explained."""
        if self._running:
            yield
            return
        failure = None
        self._running = True
        try:
            with self._translated():
                yield
        except EngineError as error:
            failure = error
        finally:
            self._running = False
        if failure is not None:
            raise self.explain(failure) from None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with self._session():
                yield
        except EngineError:
            raise
        except self.errors as error:
            raise self._failure(error) from None  # a driver's error may print the connection string

    @abstractmethod
    def _session(self) -> AbstractContextManager[None]:
        """Connected for one statement."""

    @abstractmethod
    def _run(self, query: str) -> None:
        """Runs a query inside a session and drops the answer."""

    @abstractmethod
    def _failure(self, error: Exception) -> EngineError:
        """What a driver's error means."""

    def _guarded(self, backend: type[Any]) -> type[Any]:
        return guarded(backend, self.running)

    def _shown(self, message: str, cause: Cause) -> str:
        """A driver's message without secrets; one about data loses the value that it quotes, which is logged text."""
        if cause == "data":
            message = _QUOTED.sub("'…'", message)
        return clean_text(" ".join(self.scrub(message).split()), _SHOWN)
