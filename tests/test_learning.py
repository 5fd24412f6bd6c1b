"""When a baseline is learnt, and from what."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detectors.measurement import Window
from monitor.learning import FIRST_AFTER, plan

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WANTED = 28 * DAY


def test_nothing_is_learnt_in_the_first_week() -> None:
    found = plan(BEGIN, BEGIN + 6 * DAY, WANTED, None)
    assert (found.phase, found.fit, found.have) == ("learning", None, 6 * DAY)


def test_after_a_week_it_is_learnt_for_the_time_being() -> None:
    assert plan(BEGIN, BEGIN + 8 * DAY, WANTED, None).fit == Window(BEGIN, BEGIN + 8 * DAY)
    known = Window(BEGIN, BEGIN + 8 * DAY)
    assert plan(BEGIN, BEGIN + 20 * DAY, WANTED, known).fit is None
    assert plan(BEGIN, BEGIN + 20 * DAY, WANTED, known).phase == "provisional"


def test_it_is_learnt_again_when_there_is_enough() -> None:
    found = plan(BEGIN, BEGIN + 29 * DAY, WANTED, Window(BEGIN, BEGIN + 8 * DAY))
    assert found.fit == Window(BEGIN, BEGIN + WANTED)


def test_a_long_history_is_learnt_from_its_beginning_only() -> None:
    assert plan(BEGIN, BEGIN + 35 * DAY, WANTED, None).fit == Window(BEGIN, BEGIN + WANTED)


def test_a_whole_baseline_stays() -> None:
    found = plan(BEGIN, BEGIN + 90 * DAY, WANTED, Window(BEGIN, BEGIN + WANTED))
    assert (found.phase, found.fit) == ("ready", None)


def test_one_that_the_user_fitted_on_a_later_stretch_is_not_replaced() -> None:
    assert plan(BEGIN, BEGIN + 90 * DAY, WANTED, Window(BEGIN + 40 * DAY, BEGIN + 50 * DAY)).fit is None


@given(st.integers(0, 100), st.integers(1, 40), st.none() | st.tuples(st.integers(0, 50), st.integers(1, 50)))
def test_what_is_learnt_lies_in_the_log(have: int, wanted: int, known: tuple[int, int] | None) -> None:
    used = known and Window(BEGIN + known[0] * DAY, BEGIN + (known[0] + known[1]) * DAY)
    fit = plan(BEGIN, BEGIN + have * DAY, wanted * DAY, used or None).fit
    if fit is not None:
        assert BEGIN <= fit.start < fit.end <= BEGIN + have * DAY
        assert fit.length >= min(FIRST_AFTER, wanted * DAY)
