"""Delivery: what a receiver gets, in which order, and what happens when it does not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
import stores
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlmodel import select

from alerts.grouping import Group
from alerts.notifier import Action, AlertView, DeliveryError, Failure, Message, Receipt
from monitor.counters import Counters
from monitor.deliver import GIVE_UP_AFTER, LONGEST_WAIT, Delivery, wait
from monitor.store import outbox
from monitor.store.database import Database
from monitor.store.tables import ChannelRow, GroupRow, OutboxRow

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@dataclass
class Scripted:
    """A receiver that answers as it is told: an error for each send in `answers`, then success.

    `arrived` is what the other end has, also of sends whose answer was lost.
    """

    deduplicates: bool = False
    kind: str = "scripted"
    answers: list[Exception | None] = field(default_factory=list)
    tried: list[Message] = field(default_factory=list)
    arrived: list[Message] = field(default_factory=list)
    refs: list[Mapping[str, str]] = field(default_factory=list)
    receipts: Callable[[Message], Receipt] = lambda message: Receipt({"ts": f"{message.key}-{message.action}"})

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        self.tried.append(message)
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or getattr(answer, "arrived", False):
            self.arrived.append(message)
            self.refs.append(dict(refs))
        if answer is not None:
            raise answer
        return self.receipts(message)

    def close(self) -> None:
        """Nothing is open."""

    def got(self) -> list[str]:
        """What the other end has, in words."""
        return [f"{each.key} {each.action}" for each in self.arrived]


def failing(
    failure: Failure, *, retry: bool = True, after: float | None = None, arrived: bool = False
) -> DeliveryError:
    """A failed send; with `arrived` the message was taken all the same."""
    error = DeliveryError(failure, f"the channel said {failure}", retry=retry, retry_after_s=after)
    error.arrived = arrived  # type: ignore[attr-defined]
    return error


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


def deliver(store: Database, **receivers: Scripted) -> Delivery:
    """Delivery to some receivers."""
    return Delivery(store, receivers, Counters({"channel": list(receivers)}))


def say(store: Database, *words: str, receiver: str = "slack", at: datetime = NOW) -> None:
    """Puts messages into the outbox: `a trigger`, `a update`, `a resolve`."""
    with store.transaction() as session:
        for word in words:
            key, action = word.split()
            view = AlertView({"rule": key, "source": "app"}, key, "resolved" if action == "resolve" else "firing", at)
            outbox.enqueue(
                session, Group(key, receiver), Message(key, _action(action), word, "warning", (view,), at), at
            )


def _action(word: str) -> Action:
    found: dict[str, Action] = {each: each for each in get_args(Action)}
    return found[word]


def steps(delivery: Delivery, count: int = 1, at: datetime = NOW, every: timedelta = SECOND) -> int:
    """Several steps, one every second."""
    return sum(delivery.step(at + number * every) for number in range(count))


def rows(store: Database) -> list[OutboxRow]:
    """The outbox, oldest first."""
    with store.reading() as session:
        return sorted(session.exec(select(OutboxRow)), key=lambda row: row.id or 0)


def row_states(store: Database) -> list[str]:
    return [row.state for row in rows(store)]


def channel(store: Database, name: str = "slack") -> ChannelRow:
    with store.reading() as session:
        return outbox.channels(session)[name]


def the_group(store: Database, key: str = "a") -> GroupRow:
    with store.reading() as session:
        return session.get_one(GroupRow, key)


# Order


def test_messages_go_out_in_order_one_a_receiver_a_step(store: Database) -> None:
    slack, pager = Scripted(), Scripted(deduplicates=True)
    delivery = deliver(store, slack=slack, pager=pager)
    say(store, "a trigger", "b trigger")
    say(store, "c trigger", receiver="pager")
    assert steps(delivery) == 2
    assert (slack.got(), pager.got()) == (["a trigger"], ["c trigger"])
    assert steps(delivery, 3) == 1
    assert slack.got() == ["a trigger", "b trigger"]
    assert row_states(store) == ["sent"] * 3
    assert delivery.waiting() == []


def test_a_message_waits_for_the_one_before_it_in_its_group_and_lets_others_pass(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.SERVER_ERROR)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve", "b trigger")
    steps(delivery, 4, at=NOW + SECOND)
    assert slack.got() == ["b trigger"]
    steps(delivery, 3, at=NOW + 5 * SECOND)
    assert slack.got() == ["b trigger", "a trigger", "a resolve"]


def test_what_is_sent_is_what_was_enqueued(store: Database) -> None:
    slack = Scripted()
    view = AlertView({"rule": "\0", "source": "é"}, "s", "firing", NOW, value=0.1, exemplars=("x",))
    message = Message("a", "trigger", "<b>", "critical", (view,), NOW.replace(microsecond=7), replay=True)
    with store.transaction() as session:
        outbox.enqueue(session, Group("a", "slack"), message, NOW)
    steps(deliver(store, slack=slack))
    assert slack.arrived == [replace(message, sent_at=NOW)]


def test_a_message_says_when_it_is_sent_not_when_it_was_first_tried(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.SERVER_ERROR)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery, 6)
    assert [(each.at, each.sent) for each in slack.tried] == [(NOW, NOW), (NOW, NOW + 5 * SECOND)]


# Failures


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (5000, 300)])
def test_the_wait_doubles_up_to_five_minutes(attempts: int, seconds: float) -> None:
    assert wait(attempts, None) == timedelta(seconds=seconds) <= LONGEST_WAIT
    assert wait(attempts, 1) == timedelta(seconds=seconds)
    assert wait(attempts, 1800) == timedelta(seconds=1800)


def test_a_failed_message_is_tried_again_with_growing_pauses(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNREACHABLE) for _ in range(4)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    tries = []
    for number in range(120):
        before = len(slack.tried)
        delivery.step(NOW + number * SECOND)
        tries += [number] * (len(slack.tried) - before)
    assert tries == [0, 5, 15, 35, 75]
    assert row_states(store) == ["sent"]


def test_a_channel_that_asks_to_slow_down_gets_nothing_at_all_until_then(store: Database) -> None:
    slack, pager = Scripted(answers=[failing(Failure.RATE_LIMITED, after=30)]), Scripted()
    delivery = deliver(store, slack=slack, pager=pager)
    say(store, "a trigger", "b trigger", "a resolve")
    say(store, "c trigger", receiver="pager")
    steps(delivery, 30)
    assert (len(slack.tried), pager.got()) == (1, ["c trigger"])
    steps(delivery, 3, at=NOW + 30 * SECOND)
    assert slack.got() == ["b trigger"]  # the incident of a was over before anybody could be told


def test_a_permanent_failure_ends_the_message_and_the_channel_is_failing(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNAUTHORIZED, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery, 50)
    (row,) = rows(store)
    assert (row.state, row.failure, row.detail, row.finished_at) == (
        "failed",
        "unauthorized",
        "the channel said unauthorized",
        NOW,
    )
    assert (channel(store).failing_since, channel(store).failure) == (NOW, "unauthorized")
    assert len(slack.tried) == 1


def test_a_channel_fails_since_its_first_failure_and_a_success_heals_it(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.TIMEOUT), failing(Failure.SERVER_ERROR)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery, 10)
    assert (channel(store).failing_since, channel(store).failure) == (NOW, "server_error")
    assert channel(store).last_success_at is None
    steps(delivery, at=NOW + MINUTE)
    healed = channel(store)
    assert (healed.failing_since, healed.failure, healed.last_success_at) == (None, None, NOW + MINUTE)


def test_a_channel_to_which_nothing_is_left_to_send_is_unknown_and_not_failing(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.RATE_LIMITED), failing(Failure.RATE_LIMITED)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger", "b trigger")
    steps(delivery, 8)
    say(store, "a resolve")
    steps(delivery, 2, at=NOW + 8 * SECOND)
    assert channel(store).failing_since == NOW  # b waits: it will show
    say(store, "b resolve")
    steps(delivery, 20, at=NOW + 10 * SECOND)
    assert row_states(store) == ["superseded"] * 4
    unknown = channel(store)
    assert (unknown.failing_since, unknown.failure, unknown.last_success_at) == (None, None, None)


def test_a_channel_that_refused_a_message_for_good_fails_until_it_takes_one(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNAUTHORIZED, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve")
    steps(delivery, 20)
    assert row_states(store) == ["failed", "superseded"]
    assert channel(store).failing_since == NOW
    say(store, "b trigger")
    steps(delivery)
    assert channel(store).failing_since is None


def test_after_a_day_a_message_is_given_up(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNREACHABLE) for _ in range(2)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery, 1)
    steps(delivery, 1, at=NOW + GIVE_UP_AFTER + SECOND)
    assert row_states(store) == ["failed"]


def test_an_error_that_nobody_foresaw_is_shown_waits_like_others_and_holds_up_no_other_receiver(
    store: Database,
) -> None:
    broken, slack = Scripted(answers=[ZeroDivisionError("secret-word")]), Scripted()
    delivery = deliver(store, broken=broken, slack=slack)
    say(store, "a trigger", receiver="broken")
    say(store, "b trigger")
    with pytest.raises(ZeroDivisionError):
        delivery.step(NOW)
    steps(delivery, 4, at=NOW + SECOND)
    assert slack.got() == ["b trigger"]
    assert len(broken.tried) == 1
    row = rows(store)[0]
    assert (row.state, row.failure, row.due_at) == ("pending", "unexpected", NOW + 5 * SECOND)
    assert "secret-word" not in (row.detail or "")
    assert channel(store, "broken").failing_since == NOW


def test_attempts_are_counted_by_what_came_of_them(store: Database) -> None:
    counters = Counters({"channel": ["slack"]})
    slack = Scripted(answers=[failing(Failure.TIMEOUT)])
    delivery = Delivery(store, {"slack": slack}, counters)
    say(store, "a trigger")
    steps(delivery, 10)
    counted = counters.counted().counts["deliveries"]
    assert {labels: count for labels, count in counted.items() if count} == {
        ("slack", "delivered"): 1,
        ("slack", "timeout"): 1,
    }


# What need not be said


def test_a_change_that_a_later_message_covers_is_not_sent(store: Database) -> None:
    slack = Scripted()
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a update", "a update", "b trigger", "a resolve")
    steps(delivery, 5)
    assert slack.got() == ["a trigger", "b trigger", "a resolve"]
    assert row_states(store) == ["sent", "superseded", "superseded", "sent", "sent"]


def test_an_incident_that_ended_before_anybody_was_told_is_not_sent(store: Database) -> None:
    slack, pager = Scripted(), Scripted(deduplicates=True)
    delivery = deliver(store, slack=slack, pager=pager)
    say(store, "a trigger", "a update", "a resolve", "a trigger")
    say(store, "b trigger", "b resolve", receiver="pager")
    steps(delivery, 5)
    assert (slack.got(), pager.got()) == (["a trigger"], [])
    assert row_states(store) == ["superseded"] * 3 + ["sent"] + ["superseded"] * 2


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.SERVER_ERROR, Failure.UNEXPECTED, Failure.UNREACHABLE])
@pytest.mark.parametrize("then", [None, Failure.RATE_LIMITED])
@pytest.mark.parametrize("deduplicates", [True, False])
def test_an_opening_that_may_have_arrived_is_closed(
    store: Database, failure: Failure, then: Failure | None, deduplicates: bool
) -> None:
    answers: list[Exception | None] = [failing(failure, arrived=True)]
    receiver = Scripted(deduplicates, answers=[*answers, failing(then)] if then else answers)
    delivery = deliver(store, slack=receiver)
    say(store, "a trigger")
    steps(delivery, 12)
    say(store, "a resolve")
    steps(delivery, 30, at=NOW + 12 * SECOND)
    assert receiver.got()[0] == "a trigger"
    assert receiver.got()[-1] == "a resolve"
    assert [each.repeated for each in receiver.arrived if each.action == "trigger"] == [False, not deduplicates]


def test_an_opening_that_was_certainly_refused_is_dropped_with_its_end(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.RATE_LIMITED)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve")
    steps(delivery, 20)
    assert (slack.got(), row_states(store)) == ([], ["superseded", "superseded"])


def test_the_end_of_what_was_never_delivered_is_not_sent(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.BAD_REQUEST, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve", "a trigger")
    steps(delivery, 5)
    assert (slack.got(), row_states(store)) == (["a trigger"], ["failed", "superseded", "sent"])


def test_where_a_resolve_too_many_does_no_harm_it_is_sent_to_be_safe(store: Database) -> None:
    pager = Scripted(deduplicates=True, answers=[failing(Failure.BAD_REQUEST, retry=False)])
    delivery = deliver(store, slack=pager)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve")
    steps(delivery, 5)
    assert pager.got() == ["a resolve"]


def test_an_incident_whose_end_could_not_be_told_is_ended_with_the_next_one(store: Database) -> None:
    slack = Scripted(answers=[None, failing(Failure.BAD_REQUEST, retry=False)])
    delivery = deliver(store, slack=slack)
    for word in ("a trigger", "a resolve"):
        say(store, word)
        steps(delivery)
    assert row_states(store) == ["sent", "failed"]
    say(store, "a trigger", "a resolve")
    steps(delivery, 3)
    assert slack.got()[-1] == "a resolve"


def test_a_change_of_what_never_arrived_is_an_opening(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.TOO_LARGE, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a update")
    steps(delivery)
    assert slack.got() == ["a trigger"]
    assert slack.arrived[0].title == "a update"
    say(store, "a update", "a resolve")
    steps(delivery, 3)
    assert slack.got() == ["a trigger", "a resolve"]


def test_a_replay_drops_nothing_for_a_later_message(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.BAD_REQUEST, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "x trigger", "x resolve", "a trigger", "a update", "a resolve")
    for number in range(8):
        delivery.step(NOW + number * SECOND, overtake=False)
    assert slack.got() == ["a trigger", "a update", "a resolve"]


def test_messages_to_a_receiver_that_is_gone_are_dropped(store: Database) -> None:
    delivery = deliver(store)
    say(store, "a trigger", "b trigger")
    steps(delivery)
    assert [(row.state, row.detail) for row in rows(store)] == [
        ("superseded", "the receiver is no longer configured"),
        ("superseded", "the receiver is no longer configured"),
    ]


# Acknowledgements


def test_that_somebody_has_it_is_told_after_the_opening_and_takes_nothing_away(store: Database) -> None:
    slack = Scripted(receipts=lambda message: Receipt({"ts": "1"} if message.action == "trigger" else {}))
    delivery = deliver(store, slack=slack)
    say(store, "a trigger", "a acknowledge", "a update")
    steps(delivery, 5)
    assert slack.got() == ["a trigger", "a acknowledge", "a update"]
    say(store, "a resolve")
    steps(delivery)
    assert slack.refs[-1] == {"ts": "1"}


def test_that_somebody_has_what_was_never_told_or_is_over_is_not_told(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.BAD_REQUEST, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger", "a acknowledge")
    steps(delivery, 3)
    say(store, "b trigger")
    steps(delivery)
    say(store, "b acknowledge", "b resolve")
    steps(delivery, 3)
    assert slack.got() == ["b trigger", "b resolve"]
    assert row_states(store) == ["failed", "superseded", "sent", "superseded", "sent"]


def test_an_acknowledgement_does_not_stand_for_the_change_before_it(store: Database) -> None:
    slack = Scripted()
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a update", "a acknowledge")
    steps(delivery, 3)
    assert slack.got() == ["a trigger", "a update", "a acknowledge"]


def test_an_end_is_tried_as_long_as_it_takes(store: Database) -> None:
    slack = Scripted(answers=[None, failing(Failure.UNREACHABLE), failing(Failure.UNREACHABLE)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    steps(delivery)
    say(store, "a resolve")
    for days in range(1, 4):
        steps(delivery, at=NOW + days * GIVE_UP_AFTER)
    assert slack.got() == ["a trigger", "a resolve"]


# Receipts


def test_what_the_opening_left_reaches_what_follows_and_is_forgotten_with_the_end(store: Database) -> None:
    slack = Scripted()
    delivery = deliver(store, slack=slack)
    for word in ("a trigger", "a update", "a resolve", "a trigger"):
        say(store, word)
        steps(delivery)
    assert slack.refs == [{}, {"ts": "a-trigger"}, {"ts": "a-update"}, {}]
    assert the_group(store).refs == {"ts": "a-trigger"}


def test_a_change_that_leaves_nothing_takes_nothing_away(store: Database) -> None:
    slack = Scripted(receipts=lambda message: Receipt({"ts": "1"} if message.action == "trigger" else {}))
    delivery = deliver(store, slack=slack)
    for word in ("a trigger", "a update", "a resolve"):
        say(store, word)
        steps(delivery)
    assert slack.refs == [{}, {"ts": "1"}, {"ts": "1"}]
    assert (the_group(store).refs, the_group(store).delivered) == ({}, False)


# Starting again


@pytest.mark.parametrize("deduplicates", [True, False])
def test_a_message_that_was_being_sent_is_sent_again_and_marked_where_it_would_show(
    store: Database, deduplicates: bool
) -> None:
    receiver = Scripted(deduplicates)
    delivery = deliver(store, slack=receiver)
    say(store, "a trigger")
    with store.transaction() as session:
        outbox.claim(session, rows(store)[0].id or 0)
    delivery.recover(NOW)
    steps(delivery, 3)
    assert [each.repeated for each in receiver.arrived] == [not deduplicates]
    assert row_states(store) == ["sent"]


@pytest.mark.parametrize("deduplicates", [True, False])
def test_an_incident_that_ended_while_nobody_knew_whether_it_was_told_is_closed(
    store: Database, deduplicates: bool
) -> None:
    receiver = Scripted(deduplicates)
    delivery = deliver(store, slack=receiver)
    say(store, "a trigger")
    with store.transaction() as session:
        outbox.claim(session, rows(store)[0].id or 0)
    say(store, "a resolve")
    delivery.recover(NOW)
    steps(delivery, 3)
    assert receiver.got() == ["a trigger", "a resolve"]


def test_a_message_whose_outcome_could_not_be_written_down_is_marked_when_it_is_sent_again(store: Database) -> None:
    slack = Scripted()
    delivery = deliver(store, slack=slack)
    say(store, "a trigger")
    with store.transaction() as session:
        outbox.claim(session, rows(store)[0].id or 0)
    steps(delivery)  # the same service: there was no start in between
    assert [each.repeated for each in slack.arrived] == [True]


def test_a_start_tries_openings_again_that_failed_for_good(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNAUTHORIZED, retry=False) for _ in range(2)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger", "b trigger")
    steps(delivery, 3)
    say(store, "b resolve")
    delivery.recover(NOW + HOUR)
    assert row_states(store) == ["pending", "failed", "pending"]
    steps(delivery, 3, at=NOW + HOUR)
    assert slack.got() == ["a trigger"]
    delivery.recover(NOW + 2 * HOUR)
    steps(delivery, 3, at=NOW + 2 * HOUR)
    assert slack.got() == ["a trigger"]


def test_a_start_tries_an_opening_again_although_somebody_took_it_on_meanwhile(store: Database) -> None:
    slack = Scripted(answers=[failing(Failure.UNAUTHORIZED, retry=False)])
    delivery = deliver(store, slack=slack)
    say(store, "a trigger", "a acknowledge")
    steps(delivery, 3)
    delivery.recover(NOW + HOUR)
    steps(delivery, 1, at=NOW + HOUR)
    assert slack.got() == ["a trigger"]


# Whatever happens


class Receiving(RuleBasedStateMachine):
    """Groups open, change and close; sends fail, are lost, or kill the service; time passes."""

    deduplicates = False
    keys = ("a", "b")

    @initialize()
    def begin(self) -> None:
        self.store = stores.in_memory()
        self.receiver = Scripted(self.deduplicates)
        self.now = NOW
        self.open: dict[str, int] = {}
        self.told = self.taken = 0
        self.delivery = deliver(self.store, slack=self.receiver)

    def teardown(self) -> None:
        self.receiver.answers.clear()
        self.delivery.recover(self.now)
        while self.delivery.waiting():
            self.now += HOUR
            self.delivery.step(self.now)
        self.what_arrived_is_legal()
        for key in self.keys:
            mine = [each for each in self.receiver.arrived if each.key == key and each.action != "acknowledge"]
            if key in self.open:
                assert mine, "an incident that is open was never told"
                assert mine[-1].title == f"{key} {self.open[key]}"
            elif mine:
                assert mine[-1].action == "resolve"
        self.store.close()

    @rule(key=st.sampled_from(keys), end=st.booleans())
    def decide(self, key: str, end: bool) -> None:
        action: Action = "trigger" if key not in self.open else "resolve" if end else "update"
        self.told += 1
        if action == "resolve":
            del self.open[key]
        else:
            self.open[key] = self.told
        with self.store.transaction() as session:
            message = Message(key, action, f"{key} {self.told}", "warning", (), self.now)
            outbox.enqueue(session, Group(key, "slack"), message, self.now)

    @rule(key=st.sampled_from(keys))
    def take_on(self, key: str) -> None:
        if key in self.open:
            self.taken += 1
            with self.store.transaction() as session:
                message = Message(key, "acknowledge", f"{key} taken {self.taken}", "warning", (), self.now)
                outbox.enqueue(session, Group(key, "slack"), message, self.now)

    @rule(
        failure=st.sampled_from([Failure.TIMEOUT, Failure.SERVER_ERROR, Failure.UNREACHABLE]),
        arrived=st.booleans(),
    )
    def doubtful(self, failure: Failure, arrived: bool) -> None:
        self.receiver.answers.append(failing(failure, arrived=arrived))

    @rule(after=st.none() | st.integers(1, 60))
    def refused(self, after: int | None) -> None:
        self.receiver.answers.append(failing(Failure.RATE_LIMITED, after=after))

    @rule(arrived=st.booleans())
    def killed_while_sending(self, arrived: bool) -> None:
        killed = KeyboardInterrupt()
        killed.arrived = arrived  # type: ignore[attr-defined]
        self.receiver.answers.append(killed)  # type: ignore[arg-type]

    @rule(seconds=st.sampled_from([1, 1, 5, 60, 600]))
    def step(self, seconds: int) -> None:
        self.now += seconds * SECOND
        try:
            self.delivery.step(self.now)
        except KeyboardInterrupt:
            self.delivery = deliver(self.store, slack=self.receiver)
            self.delivery.recover(self.now)

    @invariant()
    def what_arrived_is_legal(self) -> None:
        for key in self.keys:
            is_open = False
            seen = set[str]()
            for message in getattr(self, "receiver", Scripted()).arrived:
                if message.key != key:
                    continue
                again = message.title in seen
                seen.add(message.title)
                assert again <= (message.repeated or self.deduplicates), "a repetition is marked"
                assert is_open or message.action == "trigger" or again
                assert not is_open or message.action != "trigger" or again
                is_open = message.action != "resolve"


TestReceiving = Receiving.TestCase
TestReceiving.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
