"""Line files that grow, rotate, break off and break: every whole record lands once, and nothing stops the rest."""

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from landing_kit import FAR, NOW, Site, aged, at, call, copy_truncate, kept_aside, line

from monitor.sources import landed, reading, records
from monitor.sources.base import SourceError


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path)
    yield opened
    opened.close()


def compressed(content: bytes, ending: str) -> bytes:
    match ending:
        case "gz":
            return gzip.compress(content)
        case "bz2":
            return bz2.compress(content)
        case "xz":
            return lzma.compress(content)
    return zstandard.ZstdCompressor().compress(content)


# -- growing, rotating, truncating


def test_a_growing_file_is_read_from_where_it_was_left(site: Site) -> None:
    site.write("a.jsonl", call(1), call(2))
    assert site.poll().rows == 2
    site.write("a.jsonl", call(3))
    assert site.poll(30).rows == 1
    assert site.poll(60).rows == 0
    assert site.rows() == ["c1", "c2", "c3"]


def test_half_a_line_waits_for_its_other_half(site: Site) -> None:
    whole = line(call(2))
    site.write("a.jsonl", call(1), whole[:20])
    assert site.poll().rows == 1
    site.write("a.jsonl", whole[20:])
    assert site.poll(30).rows == 1
    assert kept_aside(site.database) == {}


def test_a_last_line_without_its_end_is_taken_when_the_file_has_been_quiet_for_a_minute(site: Site) -> None:
    site.write("a.jsonl", line(call(1)).rstrip("\n"))
    assert site.poll(59).rows == 0
    assert site.poll(61).rows == 1
    site.write("a.jsonl", "\n", call(2), age=-70)
    assert site.poll(90).rows == 1
    assert kept_aside(site.database) == {}


def test_a_broken_last_line_is_never_taken(site: Site) -> None:
    site.write("a.jsonl", call(1), '{"id": "c2", "star')
    assert site.poll(3600).rows == 1
    assert site.poll(7200).quarantined == {}


def test_rotation_by_rename_reads_the_rest_of_the_old_file_and_all_of_the_new(site: Site) -> None:
    site.write("a.jsonl", call(1))
    site.poll()
    site.write("a.jsonl", call(2))
    site.path("a.jsonl").rename(site.path("a.jsonl.1"))
    site.write("a.jsonl", call(3))
    assert site.poll(30).rows == 2
    assert site.rows() == ["c1", "c2", "c3"]


def test_rotation_by_copy_and_truncate_reads_the_rest_of_the_copy_and_all_of_the_new(site: Site) -> None:
    site.write("a.jsonl", call(1))
    site.poll()
    site.write("a.jsonl", call(2))
    copy_truncate(site.path("a.jsonl"), site.path("a.jsonl.1"))
    site.write("a.jsonl", call(3), call(4), call(5))
    assert site.poll(30).rows == 4
    assert site.rows() == ["c1", "c2", "c3", "c4", "c5"]


def test_a_copy_that_is_seen_beside_its_original_is_not_read_again(site: Site) -> None:
    site.write("a.jsonl", "broken\n", call(1))
    assert site.poll().quarantined == {"malformed_json": 1}
    shutil.copyfile(site.path("a.jsonl"), site.path("a.jsonl.1"))
    poll = site.poll(30)
    assert (poll.rows, poll.quarantined) == (0, {})


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_file_that_was_read_and_then_compressed_is_not_read_again(site: Site, ending: str) -> None:
    site.write("a.jsonl", call(1), call(2))
    site.poll()
    content = site.path("a.jsonl").read_bytes() + line(call(3)).encode()
    aged(site.path("a.jsonl"), 0).unlink()
    site.path(f"a.jsonl.1.{ending}").write_bytes(compressed(content, ending))
    aged(site.path(f"a.jsonl.1.{ending}"), 0)
    assert site.poll(30).rows == 1
    assert site.rows() == ["c1", "c2", "c3"]


def test_a_file_that_was_truncated_and_written_anew_is_read_from_its_start(site: Site) -> None:
    site.write("a.jsonl", call(1), call(2))
    site.poll()
    os.truncate(site.path("a.jsonl"), 0)
    site.write("a.jsonl", call(3), call(4), call(5), call(6))
    assert site.poll(30).rows == 4


def test_a_rewritten_file_with_the_same_long_beginning_is_read_from_its_start(site: Site) -> None:
    same = call(0, prompt="x" * 3000)
    site.write("a.jsonl", same, call(1))
    site.poll()
    os.truncate(site.path("a.jsonl"), 0)
    site.write("a.jsonl", same, call(7), call(8))
    assert site.poll(30).rows == 2
    assert site.rows() == ["c0", "c1", "c7", "c8"]


def test_zeros_that_a_writer_leaves_after_a_truncation_are_no_records(site: Site) -> None:
    site.path("a.jsonl").write_bytes(b"\x00" * 5000 + line(call(1)).encode())
    poll = site.poll()
    assert (poll.rows, poll.quarantined) == (1, {})


def test_globs_are_expanded_at_every_poll_and_reach_into_folders(tmp_path: Path) -> None:
    site = Site(tmp_path, paths=["logs/**/*.jsonl"])
    site.write("logs/a.jsonl", call(1))
    assert site.poll().rows == 1
    site.write("logs/2026/03/b.jsonl", call(2))
    site.path("logs/dir.jsonl").mkdir()
    assert site.poll(30).rows == 1
    site.close()


def test_two_names_of_one_file_are_read_once(site: Site) -> None:
    site.write("a.jsonl", "broken\n", call(1))
    site.path("current.jsonl").symlink_to("a.jsonl")
    os.link(site.path("a.jsonl"), site.path("hard.jsonl"))
    assert site.poll().quarantined == {"malformed_json": 1}


def test_a_restart_goes_on_where_the_last_commit_was(site: Site) -> None:
    site.write("a.jsonl", call(1), "broken\n", call(2))
    site.poll()
    site.restart()
    site.write("a.jsonl", call(3))
    poll = site.poll(30)
    assert (poll.rows, poll.quarantined) == (1, {})
    assert site.rows() == ["c1", "c2", "c3"]
    assert site.log.columns == {"id", "started_at"}


def test_files_that_have_been_gone_for_longer_than_the_retention_are_forgotten(site: Site) -> None:
    site.write("a.jsonl", call(1))
    site.poll()
    site.path("a.jsonl").unlink()
    site.poll(30)
    site.log.maintain(at(60))
    assert len(site.manifest().cursors()) == 2
    site.log.maintain(NOW + timedelta(days=36))
    assert [name for name in site.manifest().cursors() if not name.startswith("__")] == []


# -- compression


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_compressed_files_are_read_whatever_they_are_called(tmp_path: Path, ending: str) -> None:
    site = Site(tmp_path, paths=["*"])
    content = "".join(line(call(number)) for number in range(100)).encode()
    site.path("some.log").write_bytes(compressed(content[:-1], ending))
    assert site.poll().rows == 100
    site.close()


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_parts_that_were_compressed_one_after_the_other_are_one_file(site: Site, ending: str) -> None:
    path = site.path(f"a.jsonl.{ending}")
    path.write_bytes(compressed(line(call(1)).encode(), ending))
    assert site.poll().rows == 1
    with path.open("ab") as file:
        file.write(compressed(line(call(2)).encode(), ending))
    assert site.poll(30).rows == 1


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_compressed_file_that_is_being_written_gives_what_there_is(site: Site, ending: str) -> None:
    # Content that compression cannot shorten, so that half of the file is about half of the records.
    content = "".join(line(call(number, prompt=os.urandom(400).hex())) for number in range(3000)).encode()
    whole = compressed(content, ending)
    path = site.path(f"a.jsonl.{ending}")
    path.write_bytes(whole[: len(whole) // 2])
    aged(path, 0)
    first = site.poll(1).rows
    assert first < 3000
    path.write_bytes(whole)
    assert first + site.poll(30).rows == 3000
    assert kept_aside(site.database) == {}


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst"])
def test_a_compressed_file_that_stays_cut_is_noted_once(site: Site, ending: str) -> None:
    whole = compressed(os.urandom(2500).hex().encode(), ending)
    aged_file = site.path(f"a.jsonl.{ending}")
    aged_file.write_bytes(whole[:-20])
    aged(aged_file, 0)
    assert site.poll(60).quarantined == {}
    assert site.poll(700).quarantined.get("corrupt_compression") == 1
    assert site.poll(800).quarantined == {}
    site.restart()
    assert site.poll(900).quarantined == {}


def test_a_damaged_compressed_file_gives_what_lies_before_the_damage(site: Site) -> None:
    content = "".join(line(call(number, prompt=os.urandom(400).hex())) for number in range(2000)).encode()
    whole = bytearray(gzip.compress(content))
    whole[len(whole) // 2 : len(whole) // 2 + 50] = b"\xff" * 50
    site.path("a.jsonl.gz").write_bytes(whole)
    aged(site.path("a.jsonl.gz"), 3600)
    site.write("b.jsonl", call("b"))
    poll = site.poll()
    assert 1 < poll.rows < 2001
    assert poll.quarantined["corrupt_compression"] == 1


# -- what cannot be used


def test_bad_lines_are_noted_with_file_and_offset_and_stop_nothing(site: Site) -> None:
    site.write("a.jsonl", call(1), "{broken secret\n", "\n", "[1, 2]\n", "\u2028\n", {"started_at": "2026-01-01"})
    site.write("a.jsonl", {"id": "x"}, {"id": "  ", "started_at": "2026-01-01"}, {"id": "y", "started_at": "soon"})
    site.write("a.jsonl", {"id": "z", "ended_at": "2026-01-01"}, call(2))
    poll = site.poll()
    assert poll.rows == 2
    expected = {"malformed_json": 2, "not_an_object": 1, "missing_id": 2, "missing_started_at": 3}
    assert poll.quarantined == expected
    assert kept_aside(site.database) == expected
    content = site.path("a.jsonl").read_bytes()
    with site.database.reading() as session:
        from sqlmodel import select

        from monitor.store.tables import QuarantineRow

        rows = session.exec(select(QuarantineRow)).all()
    starts = {0} | {number + 1 for number, byte in enumerate(content) if byte == 10}
    assert {row.place for row in rows} == {str(site.path("a.jsonl"))}
    assert {row.position for row in rows} < starts
    assert "secret" not in str([row.model_dump() for row in rows])


def test_numbers_that_json_has_not_become_null(site: Site) -> None:
    site.write("a.jsonl", '{"id": "c1", "started_at": "2026-01-01", "latency_s": NaN, "cost_usd": -Infinity}\n')
    poll = site.poll()
    assert poll.rows == 1
    assert site.rows("latency_s", "cost_usd") == [(None, None)]
    assert not poll.unreadable


def test_text_of_any_kind_lands_as_it_is_as_far_as_unicode_has_it(site: Site) -> None:
    prompts = ["<b>&\u2028\u2029", "a\u0000b", "x" * 1_000_000, "\U0001f600", ""]
    site.write("a.jsonl", *(call(number, prompt=prompt) for number, prompt in enumerate(prompts)))
    site.write("a.jsonl", '{"id": "c5", "started_at": "2026-01-01", "prompt": "\\ud800 \\ud83d\\ude00"}\n')
    with site.path("a.jsonl").open("ab") as file:
        file.write(b'{"id": "c6", "started_at": "2026-01-01", "prompt": "\xff\xfe"}\n')
    assert site.poll().quarantined == {}
    assert [prompt for (prompt,) in site.rows("prompt")] == [*prompts, "\ufffd \U0001f600", "\ufffd\ufffd"]


def test_a_byte_order_mark_is_no_part_of_the_first_line(site: Site) -> None:
    site.path("a.jsonl").write_bytes(b"\xef\xbb\xbf" + line(call(1)).encode())
    assert site.poll().rows == 1


def test_a_line_that_is_too_long_is_left_out_and_the_next_one_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (reading, records):
        monkeypatch.setattr(module, "MAX_LINE", 1000)
    monkeypatch.setattr(reading, "CHUNK", 300)
    site.write("a.jsonl", call(1), "x" * 5000)
    assert site.poll().quarantined == {"too_long": 1}
    site.restart()
    site.write("a.jsonl", "y" * 5000 + "\n", call(2))
    poll = site.poll(30)
    assert (poll.rows, poll.quarantined) == (1, {})


def test_records_that_are_too_deep_are_bad_records_and_no_crash(site: Site) -> None:
    site.write("a.jsonl", '{"id":"c1","started_at":"2026-01-01","messages":' + "[" * 900 + "]" * 900 + "}\n")
    site.write("a.jsonl", '{"a":' + "[" * 200_000 + "]" * 200_000 + "}\n", call(2))
    poll = site.poll()
    assert poll.rows == 2
    assert poll.quarantined == {"malformed_json": 1}


def test_values_that_do_not_fit_become_null_and_are_counted(site: Site) -> None:
    site.write("a.jsonl", call(1, input_tokens="many", streamed="maybe", latency_s="1.5"), call(2, input_tokens=""))
    poll = site.poll()
    assert site.rows("input_tokens", "streamed", "latency_s") == [(None, None, 1.5), (None, None, None)]
    assert poll.unreadable == {"input_tokens": 1, "streamed": 1}


def test_a_file_that_may_not_be_read_fails_the_poll_after_all_others_were_read(site: Site) -> None:
    site.write("b.jsonl", call(2))
    site.path("a.jsonl").symlink_to("a.jsonl")  # a link to itself cannot be opened, not even by root
    with pytest.raises(SourceError, match=r"a\.jsonl"):
        site.poll()
    assert site.rows() == ["c2"]
    site.path("a.jsonl").unlink()
    poll = site.poll(30)
    assert poll.rows == 1  # what the failed poll landed is told by the first one that works
    assert poll.complete_until == at(-30)


def test_a_source_that_is_not_there_is_no_healthy_zero(site: Site) -> None:
    with pytest.raises(SourceError, match=r"no file matches \*\.jsonl\*"):
        site.poll()
    site.write("a.jsonl", call(1))
    site.poll(30)
    site.path("a.jsonl").unlink()
    assert site.poll(60).rows == 0


def test_a_parquet_file_among_line_files_is_named(site: Site) -> None:
    site.write("a.jsonl.parquet", "PAR1")
    with pytest.raises(SourceError, match="a source of their own"):
        site.poll()


# -- CSV


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path, paths=["*.csv*"])
    yield opened
    opened.close()


def test_csv_has_quotes_line_ends_in_quotes_and_empty_fields(table: Site) -> None:
    table.write("a.csv", "id,started_at,prompt,model\r\n", 'c1,2026-01-01,"two\nlines, ""quoted""",\r\n')
    table.write("a.csv", 'c2,2026-01-01,5" screen,m\n', "\n", 'c3,2026-01-01,"",m\n')
    assert table.poll().quarantined == {}
    assert table.rows("prompt", "model") == [('two\nlines, "quoted"', None), ('5" screen', "m"), (None, "m")]


def test_csv_goes_on_after_a_restart_without_its_header(table: Site) -> None:
    table.write("a.csv", "id,started_at\n", "c1,2026-01-01\n", "c2,20")
    assert table.poll().rows == 1
    table.restart()
    table.write("a.csv", "26-01-01\n", "c3,2026-01-01\n")
    assert table.poll(30).rows == 2


def test_half_a_quoted_field_waits_for_its_other_half(table: Site) -> None:
    table.write("a.csv", "id,started_at,prompt\n", 'c1,2026-01-01,"one\n')
    assert table.poll().rows == 0
    table.write("a.csv", 'two"\n')
    assert table.poll(30).rows == 1
    assert table.rows("prompt") == [("one\ntwo",)]


def test_a_stray_quote_costs_its_own_line_only(table: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_CSV_RECORD", 100)
    good = [f"c{number},2026-01-01,x\n" for number in range(20)]
    table.write("a.csv", "id,started_at,prompt\n", 'a,2026-01-01,"open\n', *good, 'b,2026-01-01,"x"y\n')
    poll = table.poll()
    assert poll.rows == 20
    assert poll.quarantined == {"unbalanced_quotes": 1, "malformed_csv": 1}


def test_a_stray_quote_at_the_end_of_a_file_that_has_gone_quiet_costs_its_own_line_only(table: Site) -> None:
    table.write("a.csv", "id,started_at,prompt\n", 'a,2026-01-01,"open\n', "c1,2026-01-01,x\n")
    assert table.poll().rows == 0
    poll = table.poll(61)
    assert (poll.rows, poll.quarantined) == (1, {"unbalanced_quotes": 1})


def test_csv_rows_of_another_width_are_bad(table: Site) -> None:
    table.write("a.csv", "id,started_at\n", "c1,2026-01-01,extra\n", "c2\n", "c3,2026-01-01\n")
    poll = table.poll()
    assert (poll.rows, poll.quarantined) == (1, {"wrong_number_of_fields": 2})


def test_csv_has_the_delimiter_that_is_set(tmp_path: Path) -> None:
    site = Site(tmp_path, paths=["*.tsv"], delimiter="\t")
    site.write("a.tsv", "id\tstarted_at\tprompt\n", "c1\t2026-01-01\ta,b\n")
    site.poll()
    assert site.rows("prompt") == [("a,b",)]
    site.close()


def test_a_csv_field_may_be_longer_than_the_module_allows_by_default(table: Site) -> None:
    table.write("a.csv", "id,started_at,prompt\n", f'c1,2026-01-01,"{"x," * 200_000}"\n')
    assert table.poll().quarantined == {}


# -- what a poll says


def test_a_quiet_source_advances_and_a_stopped_poll_does_not(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landed, "BATCH_RECORDS", 10)
    site.write("a.jsonl", *(call(number) for number in range(5)))
    assert site.poll(30).complete_until == at(-30)
    assert site.poll(60).complete_until == at(0)
    for name in ("b.jsonl", "c.jsonl"):
        site.write(name, *(call(f"{name}{number}") for number in range(20)))
    stopped = site.log.poll(at(90), lambda: True)
    assert (stopped.rows, stopped.complete_until) == (20, at(0))
    went_on = site.poll(120)
    assert (went_on.rows, went_on.complete_until) == (20, at(60))


def test_a_poll_that_is_stopped_before_it_ever_came_to_the_end_vouches_for_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landed, "BATCH_RECORDS", 1)
    site.write("a.jsonl", call(1))
    assert site.log.poll(NOW, lambda: True).complete_until == datetime(1970, 1, 1, tzinfo=UTC)


def test_rows_before_the_last_complete_until_are_late_by_the_minute(site: Site) -> None:
    site.write("a.jsonl", call(1, 0))
    assert site.poll(600).late == ()
    site.write("a.jsonl", call(2, 100), call(3, 130), call(4, 290, latency_s=20), call(5, 545))
    (first, second) = site.poll(630).late
    assert (first.start, first.end) == (at(60), at(180))
    assert (second.start, second.end) == (at(300), at(360))
    assert site.poll(660).late == ()


def test_the_last_write_of_an_id_wins_and_both_its_times_are_late(site: Site) -> None:
    site.write("a.jsonl", call(1, 0, model="first"), call(2, 0))
    site.poll(3600)
    site.write("b.jsonl", call(1, 600, model="between"), call(1, 1200, model="last"), call(2, 0))
    poll = site.poll(3630)
    assert poll.rows == 1
    assert [(window.start, window.end) for window in poll.late] == [(at(0), at(60)), (at(1200), at(1260))]
    assert site.rows("id", "model") == [("c1", "last"), ("c2", None)]


def test_what_is_read_again_unchanged_is_no_change(site: Site) -> None:
    site.write("a.jsonl", call(1), call(2))
    site.poll(3600)
    before = site.files()
    site.write("b.jsonl", call(2), call(1))
    poll = site.poll(3630)
    assert (poll.rows, poll.late, site.files()) == (0, (), before)


def test_late_stretches_are_told_until_the_service_has_gone_on(site: Site) -> None:
    site.write("a.jsonl", call(1, 0))
    site.save_progress(site.poll(600).complete_until)
    site.write("a.jsonl", call(2, 0))
    assert len(site.poll(630).late) == 1
    site.restart()  # killed before it measured them again
    poll = site.poll(660)
    assert len(poll.late) == 1
    assert len(site.poll(690).late) == 1  # it could not save that it went on
    site.save_progress(site.poll(720).complete_until)
    assert site.poll(750).late == ()


def test_the_newest_event_time_and_the_oldest_start_are_known(site: Site) -> None:
    assert site.log.oldest() is None
    site.write("a.jsonl", call(1, -50, latency_s=100), call(2, 20))
    assert site.poll(600).newest == at(50)
    assert site.log.oldest() == at(-50)


# -- mapping, feedback, columns


def test_expressions_map_a_log_in_its_own_words(tmp_path: Path) -> None:
    columns = {
        "id": "request_id",
        "started_at": "ts",
        "latency_s": "latency_ms::DOUBLE / 1000",
        "input_tokens": "usage->>'$.prompt_tokens'",
        "prompt": "messages->>'$[#-1].content'",
    }
    site = Site(tmp_path, columns=columns)
    usage = {"prompt_tokens": 12}
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "mail a@example.com"}]
    site.write(
        "a.jsonl", {"request_id": "r", "ts": 1767225600.25, "latency_ms": 1500, "usage": usage, "messages": messages}
    )
    site.poll()
    started = datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)
    assert site.rows(*columns) == [("r", started, 1.5, 12, "mail [email]")]
    assert site.log.columns == {*columns, "messages"}
    site.close()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("nonsense(", r"sources\.log\.columns\.latency_s is not an SQL expression"),
        ("no_such_function(a)", r"sources\.log\.columns\.latency_s: .*no_such_function"),
        ("max(a)", r"sources\.log\.columns"),
    ],
)
def test_an_expression_that_cannot_work_is_named(tmp_path: Path, expression: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Site(tmp_path, columns={"latency_s": expression})


def test_the_order_of_writing_decides_not_the_names_of_the_files(site: Site) -> None:
    site.write("a.jsonl.2", call(1, model="older"), age=200)
    site.write("a.jsonl.1", call(1, model="newer"), age=100)
    site.poll()
    assert site.rows("model") == [("newer",)]


def test_columns_are_those_that_some_record_had(site: Site) -> None:
    assert site.log.columns == frozenset()
    site.write("a.jsonl", call(1, error=None, other="x"))
    site.poll()
    assert site.log.columns == {"id", "started_at", "error"}


def test_feedback_lands_beside_the_calls_and_the_last_rating_wins(tmp_path: Path) -> None:
    site = Site(tmp_path, feedback={"paths": ["fb/*.csv"], "columns": {"score": "rating"}})
    site.write("a.jsonl", call(1))
    site.write("fb/a.csv", "call_id,at,key,rating,comment\n", "c1,2026-03-01T12:00:00Z,thumbs,0,\n")
    site.write("fb/a.csv", "c1,2026-03-01T12:00:01Z,thumbs,1,mail a@example.com\n", "c1,2026-03-01T12:00:01Z,,5,\n")
    site.write("fb/a.csv", ",2026-03-01T12:00:01Z,thumbs,1,\n")
    poll = site.poll(600)
    assert (poll.rows, poll.quarantined) == (1, {"missing_call_id": 1})
    given = site.log.feedback(NOW, FAR).order_by("score").to_pyarrow().to_pylist()
    assert [(row["key"], row["score"], row["comment"]) for row in given] == [
        ("thumbs", 1.0, "mail [email]"),
        (None, 5.0, None),
    ]
    assert site.log.feedback_columns == {"call_id", "at", "key", "score", "comment"}
    site.write("fb/a.csv", "c1,2026-03-01T12:03:00Z,thumbs,0,\n")
    assert [window.start for window in site.poll(630).late] == [at(0), at(180)]
    site.close()


def test_without_feedback_there_are_no_feedback_columns(site: Site) -> None:
    assert site.log.feedback_columns == frozenset()


def test_calls_give_the_range_and_nothing_else(site: Site) -> None:
    site.write("a.jsonl", *(call(number, number) for number in range(100)))
    site.poll(600)
    found: list[Any] = site.log.calls(at(10), at(20)).id.to_pyarrow().to_pylist()
    assert sorted(found) == [f"c{number}" for number in range(10, 20)]
    assert site.log.calls(at(1000), at(2000)).count().to_pyarrow().as_py() == 0
