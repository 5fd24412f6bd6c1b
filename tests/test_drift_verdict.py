"""Which channels raise an alarm: evidence and effect, each of their own or of one another."""

from dataclasses import replace

import numpy as np
import pytest
from drift_kit import DENSE, LOST, Change, calm, read, windows
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.detector import Test as Asked
from detectors.drift.effect import Effect, Minimums
from detectors.drift.verdict import Bets, named

SURE, UNSURE = Effect(0.05, 0.03, 0.015), Effect(0.02, 0.01, 0.015)
Flags = tuple[bool, ...]


def bets(*by_channel: float, twice: tuple[int, ...] = ()) -> Bets:
    """Evidence of some channels; those in `twice` had two records in a row."""
    records = np.isin(np.arange(len(by_channel)), twice)
    found = np.array(by_channel)
    return Bets(np.ones((len(found), 2)), np.ones(len(found)), found, tuple(records.tolist()), records)


def alarms(
    found: Bets, effects: list[Effect], wandering: tuple[int, ...] | None = None, latched: tuple[int, ...] = ()
) -> list[int]:
    """The channels that raise an alarm."""
    free, wander = (np.isin(np.arange(len(effects)), each or ()) for each in (latched, wandering))
    return np.flatnonzero(named(found, effects, ~free, None if wandering is None else wander)[0]).tolist()


@pytest.mark.parametrize("wandering", [None, (), (1,), (1, 2)])
def test_evidence_of_a_channel_that_does_not_wander_and_effect_of_another_are_an_alarm(
    wandering: tuple[int, ...] | None,
) -> None:
    assert alarms(bets(1.4, 0.1, 0.0), [UNSURE, SURE, UNSURE], wandering) == [0, 1]


def test_evidence_of_a_channel_that_wanders_is_none_where_only_others_have_an_effect() -> None:
    assert alarms(bets(1.4, 0.1, 0.0), [UNSURE, SURE, UNSURE], (0,)) == []
    assert alarms(bets(1.4, 0.1, 0.0), [UNSURE, SURE, UNSURE], (0, 1, 2)) == []
    assert alarms(bets(1.4, 0.1, 0.0), [SURE, UNSURE, UNSURE], (0, 1, 2)) == [0]


def test_evidence_that_is_in_doubt_does_not_count_for_an_alarm_and_its_channel_is_named_in_one() -> None:
    assert alarms(bets(0.6, 0.9, 0.0), [UNSURE, SURE, UNSURE], (0, 1)) == []
    assert alarms(bets(0.6, 0.9, 0.2), [UNSURE, SURE, UNSURE], (0, 1)) == [0, 1]
    assert alarms(bets(0.6, 0.9, 0.2), [UNSURE, SURE, UNSURE], (0, 1, 2)) == []
    assert alarms(bets(0.2, 0.7, 0.0), [UNSURE, SURE, UNSURE]) == []


def test_much_evidence_that_is_in_doubt_does_not_silence_another_channel() -> None:
    assert alarms(bets(50.0, 1.1), [UNSURE, SURE], (0, 1)) == [0, 1]


def test_evidence_without_any_effect_is_no_alarm_whether_it_wanders_or_not() -> None:
    for wandering in (None, (), (0,), (0, 1)):
        assert alarms(bets(3.0, 0.1), [UNSURE, UNSURE], wandering) == []


def test_an_alarm_that_goes_on_opens_no_gate() -> None:
    for wandering in (None, (0, 1)):
        assert alarms(bets(1.4, 0.0), [UNSURE, SURE], wandering, latched=(1,)) == []


def test_two_gross_windows_need_an_effect_of_their_own_alone() -> None:
    for wandering in (None, (0, 1)):
        assert alarms(bets(0.1, 0.3, twice=(0,)), [SURE, UNSURE], wandering) == [0]
        assert alarms(bets(0.1, 0.3, twice=(0,)), [UNSURE, SURE], wandering) == []


@given(st.lists(st.tuples(st.floats(0, 3), *[st.booleans()] * 4), min_size=1, max_size=5))
def test_the_more_channels_wander_the_fewer_alarms_there_are(
    channels: list[tuple[float, bool, bool, bool, bool]],
) -> None:
    evidence, sure, latched, twice, wanders = zip(*channels, strict=True)
    found = bets(*(each * (not on) for each, on in zip(evidence, latched, strict=True)), twice=where(twice))
    effects, on = [SURE if each else UNSURE for each in sure], where(latched)
    every = tuple(range(len(effects)))
    none, some, all_of_them = (set(alarms(found, effects, each, on)) for each in (None, where(wanders), every))
    assert all_of_them <= some <= none
    assert none == set(alarms(found, effects, (), on))


def where(flags: Flags) -> tuple[int, ...]:
    """Which of them are set."""
    return tuple(np.flatnonzero(flags).tolist())


@pytest.mark.parametrize("wanders", [False, True])
@pytest.mark.parametrize(
    ("change", "minimums", "sees_topics"),
    [(DENSE, Minimums(scan=1.0), True), (replace(LOST, longer=True), Minimums(novelty=1.0, descriptors=1e3), False)],
)
def test_what_sees_topics_is_in_doubt_where_the_topics_of_the_baseline_wandered(
    change: Change, minimums: Minimums, sees_topics: bool, wanders: bool
) -> None:
    """The change gives evidence, of a size that nobody asked for; the mix has moved too, without evidence of its own."""
    _, readings = read(replace(calm(), wanders=wanders), Asked(90, minimums), windows(28, 1, 2, change))
    assert readings[-1].evidence >= 1
    assert readings[-1].clears
    assert bool(readings[-1].alarms) is not (sees_topics and wanders)
