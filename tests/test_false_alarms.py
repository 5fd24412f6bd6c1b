"""How often a drift detector would have alarmed in its own past, told to users as the settings are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from monitor.false_alarms import in_its_past, share
from monitor.store import baselines
from monitor.store.baselines import ACCEPTED, CANDIDATE, StoredBaseline
from monitor.store.database import Database
from monitor.store.tables import BaselineRow

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTINGS = Settings.model_validate({"sources": {"chat": {"kind": "files", "paths": ["log.jsonl"]}}})
PAST = [(10.0, 4), (30.0, 2), (90.0, 1), (300.0, 0)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("store")
    database = Database.open(f"sqlite:///{folder}/state.db")
    with database.transaction() as session:
        for stream in ("prompt", "response"):
            baselines.add(session, row(stream, stream, ACCEPTED))
    yield database
    database.close()


def row(stream: str, version: str, state: str) -> BaselineRow:
    return BaselineRow(
        source="chat",
        segment="[]",
        stream=stream,
        version=version,
        state=state,
        fitted_at=NOW,
        fitted_from=NOW - 28 * DAY,
        fitted_until=NOW,
        length_s=3600,
        read_until=NOW,
        facts={},
        body=b"",
    )


def stored(stream: str, state: str = ACCEPTED) -> StoredBaseline:
    return baselines.stored(row(stream, f"{stream} {state}", state))


def test_it_is_said_how_often_this_setting_would_have_alarmed(store: Database) -> None:
    with store.reading() as session:
        said = in_its_past(session, SETTINGS, stored("prompt"), PAST)
    assert said.startswith(
        "on its last 28 days this setting would have alarmed 2 times, each week read by a fit on the"
    )
    # At a share of one in 47 days it would have been more often than once in 28.
    assert said.endswith("so the threshold is set for one in 90 days")


def test_a_larger_budget_of_days_is_looked_up_among_those_that_ask_for_no_more(store: Database) -> None:
    rare = SETTINGS.model_copy(update={"drift": SETTINGS.drift.model_copy(update={"false_alarms": 90 * DAY})})
    with store.reading() as session:
        assert "would have alarmed 1 time," in in_its_past(session, rare, stored("prompt"), PAST)
        assert "would have alarmed 4 times" in in_its_past(
            session,
            SETTINGS.model_copy(update={"drift": SETTINGS.drift.model_copy(update={"false_alarms": 2 * DAY})}),
            stored("prompt"),
            PAST,
        )


def test_of_a_short_baseline_nobody_can_tell_and_that_is_said(store: Database) -> None:
    with store.reading() as session:
        said = in_its_past(session, SETTINGS, stored("prompt"), [])
    assert said.startswith("how often it would have alarmed in its own past cannot be told: that takes three weeks")


def test_a_candidate_has_the_share_that_it_would_have_in_use(store: Database) -> None:
    with store.reading() as session:
        used = share(session, SETTINGS, stored("prompt")).days
        assert share(session, SETTINGS, stored("prompt", CANDIDATE)).days == used
        assert share(session, SETTINGS, stored("response_given_prompt", CANDIDATE)).days > used
