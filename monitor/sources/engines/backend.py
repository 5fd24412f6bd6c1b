"""Ibis backends whose queries run under our guard and whose user SQL stays as it was written."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class _Guarded:
    """In front of a backend: whatever runs an expression runs it inside `running()`."""

    running: Callable[[], AbstractContextManager[None]]

    def execute(self, expr: Any, /, **options: Any) -> Any:
        with self.running():
            return super().execute(expr, **options)  # type: ignore[misc]

    def to_pyarrow(self, expr: Any, /, **options: Any) -> Any:
        with self.running():
            return super().to_pyarrow(expr, **options)  # type: ignore[misc]

    def to_pyarrow_batches(self, expr: Any, /, **options: Any) -> Any:
        # Read to the end inside the guard: a stream would outlive it.
        with self.running(), super().to_pyarrow_batches(expr, **options) as reader:  # type: ignore[misc]
            return reader.read_all().to_reader()


def _untouched(_compiler: Any, _op: Any, *, query: str, **_rest: Any) -> Any:
    """The user's SQL as a subquery, letter by letter.

    Ibis would parse and print it again, and that changes meanings: DuckDB's `tags->>'a.b'`, the key "a.b", comes out as
    `tags->>'$.a.b'`, the path a, b, which is NULL.
    """
    import sqlglot as sg
    import sqlglot.expressions as sge

    alias = sge.TableAlias(this=sg.to_identifier("calls", quoted=True))
    return sg.select(sge.Star()).from_(sge.Subquery(this=sge.Var(this=f"\n{query}\n"), alias=alias)).subquery()


def guarded(backend: type[Any], running: Callable[[], AbstractContextManager[None]]) -> type[Any]:
    """A subclass of an Ibis backend: expressions run inside `running()`, the SQL of `.sql()` stays as it is."""
    import ibis

    # Ibis merges nested SELECTs at a cost that exceeds that of a minute's query; every engine does it itself.
    ibis.options.sql.fuse_selects = False
    compiler = type(backend.compiler)
    untouched = type(f"Untouched{compiler.__name__}", (compiler,), {"visit_SQLQueryResult": _untouched})
    members = {"compiler": untouched(), "running": staticmethod(running)}
    return type(f"Guarded{backend.name.title()}", (_Guarded, backend), members)
