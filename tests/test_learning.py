"""When a baseline is learnt, and from what."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detectors.measurement import Window
from monitor.learning import FIRST_AFTER, LAG, Known, Plan, Rules
from monitor.learning import plan as plan_by

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WANTED = 28 * DAY
WEEKLY = Rules(WANTED, 7 * DAY)


def plan(begin: datetime, complete_until: datetime, wanted: timedelta, span: Window | None) -> Plan:
    """Without learning anew; what is known was measured against until now."""
    return plan_by(begin, complete_until, Rules(wanted), span and Known(span, complete_until))


def anew(now: datetime, span: Window, read_until: datetime | None = None, *, automatic: bool = True) -> Window | None:
    return plan_by(BEGIN, now, WEEKLY, Known(span, read_until or now, automatic)).fit


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


WHOLE = Window(BEGIN, BEGIN + WANTED)


def test_a_whole_baseline_is_learnt_anew_when_lag_and_refit_have_passed() -> None:
    assert anew(BEGIN + 42 * DAY - timedelta(hours=1), WHOLE) is None
    assert anew(BEGIN + 42 * DAY, WHOLE) == Window(BEGIN + 7 * DAY, BEGIN + 35 * DAY)
    later = anew(BEGIN + 60.7 * DAY, WHOLE)
    assert later == Window(BEGIN + 25 * DAY, BEGIN + 53 * DAY)
    assert anew(BEGIN + 60.7 * DAY, later) is None


def test_it_is_not_learnt_anew_before_its_own_windows_are_measured() -> None:
    assert anew(BEGIN + 42 * DAY, WHOLE, BEGIN + 34 * DAY) is None
    assert anew(BEGIN + 42 * DAY, WHOLE, BEGIN + 35 * DAY) is not None


def test_what_a_person_accepted_is_followed_by_what_came_after_it() -> None:
    chosen = Window(BEGIN + 50 * DAY, BEGIN + 52 * DAY)
    assert anew(BEGIN + 52 * DAY + LAG + WANTED - DAY, chosen, automatic=False) is None
    assert anew(BEGIN + 52 * DAY + LAG + WANTED, chosen, automatic=False) == Window(chosen.end, chosen.end + WANTED)


def test_a_short_one_that_a_person_accepted_is_not_widened_to_what_came_before() -> None:
    chosen = Window(BEGIN, BEGIN + 8 * DAY)
    assert anew(BEGIN + 29 * DAY, chosen, automatic=False) is None
    assert anew(BEGIN + 29 * DAY, chosen) == WHOLE


@given(st.integers(0, 100), st.integers(1, 40), st.none() | st.tuples(st.integers(0, 50), st.integers(1, 50)))
def test_what_is_learnt_lies_in_the_log(have: int, wanted: int, known: tuple[int, int] | None) -> None:
    used = known and Window(BEGIN + known[0] * DAY, BEGIN + (known[0] + known[1]) * DAY)
    fit = plan(BEGIN, BEGIN + have * DAY, wanted * DAY, used or None).fit
    if fit is not None:
        assert BEGIN <= fit.start < fit.end <= BEGIN + have * DAY
        assert fit.length >= min(FIRST_AFTER, wanted * DAY)
