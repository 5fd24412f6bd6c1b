"""How the heartbeat is doing, as the service remembers it: the other end remembers the rest."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Pulse:
    """When the other end last took a heartbeat, and what keeps it back now."""

    last_success_at: datetime | None = None
    troubles: tuple[str, ...] = ()
