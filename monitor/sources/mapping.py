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
from monitor.sources.expressions import Expressions, shown
from monitor.sources.records import Record

PLACE, POSITION = "__watchkeeper_place", "__watchkeeper_position"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Canonical rows as an Arrow table; (place, position, reason) of what was left out; unreadable values by column."""

    rows: Any
    bad: list[tuple[int, int, str]]
    unreadable: Counter[str]


class Mapper:
    """Maps the records of one stream of one source.

    Raises:
        SourceError: an expression cannot work; the text names it.
    """

    def __init__(self, expressions: Expressions, redactor: Redactor) -> None:
        self._expressions = expressions
        self._redactor = redactor
        self._names = expressions.mentioned()
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        self._connection.execute(f"SET TimeZone = '{expressions.zone}'")
        self._register(self.texts([], 0))
        types = expressions.types(self._connection, "records")
        self._select = expressions.select(types, "records", (PLACE, POSITION))
        self._mapped = set(types)

    def texts(self, records: Sequence[tuple[int, Record]], place: int) -> Any:
        """The fields of some records that the mapping needs, as an Arrow table of text.

        Args:
            records: position and record.
            place: a number that stands for the file.
        """
        columns = {name: _column([record.get(name) for _, record in records]) for name in self._names}
        columns[PLACE] = pa.array([place] * len(records), pa.int32())
        columns[POSITION] = pa.array([position for position, _ in records], pa.int64())
        return pa.table(columns)

    def map(self, texts: Any) -> Mapped:
        """Canonical rows of what `texts` gave, in its order, redacted.

        Raises:
            SourceError: an expression fails as a whole.
        """
        result = self._run(texts)
        rows = result.select(self._expressions.canonical.names)
        usable, bad = self._usable(result)
        canonical = rows.filter(usable).cast(self._expressions.canonical.schema)
        return Mapped(self._redacted(canonical), bad, self._unreadable(result))

    def close(self) -> None:
        """Lets the engine go."""
        self._connection.close()

    def _register(self, texts: Any) -> None:
        self._connection.register("records", texts)

    def _run(self, texts: Any) -> Any:
        self._register(texts)
        try:
            result = self._connection.execute(self._select).to_arrow_table()
        except duckdb.Error as error:
            raise SourceError(f"{self._expressions.key}: {shown(error)}") from error
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

    def _unreadable(self, result: Any) -> Counter[str]:
        counts = {name: pc.sum(result[f"{name}!"]).as_py() or 0 for name in self._mapped}
        return Counter({name: count for name, count in counts.items() if count})

    def _redacted(self, rows: Any) -> Any:
        for column in self._expressions.canonical.columns:
            if column.name in self._mapped and column.name in self._expressions.canonical.texts:
                redact = self._redactor.redact_json if column.type == "json" else self._redactor.redact
                encoded = rows[column.name].combine_chunks().dictionary_encode()
                # A system prompt comes with every call: each text is redacted once.
                clean = pa.array([None if text is None else redact(text) for text in encoded.dictionary.to_pylist()])
                index = rows.schema.get_field_index(column.name)
                rows = rows.set_column(index, rows.schema.field(index), clean.cast(pa.string()).take(encoded.indices))
        return rows


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
