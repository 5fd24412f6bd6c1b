"""Landed parts: whole or not at all, the last write wins, and nothing is unlinked that somebody may read."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from landing_kit import FAR, NOW, at, kept_aside, new_store

from monitor import upkeep
from monitor.canonical import CALLS, EPOCH, FEEDBACK
from monitor.failpoints import EXIT_STATUS
from monitor.landing import RETIRED, Landed, Step
from monitor.store.database import Database
from monitor.store.manifest import Landing, Manifest, Quarantined
from monitor.upkeep import compact, drop_orphans, expire, unlink_retired


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = new_store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def landed(tmp_path: Path, database: Database) -> Iterator[Landed]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    yield Landed(Manifest(database, "log", "calls"), tmp_path / "landed", CALLS, connection)
    connection.close()


def rows(*records: tuple[str, float] | dict[str, Any]) -> Any:
    """Canonical calls from ids and seconds."""
    given = [each if isinstance(each, dict) else {"id": each[0], "started_at": at(each[1])} for each in records]
    columns = {c.name: [row.get(c.name) for row in given] for c in CALLS.columns}
    return pa.table(columns, schema=CALLS.schema)


def content(landed: Landed) -> list[dict[str, Any]]:
    """All landed rows by id."""
    found: list[dict[str, Any]] = (
        landed._connection.execute(f"{landed.query(EPOCH, FAR)} ORDER BY id").to_arrow_table().to_pylist()
    )
    return found


def ids(landed: Landed) -> list[str]:
    return [row["id"] for row in content(landed)]


def land(
    landed: Landed, *records: tuple[str, float] | dict[str, Any], now: float = 0, closed: float | None = None
) -> int:
    return landed.land(Step(rows(*records)), at(now), None if closed is None else at(closed))


def on_disk(landed: Landed) -> set[str]:
    return {path.name for path in landed.directory.glob("*")}


def listed(landed: Landed) -> set[str]:
    return {path.name for path in landed.parts()}


def test_a_part_is_sorted_by_event_time_and_knows_its_bounds(landed: Landed) -> None:
    slow = {"id": "slow", "started_at": at(0), "latency_s": 100.0}
    ended = {"id": "ended", "started_at": at(5), "ended_at": at(50), "latency_s": 1.0}
    land(landed, slow, ("quick", 10), ended)
    (part,) = landed.parts().values()
    assert (part.first_started, part.last_started) == (at(0), at(10))
    assert (part.first_at, part.last_at) == (at(10), at(100))
    stored = pa.parquet.read_table(part.path)
    assert stored["id"].to_pylist() == ["quick", "ended", "slow"]
    assert stored.schema.equals(CALLS.schema)
    assert (part.rows, part.bytes) == (3, Path(part.path).stat().st_size)


def test_nothing_is_written_for_no_rows(landed: Landed, database: Database) -> None:
    landed.land(Step(rows(), {"a": {"offset": 1}}, [Quarantined("a", 0, "too_long")]), NOW, None)
    assert listed(landed) == set()
    assert landed.manifest.cursors() == {"a": {"offset": 1}}
    assert kept_aside(database) == {"too_long": 1}


def test_the_last_row_of_an_identity_wins_within_a_step_and_over_earlier_ones(landed: Landed) -> None:
    land(
        landed, {"id": "a", "started_at": at(0), "model": "1"}, {"id": "a", "started_at": at(0), "model": "2"}, ("b", 1)
    )
    assert [row["model"] for row in content(landed)] == ["2", None]
    assert land(landed, {"id": "a", "started_at": at(9), "model": "3"}) == 1
    assert [(row["id"], row["model"]) for row in content(landed)] == [("a", "3"), ("b", None)]


def test_equal_rows_are_no_change_and_write_nothing(landed: Landed) -> None:
    land(landed, ("a", 0), ("b", 1))
    before = on_disk(landed)
    assert land(landed, ("b", 1), ("a", 0), closed=100) == 0
    assert on_disk(landed) == before
    assert landed.late.stretches() == []


def test_a_part_that_loses_all_its_rows_goes(landed: Landed) -> None:
    land(landed, ("a", 0))
    land(landed, ("a", 1))
    assert len(landed.parts()) == 1


def test_duplicates_are_found_in_a_store_that_was_opened_again(landed: Landed) -> None:
    land(landed, ("a", 0), ("b", 1))
    again = Landed(landed.manifest, landed.directory, CALLS, landed._connection)
    assert land(again, ("a", 0), ("c", 2)) == 1
    assert ids(again) == ["a", "b", "c"]


def test_feedback_is_the_same_when_call_key_and_source_are(tmp_path: Path, database: Database) -> None:
    connection = duckdb.connect()
    landed = Landed(Manifest(database, "log", "feedback"), tmp_path / "fb", FEEDBACK, connection)
    given = [("c", "k", None, 1.0), ("c", None, None, 2.0), ("c", None, "app", 3.0), ("c", None, None, 4.0)]
    columns: dict[str, Any] = {name: [None] * 4 for name in FEEDBACK.names}
    columns |= {"call_id": [row[0] for row in given], "at": [at(0)] * 4, "key": [row[1] for row in given]}
    columns |= {"source": [row[2] for row in given], "score": [row[3] for row in given]}
    table = pa.table(columns, schema=FEEDBACK.schema)
    assert landed.land(Step(table), NOW, None) == 3
    assert landed.land(Step(table), NOW, None) == 0
    connection.close()


def test_late_stretches_hold_old_and_new_times_and_only_what_had_closed(landed: Landed) -> None:
    land(landed, ("a", 0), ("b", 1), ("c", 400))
    land(landed, ("a", 120), ("d", 121), ("e", 260), ("f", 500), closed=300)
    minute = int(NOW.timestamp()) // 60
    assert landed.late.stretches() == [(minute, minute + 1), (minute + 2, minute + 3), (minute + 4, minute + 5)]
    land(landed, ("g", 61), closed=300)
    assert landed.late.stretches() == [(minute, minute + 3), (minute + 4, minute + 5)]
    landed.late.forget(NOW)
    assert landed.late.stretches() == []


def test_a_query_reads_only_the_parts_of_its_stretch(landed: Landed) -> None:
    for number in range(5):
        land(landed, (f"c{number}", number * 100))
    query = landed.query(at(150), at(350))
    assert query.count(".parquet") == 2
    assert landed.query(at(1000), at(2000)).count(".parquet") == 0


def test_columns_that_the_table_has_got_since_are_null_in_old_parts(landed: Landed) -> None:
    land(landed, ("a", 0))
    (path,) = landed.parts()
    pa.parquet.write_table(pa.parquet.read_table(path).drop_columns(["tags", "model"]), path)
    assert content(landed)[0]["model"] is None
    land(landed, ("b", 0))
    compact(landed, NOW)
    assert ids(landed) == ["a", "b"]


def test_a_directory_that_was_moved_is_found_where_it_is(landed: Landed, tmp_path: Path) -> None:
    land(landed, ("a", 0))
    landed.directory.rename(tmp_path / "moved")
    moved = Landed(landed.manifest, tmp_path / "moved", CALLS, landed._connection)
    assert ids(moved) == ["a"]


# -- upkeep


def test_orphans_are_unlinked_and_parts_and_retired_parts_are_not(landed: Landed) -> None:
    land(landed, ("a", 0))
    land(landed, ("a", 1))
    keep = on_disk(landed)
    orphan = landed.directory / "calls-20260301T120000-0123456789ab.parquet"
    orphan.write_bytes(b"half a part")
    stranger = landed.directory / "notes.txt"
    stranger.write_text("not ours")
    assert drop_orphans(landed) == [orphan]
    assert on_disk(landed) == keep | {"notes.txt"}


def test_replaced_parts_stay_for_whoever_still_reads_them(landed: Landed) -> None:
    land(landed, ("a", 0))
    (old,) = on_disk(landed)
    land(landed, ("a", 1), now=60)
    unlink_retired(landed, at(60 + 599))
    assert old in on_disk(landed)
    unlink_retired(landed, at(60 + 600))
    assert on_disk(landed) == listed(landed)
    assert RETIRED not in landed.manifest.cursors()


def test_parts_of_another_directory_are_never_unlinked(landed: Landed, tmp_path: Path) -> None:
    land(landed, ("a", 0))
    live = on_disk(landed)
    scratch_folder = tmp_path / "scratch"
    scratch_folder.mkdir()
    database = new_store(scratch_folder)
    scratch = Landed(Manifest(database, "log", "calls"), scratch_folder / "landed", CALLS, landed._connection)
    scratch.manifest.commit(Landing(add=list(landed.parts().values())), NOW)
    land(scratch, ("a", 1), ("b", 2))
    expire(scratch, FAR, at(0))
    unlink_retired(scratch, at(10_000))
    drop_orphans(scratch)
    assert on_disk(landed) == live
    assert ids(landed) == ["a"]
    database.close()


def test_small_parts_of_a_day_become_one(landed: Landed) -> None:
    for number in range(6):
        land(
            landed,
            (f"c{number}", number * 60),
            {"id": f"n{number}", "started_at": NOW + timedelta(days=1, seconds=number)},
        )
    before = content(landed)
    land(landed, *((f"day{number}", 86400 * number) for number in range(2)))
    compact(landed, at(3600))
    assert len(landed.parts()) < 7
    assert [row for row in content(landed) if not row["id"].startswith("day")] == before
    assert land(landed, ("c0", 0), ("n5", 1)) == 1  # identities are still known
    compact(landed, at(7200))
    count = len(landed.parts())
    compact(landed, at(10800))
    assert len(landed.parts()) == count


def test_compaction_keeps_parts_below_its_limits(landed: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "SMALL_ROWS", 5)
    for number in range(6):
        land(landed, (f"a{number}", number), (f"b{number}", number))
    compact(landed, NOW)
    assert sorted(part.rows for part in landed.parts().values()) == [4, 4, 4]


def test_a_repeated_identity_is_known_after_a_restart_that_tidied_up_first(landed: Landed) -> None:
    land(landed, ("a", 0))
    land(landed, ("b", 1))
    restarted = Landed(landed.manifest, landed.directory, CALLS, landed._connection)
    compact(restarted, NOW)
    land(restarted, {"id": "a", "started_at": at(0), "model": "changed"})
    assert [(row["id"], row["model"]) for row in content(restarted)] == [("a", "changed"), ("b", None)]


def test_parts_past_their_retention_go_and_what_was_quarantined_with_them(landed: Landed, database: Database) -> None:
    landed.land(Step(rows(("old", 0)), {}, [Quarantined("a", 0, "missing_id")]), at(0), None)
    land(landed, ("new", 1000), now=1000)
    expire(landed, at(500), at(1000))
    assert ids(landed) == ["new"]
    assert kept_aside(database) == {}
    unlink_retired(landed, at(2000))
    assert on_disk(landed) == listed(landed)


# -- killed at every place

PLACES = ("after_write", "before_commit", "after_commit")
# Each place in a fork: what is imported once serves all of them.
STORY = """
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_landing import PLACES, land_twice
for place in PLACES:
    child = os.fork()
    if child == 0:
        os.environ["WATCHKEEPER_FAILPOINT"] = f"landing.{{place}}:2"
        land_twice(Path({folder!r}) / place)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def land_twice(folder: Path) -> None:
    landed = Landed(Manifest(new_store(folder), "log", "calls"), folder / "landed", CALLS, duckdb.connect())
    landed.land(Step(rows(("a", 0), ("b", 1)), {"file": {"offset": 2}}), at(0), None)
    landed.land(Step(rows(("b", 2), ("c", 3)), {"file": {"offset": 4}}), at(60), at(30))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each place in which the second step was killed there."""
    folder = tmp_path_factory.mktemp("killed")
    for place in PLACES:
        (folder / place).mkdir()
    here = Path(__file__).parent
    story = STORY.format(folder=str(folder), path=[str(here), str(here.parent)])
    done = subprocess.run([sys.executable, "-c", story], capture_output=True, check=False, text=True)
    assert done.stdout.split() == [str(EXIT_STATUS)] * len(PLACES), done.stderr
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_a_step_is_landed_whole_or_not_at_all_wherever_it_is_killed(killed: Path, place: str) -> None:
    folder = killed / place
    database = new_store(folder)
    landed = Landed(Manifest(database, "log", "calls"), folder / "landed", CALLS, duckdb.connect())
    committed = place == "after_commit"
    assert ids(landed) == (["a", "b", "c"] if committed else ["a", "b"])
    assert landed.manifest.cursors()["file"] == {"offset": 4 if committed else 2}
    assert bool(landed.late.stretches()) == committed
    assert len(drop_orphans(landed)) == (0 if committed else 2)
    landed.land(Step(rows(("b", 2), ("c", 3)), {"file": {"offset": 4}}), at(60), at(30))
    assert ids(landed) == ["a", "b", "c"]
    unlink_retired(landed, at(3600))
    assert on_disk(landed) == listed(landed)
    database.close()
