"""What a person reads when a command cannot do what it was asked for: words, never a traceback, and exit status 2."""

import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stores
from config_files import written

from config.load import load
from monitor.commands import alert_answers, baseline, history, messages, service, status
from monitor.commands.transitions import News
from monitor.opening import open_house
from monitor.store import quarantine
from monitor.store.manifest import Landing, Manifest, Quarantined
from monitor.store.tables import TransitionRow

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CONFIG = "sources: {chat: {kind: files, paths: [calls.jsonl]}}\n"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed as error, as one line."""
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    "command",
    [
        service.run,
        status.status,
        baseline.show_all,
        lambda config: messages.event(config, "deploy", "", ""),
        lambda config: history.backfill(config, ("2h", "1h")),
        lambda config: alert_answers.show_all(config, ("", "", "", 10), ended=False, as_json=False),
    ],
    ids=["run", "status", "baseline-list", "event", "backfill", "alerts-list"],
)
def test_a_state_directory_that_cannot_be_made_is_named(
    command: Callable[[Path], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert command(written(tmp_path, f"{CONFIG}store: {{directory: file/state}}\n")) == 2
    assert f"store.directory: {tmp_path}/file/state cannot be made: Not a directory; set it to a dir" in said(capsys)


def test_a_port_that_is_taken_is_named_by_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert service.run(written(tmp_path, f"{CONFIG}server: {{port: {port}}}\n")) == 2
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use; set server.host and" in said(capsys)


def test_the_first_command_on_a_new_machine_makes_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = written(tmp_path, CONFIG)
    assert baseline.show_all(config) == 0
    assert "nothing has been learnt yet" in capsys.readouterr().out
    assert (tmp_path / "watchkeeper-data" / "watchkeeper.db").exists()


@pytest.mark.parametrize("name", ["", "  "])
def test_an_event_needs_a_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.event(written(tmp_path, CONFIG), name, "", "") == 2
    assert "an event needs a name" in said(capsys)


def test_a_span_that_ends_before_it_starts_is_shown_as_it_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history.backfill(written(tmp_path, CONFIG), ("2026-03-02", "2026-03-01T12:00Z")) == 2
    assert "--from (2026-03-02 00:00 UTC) must be before --to (2026-03-01 12:00 UTC)" in said(capsys)


def test_a_test_message_needs_somebody_to_go_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert messages.notify_test(written(tmp_path, CONFIG), []) == 2
    assert "no receiver is configured, so nobody can be told" in said(capsys)
    receivers = "receivers: {team: {kind: webhook, url: 'https://example.org/x'}}\n"
    assert messages.notify_test(written(tmp_path, CONFIG + receivers), ["taem"]) == 2
    assert "no receiver taem: configured are team" in said(capsys)


def test_alerts_that_begin_and_end_are_records_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = stores.sqlite(tmp_path)

    def happens(after: str, held: str | None = None) -> None:
        labels = {"rule": "errors", "source": "chat", "segment": '[["service","a\\nb"]]', "labels": "[]"}
        with store.transaction() as session:
            states = {"from_state": "pending", "to_state": after, "held": held}
            session.add(TransitionRow(**labels, **states, at=NOW, decided_at=NOW, value=0.25))

    happens("firing")
    news = News(store)
    news.take()
    happens("inactive", held="stale")
    happens("firing")
    with caplog.at_level(logging.INFO, "watchkeeper"):
        service.log_alerts(news)
        service.log_alerts(news)
    assert caplog.messages == ["2026-03-01 08:00 firing    errors on chat / a\\nb at 0.25"]


def test_status_says_where_the_records_are_that_could_not_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, log = written(tmp_path, CONFIG), tmp_path / "calls.jsonl"
    log.write_text('{"id": "a", "started_at": "2026-03-01T08:00:00Z"}\nnonsense\n{"id": "b"}\n')
    house = open_house(load(config, {}))
    house.sources["chat"].source.poll(NOW, lambda: False)
    with house.database.reading() as session:
        assert quarantine.counts(session, "chat") == {"malformed_json": 1, "missing_started_at": 1}
        places = quarantine.newest(session, "chat", 5)
    assert set(places) == {(f"{log}, byte 50", "malformed_json"), (f"{log}, byte 59", "missing_started_at")}
    house.close()
    status.status(config)
    out = capsys.readouterr().out
    assert "Kept aside, the newest first" in out
    assert "malformed_json" in out
    assert "nonsense" not in out


def test_what_is_kept_aside_of_parquet_files_is_counted_by_its_newest_rows(tmp_path: Path) -> None:
    store = stores.sqlite(tmp_path)
    for stream, position in (("calls", 12), ("calls-in-place", 7), ("calls-in-place", 8)):
        bad = Quarantined("/a", position, "missing_id")
        Manifest(store, "chat", stream).commit(Landing(quarantined=[bad]), NOW)
    with store.reading() as session:
        assert quarantine.counts(session, "chat") == {"missing_id": 9}
        assert quarantine.counts(session, "other") == {}
        assert quarantine.newest(session, "chat", 2) == [("/a, 8 rows", "missing_id"), ("/a, 7 rows", "missing_id")]
