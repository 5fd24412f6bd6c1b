"""Changes of alerts' states: as they come, and each as one line, for people."""

from rich.text import Text

from monitor.store import outbox
from monitor.store.database import Database
from monitor.store.tables import TransitionRow

MOST_SHOWN = 1_000
COLOURS = {"firing": "red", "pending": "yellow", "no_data": "magenta", "error": "magenta", "inactive": "green"}


class News:
    """Gives every transition of a store once; of more than `MOST_SHOWN` since the last look, the newest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = 0

    def take(self) -> list[TransitionRow]:
        """The transitions since the last look, oldest first."""
        with self._database.reading() as session:
            rows = outbox.transitions(session, MOST_SHOWN, self._seen)[::-1]
        if rows:
            self._seen = rows[-1].id or self._seen
        return rows


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
