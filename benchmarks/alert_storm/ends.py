"""The other ends of the receivers: what has arrived there, and what they say while they are out of order."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alerts.notifier import DeliveryError, Failure, Message, Receipt
from benchmarks.alert_storm.story import Outage


class Killed(BaseException):
    """The service dies here."""


@dataclass(frozen=True)
class Arrival:
    """A message that the other end has, and the minute in which it came."""

    minute: int
    message: Message


@dataclass
class End:
    """One receiver's other end; a time-out may hide that a message was taken.

    `kill` makes the service die at the next message, once it was taken.
    """

    name: str
    deduplicates: bool
    outages: list[Outage]
    kind: str = "scripted"
    minute: int = 0
    tried: int = 0
    kill: bool = False
    arrived: list[Arrival] = field(default_factory=list)

    def out_of_order(self, minute: int) -> Outage | None:
        """The outage at a minute."""
        return next((each for each in self.outages if each.stretch[0] <= minute < each.stretch[1]), None)

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Takes the message, unless it is out of order."""
        self.tried += 1
        outage = self.out_of_order(self.minute)
        if outage is not None:
            hidden = outage.failure is Failure.TIMEOUT and self.tried % 2 == 0
            if hidden:
                self.arrived.append(Arrival(self.minute, message))
            retry_after = 60.0 if outage.failure is Failure.RATE_LIMITED else None
            raise DeliveryError(outage.failure, "out of order", retry=True, retry_after_s=retry_after)
        self.arrived.append(Arrival(self.minute, message))
        if self.kill:
            self.kill = False
            raise Killed
        return Receipt({"id": message.key})

    def close(self) -> None:
        """Nothing is open."""
