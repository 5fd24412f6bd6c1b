"""A change of an alert's state as one line, for people."""

from rich.text import Text

from monitor.store import outbox
from monitor.store.tables import TransitionRow

COLOURS = {"firing": "red", "pending": "yellow", "no_data": "magenta", "error": "magenta", "inactive": "green"}


def line(row: TransitionRow, note: str = "") -> Text:
    """A transition as one line of text; labels come from the log and are never read as markup."""
    shape = outbox.transition_json(row)
    place = " / ".join([row.source, *shape["segment"].values(), *shape["labels"].values()])
    value = "" if row.value is None else f" at {row.value:.4g}"
    remark = note or row.reason
    return Text.assemble(
        (f"{row.at:%Y-%m-%d %H:%M} ", "dim"),
        (f"{row.to_state:9}", COLOURS[row.to_state]),
        f" {row.rule} on {place}{value}",
        f" ({remark})" if remark else "",
    )
