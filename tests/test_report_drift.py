"""What a report says of drift alarms and of responses given their prompts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import reading_kit
from reading_kit import DAY, HOUR, START, SUBJECTS, SWAP, lived
from reading_kit import SWAPPED as END

from monitor.house import House
from monitor.report import evidence
from monitor.report.chart import HEIGHT, WIDTH, chart
from monitor.report.drift_values import (
    ChannelReading,
    Drift,
    Happened,
    Hindsight,
    Moment,
    PairPart,
    RaisedAlarm,
    sized,
)
from monitor.report.gather import gather
from monitor.report.question import Question
from monitor.report.render import as_json, render
from monitor.report.values import Report


@pytest.fixture(scope="module")
def house(swapped_house: Path) -> Iterator[House]:
    made = reading_kit.opened(swapped_house)
    # So that it knows which streams there are.
    lived(made, END)
    yield made
    made.close()


@pytest.fixture(scope="module")
def report(house: House) -> Report:
    return gather(house, Question(evidently=False), END)


@pytest.fixture(scope="module")
def pairs(report: Report) -> PairPart:
    (found,) = report.pairs
    return found


def test_the_part_of_pairs_says_that_the_responses_moved_and_by_how_much(pairs: PairPart) -> None:
    effects = {each.name: each for each in pairs.effects}
    assert effects["model_drift"].changed
    assert (effects["model_drift"].lower or 0) > 1
    assert effects["standing_out"].changed
    assert "farther from" in effects["model_drift"].sentence
    assert 400 < pairs.compared <= pairs.read == pairs.population == 480


def test_like_prompts_then_and_now_stand_side_by_side(pairs: PairPart) -> None:
    assert pairs.examples
    for each in pairs.examples:
        subject = each.prompt.text.split()[0]
        assert each.prompt_then.split()[0] == subject == each.response_then.split()[0]
        assert each.response.split()[0] != subject
        assert each.like is not None
        assert each.like > 0.8


def test_the_segment_that_answers_otherwise_has_all_of_the_move(pairs: PairPart) -> None:
    moved = {each.value: each for each in pairs.segments if each.column == "model"}
    assert moved["small"].part == pytest.approx(1, abs=0.1)
    assert moved["small"].lower > 1
    assert moved["large"].lower < 0.5
    assert sum(each.part or 0 for each in moved.values()) == pytest.approx(1)


def test_the_alarm_the_course_of_its_evidence_and_its_effect_are_there(pairs: PairPart) -> None:
    (alarm,) = pairs.drift.open
    assert alarm.channel == "stranger"
    assert SWAP < alarm.raised <= END
    assert alarm.said.startswith("Responses to the same prompts have drifted")
    assert "of it from model small" in alarm.said
    assert [each.text for each in alarm.exemplars]
    evidence = [each.evidence for each in pairs.drift.evidence]
    assert len(evidence) == 15
    assert max(each or 0 for each in evidence) >= 1
    stranger = {each.channel: each for each in pairs.drift.channels}["stranger"]
    assert stranger.alarmed
    assert stranger.sure
    assert pairs.drift.hindsight == ()


def test_calls_of_an_alarm_are_read_where_they_lie_before_the_stretch(
    house: House, pairs: PairPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(start=END - HOUR / 2, baseline=pairs.baseline.version, evidently=False)
    (late,) = gather(house, question, END).pairs
    (alarm,), (before,) = late.drift.open, pairs.drift.open
    assert alarm.raised < late.start
    assert alarm.exemplars == before.exemplars
    assert all(each.text and each.text.split()[0] in SUBJECTS for each in alarm.exemplars)
    # The log was cleared: what is left of the calls is their ids.
    monkeypatch.setattr(evidence, "read_texts", lambda *_: ())
    gone = gather(house, question, END)
    assert [each.text for each in gone.pairs[0].drift.open[0].exemplars] == [None] * len(alarm.exemplars)
    assert render(gone).count("no longer in the log") == len(alarm.exemplars)


def test_a_quiet_stretch_has_no_alarm_and_no_examples_of_style(house: House) -> None:
    quiet = gather(house, Question(start=SWAP - DAY, end=SWAP, evidently=False), END)
    assert [part.drift.alarms for part in quiet.pairs] == [()]
    assert all(part.drift is not None and part.drift.alarms == () for part in quiet.parts)
    (found,) = quiet.pairs
    assert not {each.name: each for each in found.effects}["style"].changed
    assert {each.side for each in found.examples} <= {"stranger", "closer"}
    assert all(each.part is None for each in found.segments)


def test_page_and_json_hold_all_of_it_and_hostile_text_is_text(report: Report, pairs: PairPart) -> None:
    page, found = render(report), json.loads(as_json(report))
    assert "Like prompts, then and now" in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'class="limit"' in page
    assert found["pairs"][0]["examples"][0]["prompt"]["id"] == pairs.examples[0].prompt.id
    assert found["pairs"][0]["drift"]["alarms"][0]["channel"] == "stranger"
    assert len(found["parts"][0]["drift"]["evidence"]) == 15


def test_a_report_of_pairs_alone_can_be_asked_for(house: House, pairs: PairPart) -> None:
    alone = gather(house, Question(baseline=pairs.baseline.version, evidently=False), END)
    assert alone.parts == ()
    assert alone.end == END
    assert "Responses given their prompts" in render(alone)


def drift_of(*evidence: float | None, alarms: tuple[RaisedAlarm, ...] = ()) -> Drift:
    course = tuple(Moment(START + number * HOUR, each) for number, each in enumerate(evidence))
    return Drift(69, START, START + DAY, course, (), alarms, 28, (Hindsight(30, 1),))


def test_the_chart_keeps_inside_its_frame_and_leaves_gaps_where_nothing_is_known() -> None:
    drawn = chart(drift_of(0.0, 1.0, None, 1e9, None, 0.5, 0.6), START, START + 12 * HOUR)
    assert drawn.line.count("M") == 2
    assert drawn.dots.count("M") == 1
    points = [point.split() for point in drawn.line.replace("M", "L").split("L") if point]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
    assert len(drawn.rows) <= 9
    assert drawn.band[1] > 0


def test_the_chart_of_no_window_is_empty_and_has_its_threshold() -> None:
    drawn = chart(drift_of(), START, START + timedelta(seconds=1))
    assert (drawn.line, drawn.dots) == ("", "")
    assert 0 < drawn.threshold < HEIGHT


def test_alarms_are_marked_where_they_began_and_ended() -> None:
    def raised(at: datetime, ended: datetime | None) -> RaisedAlarm:
        return RaisedAlarm("mix", ("mix",), at, ended, 1.2, "said", False, (), ())

    alarms = raised(START + 2 * HOUR, START + 6 * HOUR), raised(START - DAY, None)
    drawn = chart(drift_of(0.1, 0.2, alarms=alarms), START, START + 12 * HOUR)
    assert len(drawn.raised) == len(drawn.ended) == 1
    assert drawn.raised[0] < drawn.ended[0]
    assert [each.ended for each in drift_of(alarms=alarms).open] == [None]


def test_sizes_are_said_in_the_unit_of_their_channel() -> None:
    reading = ChannelReading("novelty", "", 0.1, 0.05, 0.02, 0.015, "points", "", False)
    assert sized(reading, -0.05) == "\N{MINUS SIGN}5.0 points"
    assert sized(replace(reading, unit="deviations"), 3.084) == "3.08 sd"
    assert sized(reading, None) == "–"
    assert reading.sure


def test_another_model_stands_on_the_chart_and_below_it(report: Report, pairs: PairPart) -> None:
    assert pairs.drift is not None
    happened = Happened(SWAP, "model changed", "response_model gpt-x<b>, was gpt-w", "chat-bot")
    drift = replace(pairs.drift, happened=(happened,))
    (at,) = chart(drift, START, END).happened
    assert 0 < at < WIDTH
    page = render(replace(report, pairs=(replace(pairs, drift=drift),)))
    assert page.count('class="happened"') == 1
    assert "model changed: response_model gpt-x&lt;b&gt;, was gpt-w (chat-bot)" in page
    assert json.loads(as_json(replace(report, pairs=(replace(pairs, drift=drift),))))["pairs"][0]["drift"]["happened"]
