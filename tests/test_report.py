"""The drift report: what it finds, that it says so, that it opens anywhere, and that no text breaks it."""

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading_kit import DAY, END, HOUR, NEW_TOPIC, START, lived, opened, written
from reading_kit import attacked_log as log

from monitor.commands import report as command
from monitor.house import House
from monitor.report import evidently_part
from monitor.report.gather import STRANGEST, gather
from monitor.report.picture import APART, _apart
from monitor.report.plain import plain
from monitor.report.question import Question
from monitor.report.render import MOST_FRAMES, as_json, render, write
from monitor.report.values import Evidently, Mark, Part, Report, ReportError


def learnt(folder: Path, calls: Iterable[dict[str, Any]]) -> House:
    """A service that has read its log and learnt."""
    house = opened(written(folder, calls))
    lived(house, END)
    return house


@pytest.fixture(scope="module")
def folder(attacked_house: Path) -> Path:
    return attacked_house


@pytest.fixture(scope="module")
def house(folder: Path) -> Iterator[House]:
    house = opened(folder)
    yield house
    house.close()


def asked(house: House, **question: Any) -> Report:
    return gather(house, Question(**{"evidently": False} | question), END)


@pytest.fixture(scope="module")
def report(house: House) -> Report:
    return asked(house)


@pytest.fixture(scope="module")
def part(report: Report) -> Part:
    (part,) = report.parts
    return part


class Page(HTMLParser):
    """What a browser would see: text, tags, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def of(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


def test_by_default_it_is_about_the_last_day_that_the_source_vouches_for(part: Part) -> None:
    assert (part.start, part.end) == (END - DAY, END)
    assert part.population == part.read == 480
    assert part.baseline.fitted_until <= NEW_TOPIC


def test_a_new_topic_is_found_named_and_shown_with_its_texts(part: Part) -> None:
    effects = {effect.name: effect for effect in part.effects}
    assert effects["novelty"].changed
    assert effects["out_of_distribution_ratio"].value is not None
    assert effects["out_of_distribution_ratio"].value > 0.15
    assert "more than usual" in effects["novelty"].sentence
    assert any("battery" in topic.name or "fire" in topic.name for topic in part.new)
    assert any("recall battery fire danger" in each.text for topic in part.new for each in topic.exemplars)
    assert all(topic.exemplars[0].id.startswith("c") for topic in part.new)


def test_the_strangest_texts_are_shown_the_strangest_first(report: Report, part: Part) -> None:
    assert len(part.strangest) == STRANGEST
    assert all("recall" in (each.text or "") for each in part.strangest)
    page = Page(render(report)).text
    assert "Strangest texts" in page
    assert all(each.id in page for each in part.strangest)


def test_a_quiet_day_is_called_quiet(house: House) -> None:
    (part,) = asked(house, start=NEW_TOPIC - DAY, end=NEW_TOPIC).parts
    assert not part.new
    assert not [effect for effect in part.changed if effect.name in ("novelty", "topic")]
    assert all(each.of_novelty is None for each in part.contributions)


def test_the_segment_that_a_change_comes_from_is_named(part: Part) -> None:
    found = {(each.column, each.value): each for each in part.contributions}
    large, small = found["model", "large"], found["model", "small"]
    assert large.of_novelty is not None
    assert small.of_novelty is not None
    assert large.of_novelty > 0.8
    assert large.of_novelty + small.of_novelty == pytest.approx(1)
    assert (large.of_mix or 0) + (small.of_mix or 0) == pytest.approx(1)
    assert large.before == pytest.approx(0.5, abs=0.06)
    assert found["prompt_version", "v1"].now == 0
    assert part.same == ("environment",)


def test_the_map_holds_every_compared_text_once(part: Part) -> None:
    assert len(part.map.now) + len(part.map.strange) == part.compared
    assert len(part.map.before) == 1000
    assert {mark.new for mark in part.map.marks} == {True, False}
    assert 0 < part.map.explained <= 1


def test_signs_on_the_map_do_not_hide_each_other() -> None:
    marks = _apart([Mark(str(number), 300.0, 200.0, "", new=False) for number in range(13)])
    for one in marks:
        for other in marks:
            assert one is other or (one.x - other.x) ** 2 + (one.y - other.y) ** 2 >= (APART - 1) ** 2


def test_the_same_log_in_another_order_gives_the_same_report(tmp_path: Path, report: Report) -> None:
    calls = list(log())
    order = np.random.default_rng(0).permutation(len(calls))
    other = learnt(tmp_path / "shuffled", [calls[row] for row in order])
    try:
        assert as_json(asked(other)) == as_json(report)
        assert render(asked(other)) == render(report)
    finally:
        other.close()


def test_the_page_shows_what_the_json_holds(report: Report, part: Part) -> None:
    page, found = Page(render(report)), json.loads(as_json(report))
    assert found["parts"][0]["effects"][1]["name"] == "novelty"
    for text in [
        *(effect.sentence for effect in part.effects),
        *(topic.name for topic in part.new),
        *(each.id for topic in part.new for each in topic.exemplars),
        *(each.name for each in part.descriptors),
        *(mark.name for mark in part.map.marks),
    ]:
        assert " ".join(text.split()) in page.text


def test_the_page_needs_nothing_from_elsewhere_and_no_script(report: Report) -> None:
    html = render(report)
    page = Page(html)
    assert not {"script", "iframe", "link"} & {tag for tag in page.tags if tag != "link"}
    assert page.of("href", "src") == ["data:,"]
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [value for value in page.of("content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; script-src 'none';")


def test_hostile_text_is_shown_as_text(house: House, report: Report, part: Part) -> None:
    shown = [each.text for topic in (*part.new, *part.grown) for each in topic.exemplars]
    hostile = [text for text in shown if "<script>" in text]
    html = render(report)
    html.encode()
    assert hostile
    assert "<script>" not in html
    assert Page(html).text.count("<script>alert(1)</script></iframe>") >= len(hostile)
    assert "{{ 7*7 }}" in Page(html).text
    assert "<b>v2" in Page(html).text
    quiet = Page(render(asked(house, start=NEW_TOPIC - DAY, end=NEW_TOPIC)))
    assert not set(Page(html).tags) - {*quiet.tags, "blockquote", "cite", "article", "strong", "h4", "div"}


def test_a_stretch_with_few_texts_says_so_and_does_not_fail(house: House) -> None:
    made = asked(house, start=END - HOUR)
    (part,) = made.parts
    assert [effect.value for effect in part.effects[1:]] == [None, None, None]
    assert "Too few texts" in part.effects[1].sentence
    assert Page(render(made)).text.count("Too few texts") == 3


def test_what_is_not_complete_yet_is_cut_off_and_said(house: House) -> None:
    (part,) = asked(house, start=END - DAY, end=END + DAY).parts
    assert part.end == END
    assert any("complete until" in note for note in part.notes)


def test_a_window_inside_the_baseline_is_said(house: House) -> None:
    (part,) = asked(house, start=START + DAY, end=START + 2 * DAY).parts
    assert any("overlaps" in note for note in part.notes)


def test_it_says_which_baseline_it_is_against(report: Report, part: Part) -> None:
    assert part.baseline.role == "rolling"
    assert f"Against the rolling baseline {part.baseline.version[:8]}" in Page(render(report)).text


def test_a_baseline_can_be_named(house: House, part: Part) -> None:
    (found,) = asked(house, baseline=part.baseline.version[:6]).parts
    assert found == part


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"source": "<nobody>"}, "there is no source '<nobody>': configured are chat"),
        ({"baseline": "zz"}, "no baseline whose version begins with 'zz'"),
        ({"start": END + DAY}, "where the log is not complete yet"),
        ({"start": START - 9 * DAY, "end": START - 8 * DAY}, "no text of this stream"),
    ],
)
def test_what_cannot_be_answered_says_why(house: House, question: dict[str, Any], problem: str) -> None:
    with pytest.raises(ReportError, match=re.escape(problem)):
        asked(house, **question)


def test_times_are_read_as_on_the_command_line() -> None:
    question = Question.parse("2d", "2026-03-10T06:00Z", END, source="chat")
    assert (question.start, question.end) == (END - 2 * DAY, datetime(2026, 3, 10, 6, tzinfo=UTC))
    with pytest.raises(ReportError, match="is not a time"):
        Question.parse("yesterday", "", END)
    with pytest.raises(ReportError, match="must be before"):
        Question.parse("1d", "2d", END)


def test_before_anything_is_learnt_there_is_no_report(tmp_path: Path) -> None:
    house = learnt(tmp_path / "young", [call for call in log() if call["id"] < "c2"])
    try:
        with pytest.raises(ReportError, match="nothing has been learnt yet"):
            asked(house)
    finally:
        house.close()


def test_progress_is_told_and_only_grows(house: House) -> None:
    told: list[float] = []
    gather(house, Question(evidently=False), END, lambda _what, share: told.append(share))
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] < 1


def test_the_command_writes_the_page_and_the_json_beside_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "open_house", lambda _loaded: opened(folder))
    output = tmp_path / "report.html"
    config = folder / "watchkeeper.yaml"
    assert command.report(config, ("", ""), ("", ""), output, evidently=False) == 0
    assert "<!doctype html>" in output.read_text()
    assert json.loads((tmp_path / "report.json").read_text())["parts"]
    assert {each.name for each in tmp_path.iterdir()} == {"report.html", "report.json"}
    assert "written:" in capsys.readouterr().out
    assert command.report(config, ("", ""), ("nobody", ""), output, evidently=False) == 2
    assert command.report(config, ("", ""), ("", ""), tmp_path / "no" / "report.html", evidently=False) == 2
    assert command.report(config, ("", ""), ("", ""), tmp_path / "report.json", evidently=False) == 2


def test_a_report_that_cannot_be_written_says_where(report: Report, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot write"):
        write(report, tmp_path / "nowhere" / "report.html")


def test_values_that_json_does_not_have_are_made_fit() -> None:
    assert plain({"a\x00": [float("nan"), "\ud800", START]}) == {r"a\x00": [None, r"\ud800", START.isoformat()]}


def test_evidently_s_page_is_shut_in_a_frame_and_its_thresholds_are_explained(house: House) -> None:
    with ThreadPoolExecutor(1) as job:  # as the service makes reports
        made = job.submit(asked, house, start=END - DAY, end=END, evidently=True).result()
    (part,) = made.parts
    assert part.evidently is not None
    assert part.evidently.problem == ""
    methods = {method.name: method for method in part.evidently.methods}
    assert all(method.meaning for method in methods.values())
    assert {result.column for result in methods["Kolmogorov-Smirnov p-value"].results} >= {"characters", "latency_s"}
    assert "10 %" in methods["Classifier AUC of the embeddings"].meaning
    assert methods["MMD² with bootstrap of the embeddings"].results == ()
    html = render(made)
    page = Page(html)
    assert page.tags.count("iframe") == 1
    assert page.of("sandbox") == ["allow-scripts"]
    assert "script" not in page.tags
    (policy,) = [value for value in page.of("content") if "default-src" in value]
    assert policy.count("'sha256-") >= 3
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "html" not in json.loads(as_json(made))["parts"][0]["evidently"]
    assert render(asked(house, start=END - DAY, end=END)) != html


def test_a_failure_of_evidently_is_a_sentence(monkeypatch: pytest.MonkeyPatch, house: House, report: Report) -> None:
    def broken(*_frames: Any) -> Any:
        raise RuntimeError("<nothing> fits")

    monkeypatch.setattr(evidently_part, "_run", broken)
    made = asked(house, evidently=True)
    assert replace(made.parts[0], evidently=None) == report.parts[0]
    assert "Evidently failed: RuntimeError: <nothing> fits" in Page(render(made)).text


def test_only_some_of_evidently_s_pages_are_kept(report: Report, part: Part) -> None:
    many = [replace(part, evidently=Evidently(1, 1, (), html="<p>page</p>")) for _ in range(MOST_FRAMES + 2)]
    page = Page(render(replace(report, parts=tuple(many))))
    assert page.tags.count("iframe") == MOST_FRAMES
    assert page.text.count("left out, because of its size") == 2
