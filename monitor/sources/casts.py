"""DuckDB SQL that turns whatever an expression gives into a canonical type; NULL where it cannot be read.

It is written in three stages, each a SELECT over the one before, because every stage uses its value several times and
the value must then be short: the text would grow by a factor with each.
"""

from config.calls import ColumnType

NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")

_ZONED = r":[0-9.]+\s*(Z|z|UTC|GMT|[-+][0-9]{2}(:?[0-9]{2})?)$"
# Numbers below this are no epoch but a date such as 20240131, or a counter.
_FIRST_EPOCH = "100000000"
_NESTED = ("STRUCT", "MAP", "UNION")
_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_NUMERIC = ("DECIMAL", "DOUBLE", "FLOAT", *_SIGNED, *(f"U{name}" for name in _SIGNED))


def direct(given: str, wanted: ColumnType, *, filtered: bool) -> bool:
    """Whether a column of the log can be used as it is, so that its statistics serve.

    Args:
        given: DuckDB's type of it.
        wanted: the canonical type.
        filtered: whether whoever reads it asks for a range; a time that is not plausible is then left out anyway.
    """
    if wanted == "timestamp":
        return filtered and given == "TIMESTAMP WITH TIME ZONE"
    return (given, wanted) in (("VARCHAR", "string"), ("BIGINT", "integer"), ("BOOLEAN", "boolean"))


def prepared(value: str, given: str, wanted: ColumnType) -> str:
    """First stage: the value, as a text without what surrounds it where it is a text; NULL when there is none."""
    if wanted in ("string", "json"):
        return _text(value, given, wanted)
    if given in ("VARCHAR", "JSON"):
        text = f"trim(CAST({value} AS VARCHAR), ' \t\r\n\"')"
        # A comma before the fraction of a second is how Python's logging writes it.
        text = f"replace({text}, ',', '.')" if wanted == "timestamp" else text
        return f"nullif({text}, '')"
    if given == "INTERVAL" and wanted == "float":
        return f"epoch({value})"
    return value


def cast(value: str, given: str, wanted: ColumnType, zone: str) -> str:
    """Second stage.

    Args:
        value: what the first stage gave.
        given: DuckDB's type of the value before the first stage, as DESCRIBE shows it.
        wanted: the canonical type.
        zone: IANA name of the zone of times that carry none.
    """
    match wanted:
        case "timestamp":
            return _timestamp(value, given, zone)
        case "float":
            return f"TRY_CAST({value} AS DOUBLE)"
        case "integer":
            return f"TRY_CAST({value} AS BIGINT)"
        case "boolean":
            return _boolean(value, given)
        case "json":
            return f"CASE WHEN json_valid({value}) THEN {value} ELSE CAST(to_json({value}) AS VARCHAR) END"
    return value


def plausible(value: str, wanted: ColumnType) -> str:
    """Last stage: no infinity, no NaN, no year that Python or pandas cannot hold; a time of zero stands for unknown."""
    if wanted == "timestamp":
        first, last = "TIMESTAMPTZ '1970-01-02 00:00:00+00'", "TIMESTAMPTZ '2262-01-01 00:00:00+00'"
        return f"CASE WHEN {value} >= {first} AND {value} < {last} THEN {value} END"
    return f"CASE WHEN isfinite({value}) THEN {value} END" if wanted == "float" else value


def _text(value: str, given: str, wanted: ColumnType) -> str:
    nested = given.startswith(_NESTED) or given.endswith("]")
    if nested or (wanted == "json" and given not in ("VARCHAR", "JSON")):
        return f"CAST(to_json({value}) AS VARCHAR)"
    # A text that is no JSON becomes a JSON string in the second stage; a blank one says nothing.
    return f"nullif(trim({value}), '')" if wanted == "json" and given == "VARCHAR" else f"CAST({value} AS VARCHAR)"


def _boolean(value: str, given: str) -> str:
    if given == "BOOLEAN":
        return value
    if given.startswith(_NUMERIC):
        return f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END"
    text = f"lower(CAST({value} AS VARCHAR))"
    return (
        f"CASE WHEN {text} IN ('true', 't', 'yes', 'y', '1', 'on') THEN true "
        f"WHEN {text} IN ('false', 'f', 'no', 'n', '0', 'off') THEN false END"
    )


def _timestamp(value: str, given: str, zone: str) -> str:
    if given == "TIMESTAMP WITH TIME ZONE":
        return value
    if given in NAIVE:
        return f"CAST({value} AS TIMESTAMP) AT TIME ZONE '{zone}'"
    if given.startswith(_NUMERIC):
        return _epoch(value)
    aware = f"TRY_CAST({value} AS TIMESTAMPTZ)"
    naive = f"coalesce(TRY_CAST({value} AS TIMESTAMP) AT TIME ZONE '{zone}', {aware})"
    return f"coalesce({_epoch(value)}, CASE WHEN regexp_matches({value}, '{_ZONED}') THEN {aware} ELSE {naive} END)"


def _epoch(value: str) -> str:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size."""
    number = f"TRY_CAST({value} AS DECIMAL(38, 9))"
    return (
        f"make_timestamptz(CASE WHEN {number} < {_FIRST_EPOCH} THEN NULL "
        f"WHEN {number} < 100000000000 THEN CAST(round({number} * 1000000) AS BIGINT) "
        f"WHEN {number} < 100000000000000 THEN CAST(round({number} * 1000) AS BIGINT) "
        f"WHEN {number} < 100000000000000000 THEN CAST(round({number}) AS BIGINT) "
        f"WHEN {number} < 100000000000000000000 THEN CAST(CAST({number} AS HUGEINT) // 1000 AS BIGINT) END)"
    )
