"""The canary: a synthetic incident goes through the service's own decision, pipeline and delivery, and is followed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stores
from prometheus_client.parser import text_string_to_metric_families

from alerts.notifier import DeliveryError, Failure, Message, Receipt
from config.receivers import SlackReceiver, WebhookReceiver
from config.settings import Settings
from monitor.canary import CANARY, SUMMARY, Canary
from monitor.commands.canary import Asked, canary
from monitor.counters import Counters
from monitor.decide import decide_health
from monitor.deliver import Delivery
from monitor.exporter import Exporter
from monitor.house import House
from monitor.reading.desk import TextDesk
from monitor.store import canaries, states
from monitor.store.database import Database
from monitor.survey import survey

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
RECEIVERS = {
    "slack": SlackReceiver.model_validate({"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/x"}),
    "hook": WebhookReceiver.model_validate({"kind": "webhook", "url": "http://127.0.0.1:9/", "group_by": ["rule"]}),
}


@dataclass
class End:
    """The other end of a receiver."""

    receipt: Receipt = field(default_factory=Receipt)
    error: DeliveryError | None = None
    kind: str = "scripted"
    deduplicates: bool = False
    got: list[Message] = field(default_factory=list)

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        if self.error is not None:
            raise self.error
        self.got.append(message)
        return self.receipt

    def close(self) -> None:
        """Nothing is open."""


class Running:
    """A service that looks at its health every ten seconds and delivers every second, on a clock of its own."""

    def __init__(self, store: Database, **ends: End) -> None:
        self.house = House(Settings(receivers=RECEIVERS), store, {}, Counters(), TextDesk(Settings().text))
        self.delivery = Delivery(store, ends, self.house.counters)
        self.now = NOW

    def seconds(self, count: int, run: Canary | None = None) -> bool:
        """Lets time pass; the run looks twice as often as the service acts. Whether it has come to its end."""
        for _ in range(count):
            self.now += SECOND
            if not (self.now - NOW) % (10 * SECOND):
                decision = decide_health(self.house, self.now)
                with self.house.database.transaction() as session:
                    decision.save(session, self.now)
            self.delivery.step(self.now)
            if run is not None and run.look(self.now):
                return True
        return False


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


def test_it_reaches_every_receiver_and_comes_back(store: Database) -> None:
    slack, hook = End(Receipt({"ts": "1"})), End()
    service = Running(store, slack=slack, hook=hook)
    run = Canary.begin(store, "run-1", ["slack", "hook"], NOW)
    assert service.seconds(60, run)
    assert run.finish(service.now) == []
    for end in (slack, hook):
        assert [(each.action, each.test) for each in end.got] == [("trigger", True), ("resolve", True)]
        assert {each.alerts[0].summary for each in end.got} == {SUMMARY}
    assert run.fired == NOW + 10 * SECOND
    assert {name: leg.refs for name, leg in run.legs.items()} == {"slack": True, "hook": False}
    assert all(leg.made and leg.sent and leg.over and leg.made <= leg.sent <= leg.over for leg in run.legs.values())
    with store.reading() as session:
        assert canaries.last(session, canaries.PASSED) == canaries.Outcome(service.now, (service.now - NOW) / SECOND)
        assert states.alerts(session) == {}


def test_a_receiver_that_does_not_take_it_is_named_with_the_reason_and_the_others_are_told(store: Database) -> None:
    slack, hook = End(error=DeliveryError(Failure.UNAUTHORIZED, "the token is wrong", retry=False)), End()
    service = Running(store, slack=slack, hook=hook)
    run = Canary.begin(store, "run-1", ["slack", "hook"], NOW)
    service.seconds(90, run)
    assert run.finish(service.now) == ["slack: the message was not delivered: unauthorized: the token is wrong"]
    assert [each.action for each in hook.got] == ["trigger", "resolve"]
    with store.reading() as session:
        assert canaries.last(session, canaries.FAILED) == canaries.Outcome(service.now, None)


def test_a_service_that_does_nothing_is_what_failed(store: Database) -> None:
    run = Canary.begin(store, "run-1", ["slack"], NOW)
    assert not run.look(NOW + MINUTE)
    assert run.finish(NOW + MINUTE) == ["the service did not make an alert of it: does its health check run?"]


def test_only_the_receivers_that_were_asked_for_are_told(store: Database) -> None:
    slack, hook = End(), End()
    service = Running(store, slack=slack, hook=hook)
    assert service.seconds(60, Canary.begin(store, "run-1", ["hook"], NOW))
    assert (len(slack.got), len(hook.got)) == (0, 2)


def test_an_incident_whose_command_died_ends_by_itself(store: Database) -> None:
    hook = End()
    service = Running(store, hook=hook)
    Canary.begin(store, "run-1", ["hook"], NOW)
    service.seconds(15)
    assert [each.action for each in hook.got] == ["trigger"]
    service.now = NOW + canaries.LONGEST
    service.seconds(15)
    assert [each.action for each in hook.got] == ["trigger", "resolve"]


def test_two_runs_are_two_incidents(store: Database) -> None:
    hook = End()
    service = Running(store, hook=hook)
    first = Canary.begin(store, "run-1", ["hook"], NOW)
    assert service.seconds(60, first)
    first.finish(service.now)
    second = Canary.begin(store, "run-2", ["hook"], service.now)
    assert service.seconds(60, second)
    assert second.finish(service.now) == []


def test_metrics_say_when_the_last_one_passed_and_how_long_it_took(store: Database) -> None:
    service = Running(store, hook=End())
    run = Canary.begin(store, "run-1", ["hook"], NOW)
    assert service.seconds(60, run)
    run.finish(service.now)
    service.house.pulse.last_success_at = NOW
    exporter = Exporter(lambda: survey(service.house, service.now), lambda: service.now, MINUTE, "1")
    samples = {
        (sample.name.removeprefix("watchkeeper_"), sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(exporter.render().decode())
        for sample in family.samples
    }
    assert samples["canary_last_success_timestamp_seconds", None] == service.now.timestamp()
    assert samples["canary_duration_seconds", None] == (service.now - NOW) / SECOND
    assert samples["heartbeat_last_success_timestamp_seconds", None] == NOW.timestamp()
    assert samples["heartbeats_total", "withheld"] == 0
    assert ("canary_last_failure_timestamp_seconds", None) not in samples


def test_its_messages_are_marked_as_tests_and_are_no_emergency(store: Database) -> None:
    hook = End()
    service = Running(store, hook=hook)
    assert service.seconds(60, Canary.begin(store, "run-1", ["hook"], NOW))
    assert all(message.test and message.severity == "info" for message in hook.got)
    assert all(message.alerts[0].labels["rule"] == CANARY for message in hook.got)


CONFIG = """
receivers: {hook: {kind: webhook, url: "http://127.0.0.1:9/"}}
"""


@pytest.mark.parametrize(
    ("config", "asked", "problem"),
    [
        ("{}", Asked((), "1m"), "no receiver is configured"),
        (CONFIG, Asked(("hok",), "1m"), "unknown receiver 'hok': did you mean 'hook'?"),
        (CONFIG, Asked((), "soon"), "--timeout: 'soon' is not a duration"),
        (CONFIG, Asked((), "1m"), "no service has run with this configuration yet"),
    ],
)
def test_without_a_running_service_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, asked: Asked, problem: str
) -> None:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text(config)
    assert canary(path, asked) == 2
    assert problem in capsys.readouterr().err
