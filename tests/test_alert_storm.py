"""The storm of benchmarks/alert_storm, shorter: what the architecture promises holds, and the audit would see if not."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import stores

from alerts.notifier import Message
from alerts.rules import State
from detectors.measurement import Segment

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are not installed

from benchmarks.alert_storm import audit, people
from benchmarks.alert_storm.__main__ import report
from benchmarks.alert_storm.ends import Arrival
from benchmarks.alert_storm.naive import Naive
from benchmarks.alert_storm.service import Service, running
from benchmarks.alert_storm.story import BEGIN, MINUTE, write


@pytest.fixture(scope="module")
def storm() -> Iterator[tuple[Service, Naive]]:
    """Three days, 12 segments, half an hour of trouble a day; the store is kept in memory over the restarts."""
    story = write(days=3, segments=12, seed=11, half=18)
    naive = Naive(story)
    with running(story, lambda before: before or stores.in_memory(), naive.read) as service:
        service.run()
        yield service, naive


@pytest.fixture
def service(storm: tuple[Service, Naive]) -> Iterator[Service]:
    """What has happened, put back as it was after a test has changed it."""
    found, _ = storm
    arrived = {name: list(end.arrived) for name, end in found.ends.items()}
    made, changes = list(found.journal.made), list(found.journal.changes)
    yield found
    found.journal.made[:], found.journal.changes[:] = made, changes
    for name, end in found.ends.items():
        end.arrived[:] = arrived[name]


def test_every_promise_is_kept_and_a_naive_notifier_sends_more(
    storm: tuple[Service, Naive], capsys: pytest.CaptureFixture[str]
) -> None:
    service, naive = storm
    assert report(service.story, service, naive) == 0, capsys.readouterr()
    assert service.journal.starts > 8
    assert len(audit.episodes(service)) > 20
    assert naive.counts["lost"] > 0
    assert naive.counts["stale"] > 0
    assert people.silenced(service)["told"] > 0
    assert service.journal.taken
    assert service.journal.late_changed > 0


def test_the_audit_sees_an_alert_that_nobody_was_told_of(service: Service) -> None:
    for end in service.ends.values():
        end.arrived[:] = [each for each in end.arrived if not _tells_of(each.message, "s000")]
    assert any("s000" in each for each in audit.lost(service))
    assert any("lacks" in each and "s000" in each for each in audit.left_open(service))


def test_the_audit_sees_what_comes_in_a_wrong_order_or_twice(service: Service) -> None:
    arrived = service.ends["slack"].arrived
    messages = [each.message for each in arrived]
    opening = next(at for at, each in enumerate(messages) if each.action == "trigger" and not each.repeated)
    arrived.insert(opening + 1, arrived[opening])
    wrong, twice = audit.order(service)
    assert (wrong, twice["unmarked"]) == ([], 1)
    del arrived[opening : opening + 2]
    assert audit.order(service)[0]


def test_the_audit_sees_what_is_left_open(service: Service) -> None:
    last = service.ends["slack"].arrived[-1]
    opened = next(each for each in service.ends["slack"].arrived if each.message.action == "trigger")
    service.ends["slack"].arrived.append(Arrival(last.minute, replace(opened.message, key="another")))
    assert any("slack has" in each for each in audit.left_open(service))


def test_the_audit_sees_a_group_that_speaks_too_often(service: Service) -> None:
    service.journal.made.append(service.journal.made[-1])
    assert len(audit.too_often(service)) == 1


def test_the_audit_sees_a_message_in_a_silence(service: Service) -> None:
    service.journal.made[0] = replace(service.journal.made[0], silenced=1)
    assert len(people.told_while_silent(service)) == 1


def test_the_audit_sees_what_becomes_of_an_acknowledgement(service: Service) -> None:
    made = service.journal.made
    said = next(each for each in made if each.message.action == "acknowledge" and each.group.receiver == "slack")
    made.append(replace(said, message=replace(said.message, reminder=True)))
    assert len(people.repeated_though_taken(service)) == 1
    made[:] = [each for each in made if each.message.action != "acknowledge"]
    assert people.taken_and_not_told(service)


def test_the_audit_sees_an_alert_that_late_calls_decided(service: Service) -> None:
    """It fires, or recovers, by numbers that came when its window was decided."""
    story, changes = service.story, service.journal.changes
    bad, calm = (number for each in story.mended[:2] for number in each.segments[:1])
    at = BEGIN + story.mended[0].stretch[1] * MINUTE
    like = next(each for each in changes if each.alert.rule == "errors" and each.after is State.FIRING)
    for segment, after, reason in ((calm, State.FIRING, ""), (bad, State.INACTIVE, "recovered")):
        alert = like.alert._replace(segment=Segment.of(service=story.segments[segment]))
        changes.append(replace(like, alert=alert, after=after, at=at, reason=reason))
    assert len(people.decided_by_late_calls(service)) == 2


def _tells_of(message: Message, name: str) -> bool:
    return any(view.labels.get("service") == name for view in message.alerts)
