"""A look at single rows of a table, as they lie there and as they are mapped: for `check --connect`."""

from collections.abc import Mapping
from datetime import datetime

import ibis

from monitor.canonical import IBIS_TYPES
from monitor.sources.engines.base import Given
from monitor.sources.projection import Projection

LONGEST_TEXT = 20_000  # of a value; what is shown of it is far shorter

Texts = dict[str, str | None]


def side_by_side(projection: Projection, since: datetime, until: datetime, limit: int) -> list[tuple[Texts, Texts]]:
    """The newest rows of `[since, until)`: the columns of the table, and the canonical ones, all as text."""
    engine, place = projection.engine, projection.place
    raw = {
        name: engine.cast(engine.quote(name), "string", given)
        for name, given in engine.describe(f"SELECT * FROM {place.relation}").items()
    }
    mapped = {
        column.name: engine.cast(projection.cast(column), "string", Given("other", column.type))
        for column in place.canonical.columns
        if column.name in projection.expressions
    }
    time = next(column for column in place.canonical.columns if column.name == place.canonical.time)
    selected = {"at": projection.cast(time), **_numbered("r", raw), **_numbered("m", mapped)}
    columns = ", ".join(f"{value} AS {engine.quote(name)}" for name, value in selected.items())
    query = f"SELECT {columns} FROM {place.relation} WHERE {projection.condition(since, until)}"
    schema = dict.fromkeys(selected, IBIS_TYPES["string"]) | {"at": IBIS_TYPES["timestamp"]}
    table = engine.table(query, schema)
    texts = {name: table[name].left(LONGEST_TEXT) for name in selected if name != "at"}
    rows = table.order_by(ibis.desc(table["at"])).limit(limit).select(**texts).to_pyarrow().to_pylist()
    return [(_named("r", raw, row), _named("m", mapped, row)) for row in rows]


def rows_without_time(projection: Projection) -> int:
    """How many rows have no time that can be read; the whole table is searched unless an index knows."""
    engine, place = projection.engine, projection.place
    time = next(column for column in place.canonical.columns if column.name == place.canonical.time)
    query = f"SELECT COUNT(*) AS {engine.quote('n')} FROM {place.relation} WHERE {projection.cast(time)} IS NULL"
    return int(engine.table(query, {"n": IBIS_TYPES["integer"]}).to_pyarrow()["n"][0].as_py())


def _numbered(prefix: str, columns: Mapping[str, str]) -> dict[str, str]:
    # The table's own names may be anything, and some engines fold them.
    return {f"{prefix}{number}": value for number, value in enumerate(columns.values())}


def _named(prefix: str, columns: Mapping[str, str], row: Texts) -> Texts:
    return {name: row[f"{prefix}{number}"] for number, name in enumerate(columns)}
