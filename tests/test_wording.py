"""The words that all notifiers share: what a person reads, and what no text can do to a message."""

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_notifiers import NOON, a_message, an_alert

from alerts.notifier import Link
from alerts.rules import State, Transition
from alerts.wording import amount, cut, ending, facts, line, moment, number, safe_links, units, where


@given(st.text(st.characters(), max_size=200), st.integers(1, 50))
def test_a_line_is_one_line_that_fits_and_can_be_written(text: str, limit: int) -> None:
    made = line(text, limit)
    assert units(made) <= limit
    assert made.splitlines() in ([], [made])
    assert made.encode().decode() == made  # no lone surrogate
    assert not set(made) & set(map(chr, range(32)))


@given(st.text(max_size=60), st.integers(1, 60))
def test_what_fits_is_not_cut_and_what_is_cut_ends_in_an_ellipsis(text: str, limit: int) -> None:
    made = cut(text, limit)
    assert made == text if units(text) <= limit else made.endswith("…")
    assert units(made) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("a  b\n\tc\r\nd", 20, "a b c d"),
        ("nul\x00 bell\x07", 20, "nul bell"),
        ("\u202egnitirw", 20, "gnitirw"),
        ("\ud800", 20, "\ufffd"),
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀😀", 6, "😀😀…"),
        (" " * 1_000 + "far away", 10, "…"),
        ("", 5, ""),
    ],
)
def test_a_line_reads_as_expected(text: str, limit: int, expected: str) -> None:
    assert line(text, limit) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"),
        (0.0, "0"),
        (1234.0, "1234"),
        (18_059_974, "18,059,974"),
        (-18_059_974.4, "-18,059,974"),
        (1e15, "1e+15"),
        (1.5e-7, "1.5e-07"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_numbers_are_short_and_large_ones_are_not_rounded(value: float, text: str) -> None:
    assert number(value) == text


def test_an_unknown_value_is_none_and_not_zero() -> None:
    assert amount(an_alert(value=None, lower=None, upper=None, n=None)) == "none"
    assert amount(an_alert(value=None, lower=None, upper=None, n=3)) == "none, n = 3"
    assert amount(an_alert(value=0.0, lower=None, upper=None, n=None, unit="s")) == "0 s"


def test_the_place_is_the_source_the_segment_and_the_measurements_labels() -> None:
    labels = {"rule": "slow", "source": "support", "severity": "error", "service": "chat", "percentile": "95"}
    assert where(labels) == "source=support, service=chat, percentile=95"


def test_what_is_not_known_is_not_said() -> None:
    bare = an_alert(labels={}, condition="", reason="", n=None, lower=None, upper=None)
    assert [name for name, _ in facts(bare)] == ["State", "Since", "Value"]


def test_a_time_is_in_utc() -> None:
    assert moment(NOON.astimezone(timezone(timedelta(hours=-8)))) == "2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://x.example/a?b=1&c=%20", ["https://x.example/a?b=1&c=%20"]),
        (" http://localhost:9464/ ", ["http://localhost:9464/"]),
        ("https://x.example/störung", ["https://x.example/st%C3%B6rung"]),
        ("https://x.example/<b>|\"' \n", ["https://x.example/%3Cb%3E%7C%22'"]),
        ("https://x.example/\ud800", ["https://x.example/?"]),
        ("https://x.example/" + "a" * 100, []),
        ("javascript:alert(1)", []),
        ("ftp://x.example", []),
        ("https://", []),
        ("http://[::1", []),
        ("/relative", []),
        ("", []),
    ],
)
def test_only_links_to_the_web_are_kept_and_none_can_end_early(href: str, expected: list[str]) -> None:
    assert [link.href for link in safe_links(a_message(links=(Link("x", href),)), 60)] == expected


def test_an_end_says_what_was_read_then_and_how_sure_that_is() -> None:
    sure = Transition(State.FIRING, State.INACTIVE, NOON, 0.012, "recovered", 0.004, 0.03, 250)
    assert ending(sure) == "recovered, at 0.012 (interval 0.004 to 0.03), n = 250"
    assert ending(Transition(State.NO_DATA, State.INACTIVE, NOON, 0.5)) == "back, at 0.5"
    assert ending(Transition(State.FIRING, State.INACTIVE, NOON, None, "no data")) == "no data"
