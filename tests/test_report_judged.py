"""The part of the report on the judge: its number and the corrected one are told apart, and what is unknown is said."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from label_kit import HOSTILE, NOW, START, judged, living, written

from detectors.measurement import Window
from monitor.house import House
from monitor.report.judged import JudgedPart, judged_parts
from monitor.report.render import render
from monitor.report.values import Report
from monitor.store import labels
from monitor.store.judge_tables import JudgeWindowRow, VerdictRow
from monitor.store.labels import Vote

HOUR = timedelta(hours=1)
STRETCH = Window(START - HOUR, START + 2 * HOUR)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with living(written(tmp_path_factory.mktemp("report") / "service")) as opened:
        judged(opened.database)
        with opened.database.transaction() as session:
            facts = {"calls": {"[]": [60.0, 0.0]}, "starved": [], "population": 60}
            ends = {"end": START + HOUR, "planned_at": NOW, "deadline": NOW}
            session.merge(JudgeWindowRow(source="chat", start=START, state="done", facts=facts, **ends))
            row = session.get(VerdictRow, ("chat", START, "c5", "relevance", "small"))
            assert row is not None
            row.evidence = f"Basil {HOSTILE}"
            for number in range(40):
                given = Vote(f"c{number}", "relevance", "ana", START, number % 5 != 0, "import", NOW)
                labels.keep(session, "chat", [given])
        yield opened


def shown(part: JudgedPart) -> str:
    return render(Report("0", NOW, (), (), (), (part,)))


def test_corrected_and_uncorrected_numbers_stand_apart_each_with_its_interval(house: House) -> None:
    (part,) = judged_parts(house, {"chat": STRETCH})
    assert (part.start, part.end, part.windows) == (START, START + HOUR, 1)
    relevance, toxicity = part.criteria
    assert relevance.alone.value == relevance.corrected.value == pytest.approx(0.2)
    for each in (relevance.alone, relevance.corrected):
        assert each.lower is not None
        assert each.upper is not None
        assert each.lower < 0.2 < each.upper
    assert relevance.kappa.value == pytest.approx(1)
    assert toxicity.corrected.value is None
    assert "nobody has labelled" in toxicity.corrected.why
    page = shown(part)
    assert "Judge-only, uncorrected" in page
    assert "nobody has labelled calls" in page


def test_failing_calls_are_named_with_redacted_evidence(house: House) -> None:
    (part,) = judged_parts(house, {"chat": STRETCH})
    failing = part.criteria[0].failing
    assert [each.id for each in failing] == ["c55", "c50", "c45", "c40", "c35"]
    (early,) = judged_parts(house, {"chat": Window(START, START + HOUR)})
    assert early.criteria[0].failing == failing
    with house.database.transaction() as session:
        row = session.get(VerdictRow, ("chat", START, "c55", "relevance", "small"))
        assert row is not None
        row.evidence = f"Basil {HOSTILE}"
    (part,) = judged_parts(house, {"chat": STRETCH})
    page = shown(part)
    assert "bob@example.org" not in page
    assert "<script>alert" not in page
    assert "Basil" in page


def test_a_stretch_without_judged_windows_says_that_nothing_is_known(house: House) -> None:
    (part,) = judged_parts(house, {"chat": Window(START, START + HOUR / 2)})
    assert (part.windows, part.criteria) == (0, ())
    assert "nothing is known of the quality" in shown(part)


def test_a_service_without_a_judge_has_no_such_part(house: House) -> None:
    unjudged = replace(house, settings=house.settings.model_copy(update={"judge": None}))
    assert judged_parts(unjudged, {"chat": STRETCH}) == ()
