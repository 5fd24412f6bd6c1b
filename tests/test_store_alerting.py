"""Groups, notifications, notes and silences in the store, and a store of an earlier release, on both engines."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stores
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from alerts.grouping import Group, fingerprint
from alerts.notifier import AlertView, Message
from alerts.silences import Silence
from alerts.steps import Outcome, Said
from alerts.verdicts import Verdict
from config.matchers import Matcher
from monitor.store import groups, history, outbox, silences
from monitor.store.database import MIGRATIONS, Database, create

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LABELS = {"rule": "errors", "source": "app", "service": "chät\u2028"}
VIEW = AlertView(LABELS | {"severity": "warning"}, "errors", "firing", NOW, value=0.5, exemplars=("x",))


def brought(url: str, to: str) -> None:
    """The store, brought to a release."""
    engine, config = create(url), Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, to)
    engine.dispose()


@pytest.mark.parametrize("engine", stores.ENGINES)
def test_what_an_earlier_release_left_is_named_and_what_is_kept_comes_back(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = stores.url_of(engine, tmp_path, request)
    brought(url, "0006")
    early = create(url)
    at: Any = NOW if engine == "postgresql" else f"{NOW:%Y-%m-%d %H:%M:%S.%f}"
    with early.begin() as connection:
        connection.execute(
            text(
                "insert into transition (rule, source, segment, labels, from_state, to_state, at, decided_at, reason,"
                " exemplars)"
                " values ('errors', 'app', :segment, '[]', 'inactive', 'firing', :at, :at, '', 'null')"
            ),
            {"segment": '[["service","chät\u2028"]]', "at": at},
        )
        connection.execute(
            text(
                "insert into alert_group (key, receiver, is_open, delivered, told, refs)"
                " values ('old', 'slack', true, true, '[]', '{}')"
            )
        )
    early.dispose()
    for database in stores.opened(url):
        _everything_comes_back(database)


def _everything_comes_back(database: Database) -> None:
    name = fingerprint(LABELS)
    with database.reading() as session:
        assert history.named(session, name[:3]) == [name]
        assert [row.to_state for row in history.transitions_of(session, name, 5)] == ["firing"]
        assert groups.all_that_matter(session, NOW) == {"old": Group("old", "slack", is_open=True)}
    waits = Group("k", "slack", False, (), (VIEW,), NOW, NOW - HOUR, digest=True, kept={name: "waiting"})
    idle = Group("i", "slack", told_at=NOW - HOUR)
    silence = Silence(0, (Matcher("service", "=~", "chät.*"),), NOW, NOW + HOUR, "alice", "r\u2028")
    message = Message("k", "trigger", "t", "warning", (VIEW,), NOW)
    verdict = Verdict(name, "slack", "k", Outcome.FIRST, (Said("deduplication", Outcome.FIRST, "the first"),))
    with database.transaction() as session:
        groups.save(session, [waits, idle])
        row = outbox.enqueue(session, Group("m", "slack"), message, NOW)
        number = silences.add(session, silence, NOW)
        session.flush()
        history.keep(session, verdict, row.id, NOW)
        history.say(session, name, history.ACKNOWLEDGE, ("alice", "mine"), NOW)
    with database.reading() as session:
        assert groups.group(session, "k", "slack") == waits
        assert set(groups.all_that_matter(session, NOW)) == {"old", "k", "m"}
        assert set(groups.all_that_matter(session, NOW - 2 * HOUR)) == {"old", "k", "m", "i"}
        assert silences.at(session, NOW) == [replace(silence, id=number)]
        assert silences.at(session, NOW + HOUR) == []
        (kept,) = history.notifications(session, name, 5)
        assert (kept.outcome, kept.steps) == ("first", [["deduplication", "first", "the first"]])
        assert history.newest_outcomes(session, [name, "other"]) == {name: {"slack": "first"}}
        assert history.newest_outcomes(session, []) == {}
        assert list(history.deliveries(session, [kept.outbox or 0])) == [row.id]
        assert history.acknowledged(session)[name].by == "alice"
    with database.transaction() as session:
        history.end_acknowledgements(session, [name], NOW + HOUR)
        groups.expire(session, NOW + HOUR, HOUR)
    with database.reading() as session:
        assert history.acknowledged(session) == {}
        assert groups.group(session, "i", "slack") == Group("i", "slack")
        assert groups.group(session, "k", "slack") == waits
