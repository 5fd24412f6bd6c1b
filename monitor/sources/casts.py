"""DuckDB SQL that turns whatever an expression gives into a canonical type; NULL where it cannot be read."""

from config.calls import ColumnType

_NUMBER = r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?"
_ZONED = r":[0-9.]+\s*(Z|z|UTC|GMT|[-+][0-9]{2}(:?[0-9]{2})?)$"
# Whole numbers below this are no epoch but a date such as 20240131, or a counter.
_FIRST_EPOCH = "1e8"
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")
_NUMERIC = ("DECIMAL", "DOUBLE", "FLOAT", "REAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_UNSIGNED = tuple(f"U{name}" for name in _NUMERIC[4:])
_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")


def cast(value: str, given: str, wanted: ColumnType, zone: str) -> str:
    """The SQL of one value.

    Args:
        value: SQL that is cheap to repeat, such as a column's name.
        given: DuckDB's type of it, as DESCRIBE shows it.
        wanted: the canonical type.
        zone: IANA name of the zone of times that carry none.
    """
    match wanted:
        case "timestamp":
            return _timestamp(value, given, zone)
        case "float":
            return _float(value, given)
        case "integer":
            return f"TRY_CAST({_text(value, given)} AS BIGINT)"
        case "boolean":
            return _boolean(value, given)
        case "json":
            return _json(value, given)
    return f"CAST(to_json({value}) AS VARCHAR)" if _nested(given) else f"CAST({value} AS VARCHAR)"


def present(value: str, given: str, wanted: ColumnType) -> str:
    """The condition that there is a value: in a number, time or truth value a blank text is none."""
    if given == "VARCHAR" and wanted != "string":
        return f"coalesce(trim({value}), '') <> ''"
    return f"{value} IS NOT NULL"


def _text(value: str, given: str) -> str:
    return f"trim({value})" if given == "VARCHAR" else value


def _nested(given: str) -> bool:
    return given.startswith(_NESTED) or given.endswith("]")


def _numeric(given: str) -> bool:
    return given.startswith((*_NUMERIC, *_UNSIGNED))


def _float(value: str, given: str) -> str:
    if given == "INTERVAL":
        return f"epoch({value})"
    number = f"TRY_CAST({_text(value, given)} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _boolean(value: str, given: str) -> str:
    if given == "BOOLEAN":
        return value
    if _numeric(given):
        return f"CASE {value} WHEN 1 THEN true WHEN 0 THEN false END"
    text = f"lower(trim(CAST({value} AS VARCHAR)))"
    return (
        f"CASE WHEN {text} IN ('true', 't', 'yes', 'y', '1', 'on') THEN true "
        f"WHEN {text} IN ('false', 'f', 'no', 'n', '0', 'off') THEN false END"
    )


def _json(value: str, given: str) -> str:
    """A text that is no JSON becomes a JSON string, so that whoever reads the column can parse it."""
    if given == "VARCHAR":
        valid = f"CASE WHEN json_valid({value}) THEN {value} ELSE CAST(to_json({value}) AS VARCHAR) END"
        return f"CASE WHEN trim({value}) <> '' THEN {valid} END"
    return f"CAST({value} AS VARCHAR)" if given == "JSON" else f"CAST(to_json({value}) AS VARCHAR)"


def _timestamp(value: str, given: str, zone: str) -> str:
    if given == "TIMESTAMP WITH TIME ZONE":
        return _plausible(value)
    if given in _NAIVE:
        return _plausible(f"CAST({value} AS TIMESTAMP) AT TIME ZONE '{zone}'")
    if _numeric(given):
        return _plausible(_epoch(value))
    # A comma before the fraction is how Python's logging writes it.
    text = f"replace(trim(CAST({value} AS VARCHAR)), ',', '.')"
    aware = f"TRY_CAST({text} AS TIMESTAMPTZ)"
    naive = f"coalesce(TRY_CAST({text} AS TIMESTAMP) AT TIME ZONE '{zone}', {aware})"
    return _plausible(
        f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN {_epoch(text)} "
        f"WHEN regexp_matches({text}, '{_ZONED}') THEN {aware} ELSE {naive} END"
    )


def _epoch(value: str) -> str:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size; rounded to a microsecond."""
    number = f"TRY_CAST({value} AS DECIMAL(38, 9))"
    exact = (
        f"CASE WHEN {number} < {_FIRST_EPOCH} THEN NULL "
        f"WHEN {number} < 1e11 THEN CAST(round({number} * 1000000) AS BIGINT) "
        f"WHEN {number} < 1e14 THEN CAST(round({number} * 1000) AS BIGINT) "
        f"WHEN {number} < 1e17 THEN CAST(round({number}) AS BIGINT) "
        f"ELSE CAST(CAST({number} AS HUGEINT) // 1000 AS BIGINT) END"
    )
    return f"TRY(make_timestamptz({exact}))"


def _plausible(moment: str) -> str:
    """Neither infinity nor a year that Python or pandas cannot hold."""
    return (
        f"CASE WHEN ({moment}) >= TIMESTAMPTZ '1970-01-01 00:00:00+00' "
        f"AND ({moment}) < TIMESTAMPTZ '2262-01-01 00:00:00+00' THEN ({moment}) END"
    )
