"""Killed at every named place and started again: the store ends as if nothing had happened, and nothing is lost or doubled
beyond the promises of docs/architecture.md."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack

from monitor.failpoints import EXIT_STATUS, NAMES

HITS = (1, 3)  # the first time, and once more in the middle of the incident, counted from the restart
# Places that one life comes by in this order: the first time is like any other, or there is no third. One story has all.
ONCE = ("progress", "health", "maintain", "late")
UNDISTURBED = "undisturbed"
# Where the lives of a story end, one after the other.
STORIES: dict[str, list[str]] = {
    UNDISTURBED: [],
    **{f"once {when}": [f"{each}.{when}:1" for each in ONCE] for when in ("before_commit", "after_commit")},
    **{name: [f"{name}:{hit}" for hit in HITS] for name in NAMES if not name.startswith(ONCE)},
}


def key_of(scenario: str) -> str:
    return hashlib.md5(scenario.encode()).hexdigest()


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every story lived once, each with a channel and an integration of its own at the same two servers."""
    base = tmp_path_factory.mktemp("lives")
    with (
        FakeSlack(channels={f"C{key_of(name)[:9].upper()}": key_of(name) for name in STORIES}) as slack,
        FakePagerDuty() as pagerduty,
    ):
        asked = [
            {
                "name": name,
                "folder": str(base / str(number)),
                "failpoints": failpoints,
                "config": {
                    "token": slack.token,
                    "channel": key_of(name),
                    "slack": slack.api_url,
                    "key": key_of(name),
                    "pagerduty": pagerduty.base,
                },
            }
            for number, (name, failpoints) in enumerate(STORIES.items())
        ]
        program = Path(__file__).parent / "crash_story.py"
        environment = {**os.environ, "NO_PROXY": "*", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, str(program)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results = {result["name"]: result for result in map(json.loads, done.stdout.splitlines())}
        yield results, slack, pagerduty, done.stderr


def test_every_named_place_is_in_a_story() -> None:
    assert {each.partition(":")[0] for failpoints in STORIES.values() for each in failpoints} == set(NAMES)


@pytest.mark.parametrize("scenario", STORIES)
def test_after_a_kill_the_store_ends_as_if_nothing_had_happened(lives: Any, scenario: str) -> None:
    results, _, _, errors = lives
    result = results[scenario]
    assert result["kills"] == [EXIT_STATUS] * len(STORIES[scenario]), errors
    assert result["last"] == 0, errors
    assert result["rows"] == results[UNDISTURBED]["rows"]


@pytest.mark.parametrize("scenario", STORIES)
def test_pagerduty_opens_one_incident_and_closes_it(lives: Any, scenario: str) -> None:
    _, _, pagerduty, _ = lives
    incidents = [incident for incident in pagerduty.incidents if incident.routing_key == key_of(scenario)]
    assert [incident.status for incident in incidents] == ["resolved"]


@pytest.mark.parametrize("scenario", STORIES)
def test_slack_repeats_a_message_once_at_most_and_says_so(lives: Any, scenario: str) -> None:
    _, slack, _, _ = lives
    channel = f"C{key_of(scenario)[:9].upper()}"
    roots = [message for message in slack.roots if message.channel == channel]
    replies = [message for message in slack.messages if message.channel == channel and message.thread_ts]
    for sent in (roots, replies):
        assert len(sent) in ((1, 2) if scenario.startswith("deliver.") else (1,))
        if len(sent) == 2:
            assert any("repetition" in message.text for message in sent)


def test_the_story_has_everything_that_can_go_wrong(lives: Any) -> None:
    results, *_ = lives
    rows = results[UNDISTURBED]["rows"]
    states = Counter((json.loads(row)["from_state"], json.loads(row)["to_state"]) for row in rows["transition"])
    assert states == {("inactive", "firing"): 1, ("firing", "inactive"): 1}
    assert Counter(json.loads(row)["reason"] for row in rows["quarantine"]) == {"malformed_json": 1, "missing_id": 1}
    assert any(json.loads(row)["revision"] > 0 for row in rows["measurement"])
    assert [json.loads(row)["state"] for row in rows["outbox"]] == ["sent"] * 4
