"""Another model behind the same prompts: learnt, measured and told as responses given their prompts, not as prompts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import reading_kit
from reading_kit import START, SWAP, lived, swapped
from reading_kit import SWAPPED as END

from detectors.measurement import Key, Segment
from detectors.sampling import PAIRS
from monitor.commands import baseline, baseline_compare
from monitor.drifting import alarms
from monitor.house import House
from monitor.reading.place import Place, with_pairs
from monitor.store import baselines, drift, states, texts
from monitor.store.texts import TextMeasured
from monitor.survey import survey

SHIFT = Key("model_drift")


@pytest.fixture
def folder(swapped_house: Path) -> Path:
    return swapped_house


@pytest.fixture(scope="module")
def house(swapped_house: Path) -> Iterator[House]:
    """A service after a day and a half with the other model."""
    made = reading_kit.opened(swapped_house)
    lived(made, END)
    yield made
    made.close()


def measured(house: House) -> list[TextMeasured]:
    with house.database.reading() as session:
        return [each for each in texts.between(session, "chat", START, END) if each.stream == PAIRS]


def test_pairs_are_learnt_from_the_stretch_of_the_texts_and_in_windows_of_their_own(house: House) -> None:
    with house.database.reading() as session:
        used = baselines.in_use(session)
        facts = {each.stream: baselines.facts(session, each) for each in used}
    assert {each.stream for each in used} == {"prompt", "response", PAIRS}
    assert len({(each.fitted_from, each.fitted_until, each.read_until) for each in used}) == 1
    assert (facts[PAIRS]["windows"], facts[PAIRS]["topics"]) == (42, [])


def test_the_swap_is_an_alarm_of_the_responses_given_their_prompts_and_not_of_the_prompts(house: House) -> None:
    with house.database.reading() as session:
        facts, used = drift.all_facts(session), baselines.in_use(session)
        found = alarms(facts, used, states.all_progress(session))
    by_stream = {dict(each.id.labels)["stream"]: each for each in found}
    assert "prompt" not in by_stream
    alarm = by_stream[PAIRS]
    assert dict(alarm.id.labels)["channel"] == "stranger"
    assert alarm.value.value is not None
    assert alarm.value.value > 1
    assert "standard deviations" in alarm.summary()
    assert "stand out" in alarm.summary()
    wrong = {call["id"] for call in swapped() if call["prompt"].split()[0] != call["response"].split()[0]}
    assert alarm.exemplars
    assert set(alarm.exemplars) <= wrong


def test_every_window_says_how_far_the_responses_have_moved(house: House) -> None:
    windows = measured(house)
    before = [each.values[SHIFT] for each in windows if each.window.end <= SWAP]
    after = [each.values[SHIFT] for each in windows if each.window.start >= SWAP]
    assert len(before) == 6
    assert len(after) == 9
    assert all(each.lower is not None and each.lower > 1 for each in after)
    assert all(each.value is not None and abs(each.value) < 1 for each in before)
    all_of_it = Key.of("drift_evidence", channel="all", stream=PAIRS)
    assert max(each.values[all_of_it].value or 0 for each in windows) > 1
    assert all(each.findings["responses"]["side"] == "stranger" for each in windows if each.window.start >= SWAP)


def test_the_status_names_the_stream_and_what_stands_out(house: House) -> None:
    (status,) = [each for each in survey(house, END).texts if each.stream == PAIRS]
    assert status.against == "rolling"
    assert status.measured is not None
    assert Key.of("model_drift", baseline="rolling") in status.measured.values
    assert any("of the responses are stranger" in each for each in status.findings)


def test_a_restart_goes_on_where_it_was(folder: Path, house: House) -> None:
    again = reading_kit.opened(folder)
    assert lived(again, END) == 0
    again.close()
    assert len(measured(house)) == 15


def test_the_command_lists_the_baseline_and_does_not_compare_it(
    folder: Path, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder / "watchkeeper.yaml"
    with house.database.reading() as session:
        versions = {each.stream: each.version for each in baselines.in_use(session)}
    assert baseline.show_all(config) == 0
    assert baseline.show(config, versions[PAIRS]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "responses given their prompts of chat" in listed
    assert baseline_compare.compare(config, (versions["prompt"], versions[PAIRS])) != 0
    assert "not those of responses given their prompts" in " ".join("".join(capsys.readouterr()).split())


def test_without_one_of_the_texts_there_are_no_pairs() -> None:
    prompt, response = (Place("chat", Segment(), stream) for stream in ("prompt", "response"))
    other = Place("chat", Segment.of(service="a"), "prompt")
    assert with_pairs([prompt, other]) == [prompt, other]
    assert with_pairs([prompt, response, other]) == [prompt, response, other, Place("chat", Segment(), PAIRS)]
