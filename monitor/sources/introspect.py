"""Looking at a table once: which canonical columns it has, what the expressions give, and what is wrong with them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches

from config.calls import Column
from config.types import format_duration
from monitor.sources.base import SourceError
from monitor.sources.engines.base import Engine, EngineError, Given, Kind
from monitor.sources.projection import FIRST, Place, Projection

_MOST_NAMED = 5
_NO_TIMES: tuple[Kind, ...] = ("boolean", "interval", "nested")


def introspect(engine: Engine, place: Place) -> Projection:
    """Plans the canonical SELECT without reading a row.

    1. The columns of the table: those with a canonical name are taken as they are, unless the user maps them.
    2. What each expression gives.
    3. The whole SELECT, as the engine sees it.

    Raises:
        SourceError: names every setting that cannot work.
    """
    try:
        present = engine.describe(f"SELECT * FROM {place.relation}")
    except EngineError as error:
        raise _bad_relation(engine, place, error) from None
    expressions = {name: engine.quote(name) for name in place.canonical.names if name in present}
    expressions |= {name: _closed(expression) for name, expression in place.columns.items()}
    if problems := _missing(place, expressions, present):
        raise SourceError("; ".join(problems))
    projection = Projection(engine, place, expressions, _types(engine, place, expressions))
    if problems := _impossible(projection):
        raise SourceError("; ".join(problems))
    try:
        engine.describe(projection.select(FIRST, FIRST + timedelta(seconds=1)))
    except EngineError as error:
        raise _bad_plan(projection, error) from None
    return projection


def culprit(projection: Projection, error: EngineError, since: datetime, until: datetime) -> SourceError | None:
    """The column at fault when a query over `[since, until)` failed, found by trying one after the other."""
    if error.cause not in ("data", "expression"):
        return None
    place = projection.place
    time = place.canonical.time
    # A time that cannot be read fails every range, so it is tried first, and without one.
    for column in sorted(place.canonical.columns, key=lambda column: column.name != time):
        if column.name not in projection.expressions:
            continue
        condition = "" if column.name == time else f" WHERE {projection.condition(since, until)}"
        query = f"SELECT COUNT({projection.cast(column)}) FROM {place.relation}{condition}"
        failure = projection.engine.attempt(query)
        if failure is not None:
            return (
                SourceError(f"{place.key}.columns.{column.name}: {failure}") if failure.cause == error.cause else None
            )
    return None


def settled(key: str, error: EngineError, timeout: timedelta) -> SourceError | None:
    """The error where its cause needs no search."""
    match error.cause:
        case "connection":
            return SourceError(f"{key}.url: {error}")
        case "timeout":
            return SourceError(
                f"{key}: a query ran longer than statement_timeout ({format_duration(timeout)}): "
                f"let an index serve, on the expression of started_at or by {key}.where, or allow more time"
            )
        case "cancelled":
            return SourceError(f"{key}: the query was cancelled")
    return None


def _closed(expression: str) -> str:
    # A comment at its end would swallow what the wrapper adds.
    return f"{expression.strip()}\n" if "--" in expression else expression.strip()


def _bad_relation(engine: Engine, place: Place, error: EngineError) -> Exception:
    if error.cause not in ("table", "expression"):
        return error
    hint = ""
    if place.table is not None and error.cause == "table":
        hint = _nearest(place.table, _tables(engine), "table")
    return SourceError(f"{place.relation_key}: {error}{hint}")


def _tables(engine: Engine) -> list[str]:
    try:
        return engine.tables()
    except EngineError:
        return []  # the first error is the one to tell


def _nearest(name: str, names: Iterable[str], what: str) -> str:
    """`; the nearest table is …`, whatever the case, the quotes and the schema."""
    plain = {each.replace('"', "").lower(): each for each in names}
    if not plain:
        return f"; there is no {what} that this user can see"
    wanted = name.replace('"', "").lower()
    last = {key.rpartition(".")[2]: each for key, each in plain.items()}
    close = [plain[key] for key in get_close_matches(wanted, plain, n=3, cutoff=0.6)]
    close += [last[key] for key in get_close_matches(wanted.rpartition(".")[2], last, n=3, cutoff=0.6)]
    found = list(dict.fromkeys(close)) or sorted(plain.values())[:_MOST_NAMED]
    return f"; {'the nearest' if close else 'there'} {'is' if len(found) == 1 else 'are'} {', '.join(found)}"


def _missing(place: Place, expressions: Mapping[str, str], present: Mapping[str, Given]) -> list[str]:
    shown = ", ".join(list(present)[:40])
    return [
        f"{place.key}.columns.{name}: the table has no column {name}, so an expression is needed here; it has {shown}"
        for name in place.canonical.required
        if name not in expressions
    ]


def _types(engine: Engine, place: Place, expressions: Mapping[str, str]) -> dict[str, Given]:
    selected = ", ".join(f"({expression}) AS {engine.quote(name)}" for name, expression in expressions.items())
    try:
        return engine.describe(f"SELECT {selected} FROM {place.relation}")
    except EngineError as error:
        if error.cause not in ("table", "expression", "data", "other"):
            raise
        probes = {
            name: f"SELECT ({expression}) AS probe FROM {place.relation}" for name, expression in expressions.items()
        }
        problems = _failing(engine, place, probes)
        raise SourceError("; ".join(problems) or f"{place.key}.columns: {error}") from None


def _failing(engine: Engine, place: Place, probes: Mapping[str, str]) -> list[str]:
    """The columns whose query cannot be planned, with the reason."""
    problems = []
    for name, probe in probes.items():
        try:
            engine.describe(probe)
        except EngineError as error:
            problems.append(f"{place.key}.columns.{name}: {error}")
        if len(problems) == _MOST_NAMED:
            break
    return problems


def _impossible(projection: Projection) -> list[str]:
    """Casts that some engines refuse and others answer with NULL."""
    return [
        f"{projection.place.key}.columns.{column.name}: gives {projection.types[column.name].name}, which is not a time"
        for column in projection.place.canonical.columns
        if column.type == "timestamp"
        and column.name in projection.types
        and projection.types[column.name].kind in _NO_TIMES
    ]


def _bad_plan(projection: Projection, error: EngineError) -> Exception:
    if error.cause not in ("table", "expression", "data", "other"):
        return error
    place = projection.place
    columns: list[Column] = [each for each in place.canonical.columns if each.name in projection.expressions]
    probes = {column.name: f"SELECT {projection.cast(column)} AS probe FROM {place.relation}" for column in columns}
    problems = _failing(projection.engine, place, probes)
    if not problems and place.where is not None:
        return SourceError(f"{place.key}.where: {error}")
    return SourceError("; ".join(problems) or f"{place.key}: {error}")
