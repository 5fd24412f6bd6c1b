"""From the records of a log to canonical rows: types, redaction, and what could not be used."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from monitor.redact import Redactor
from monitor.sources.base import SourceError
from monitor.sources.expressions import Expressions, quoted, shown
from monitor.sources.records import Record

PLACE, POSITION = "__watchkeeper_place", "__watchkeeper_position"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Canonical rows as an Arrow table; (place, position, reason) of what was left out; unreadable values by column."""

    rows: Any
    bad: list[tuple[int, int, str]]
    unreadable: Counter[str]


class Mapper:
    """Maps the records of one stream of one source. Every field of a record is a text to the expressions.

    Args:
        connection: to DuckDB, for this mapper alone; closed with it.

    Raises:
        SourceError: an expression cannot work; the text names it.
    """

    def __init__(self, expressions: Expressions, redactor: Redactor, connection: duckdb.DuckDBPyConnection) -> None:
        self._expressions = expressions
        self._redactor = redactor
        self._names = expressions.mentioned()
        self._connection = connection
        self._connection.execute(f"SET TimeZone = '{expressions.zone}'")
        texts = ", ".join(f"CAST(NULL AS VARCHAR) AS {quoted(name)}" for name in self._names)
        self._types = expressions.types(self._connection, f"(SELECT {texts} WHERE false)")
        self._queries: dict[frozenset[str], tuple[str, list[str]]] = {}

    def texts(self, records: Sequence[tuple[int, Record]], place: int) -> Any:
        """The fields of some records that the mapping needs and some record has, as an Arrow table of text.

        Args:
            records: position and record.
            place: a number that stands for the file.
        """
        there = set[str]().union(*(record.keys() for _, record in records))
        columns = {name: _column([record.get(name) for _, record in records]) for name in self._names if name in there}
        columns[PLACE] = pa.array([place] * len(records), pa.int32())
        columns[POSITION] = pa.array([position for position, _ in records], pa.int64())
        return pa.table(columns)

    def map(self, texts: Sequence[Any]) -> Mapped:
        """Canonical rows of what `texts` gave, in its order, redacted.

        Raises:
            SourceError: an expression fails as a whole.
        """
        table = pa.concat_tables(texts, promote_options="default")
        query, converted = self._query(frozenset(table.column_names))
        result = self._run(table, query)
        usable, bad = self._usable(result)
        rows = result.select(self._expressions.canonical.names).filter(usable)
        return Mapped(
            self._redacted(rows.cast(self._expressions.canonical.schema)), bad, _unreadable(result, converted)
        )

    def close(self) -> None:
        """Lets the engine go."""
        self._connection.close()

    def _query(self, there: frozenset[str]) -> tuple[str, list[str]]:
        """The query for records that have these fields, and the columns that it converts."""
        if there not in self._queries:
            missing = [name for name in self._names if name not in there]
            nulls = "".join(f", CAST(NULL AS VARCHAR) AS {quoted(name)}" for name in missing)
            # A canonical name that no record has needs no query; an expression may give a value nevertheless.
            types = {
                name: given
                for name, given in self._types.items()
                if name in there or name in self._expressions.explicit
            }
            query = self._expressions.select(types, f"(SELECT *{nulls} FROM records)", (PLACE, POSITION))
            self._queries[there] = (query, self._expressions.converted(types))
        return self._queries[there]

    def _run(self, texts: Any, query: str) -> Any:
        self._connection.register("records", texts)
        try:
            result = self._connection.execute(query).to_arrow_table()
        except duckdb.Error as error:
            raise SourceError(f"{self._expressions.key}: {shown(error)}") from error
        finally:
            self._connection.unregister("records")
        if result.num_rows != texts.num_rows:
            raise SourceError(
                f"{self._expressions.key}: {texts.num_rows} records became {result.num_rows} rows; "
                "an expression must give one value for each record"
            )
        return result

    def _usable(self, result: Any) -> tuple[Any, list[tuple[int, int, str]]]:
        """Which rows have an identity and a time, and what the others lack."""
        usable = pa.array([True] * result.num_rows, pa.bool_())
        bad = []
        for name in self._expressions.canonical.required:
            column = result[name]
            there = pc.is_valid(column)
            if pa.types.is_string(column.type):
                there = pc.and_(there, pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(column), ""), False))
            missing = result.filter(pc.and_(usable, pc.invert(there)))
            usable = pc.and_(usable, there)
            bad += [
                (place, position, f"missing_{name}")
                for place, position in zip(missing[PLACE].to_pylist(), missing[POSITION].to_pylist(), strict=True)
            ]
        return usable, bad

    def _redacted(self, rows: Any) -> Any:
        for column in self._expressions.canonical.columns:
            if column.name in self._expressions.canonical.texts and rows[column.name].null_count < rows.num_rows:
                redact = self._redactor.redact_json if column.type == "json" else self._redactor.redact
                encoded = rows[column.name].combine_chunks().dictionary_encode()
                # A system prompt comes with every call: each text is redacted once.
                clean = pa.array([None if text is None else redact(text) for text in encoded.dictionary.to_pylist()])
                index = rows.schema.get_field_index(column.name)
                rows = rows.set_column(index, rows.schema.field(index), clean.cast(pa.string()).take(encoded.indices))
        return rows


def _unreadable(result: Any, converted: list[str]) -> Counter[str]:
    """How many values were there but could not be read, by column."""
    counts = {name: pc.sum(pc.and_(result[f"{name}!"], pc.is_null(result[name]))).as_py() for name in converted}
    return Counter({name: count for name, count in counts.items() if count})


def _column(values: list[Any]) -> Any:
    return pa.array([value if value is None or type(value) is str else _text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # an integer of more than 64 bits, or deeper than orjson writes
        pass
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # deeper than whoever reads it could follow
        return None
