"""An evaluation as one HTML page that opens offline, and as JSON beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from detectors.judge.agreement import Agreement, Kappa
from detectors.judge.unknown import Unknown
from detectors.judge.weighted import Share
from monitor import formats
from monitor.clean import clean_lines, clean_text
from monitor.evaluate.findings import Case, Compared, Finding, Rate
from monitor.evaluate.question import Evaluation
from monitor.evaluate.values import EvaluationError
from monitor.page import render as render_template
from monitor.report.plain import plain
from monitor.report.render import points, replace_file

SHOWN_TEXT: Final = 2_000  # characters of a text
SHOWN_LEFT_OUT: Final = 50
PAGE, BESIDE = "report.html", "report.json"


class ShownCase(NamedTuple):
    """A case as it stands on the page: its id, what was said of it, its texts by name."""

    id: str
    said: str
    was_good: bool
    reasoning: str
    evidence: str
    unquoted: bool
    texts: Sequence[tuple[str, str]]


class Part(NamedTuple):
    """One measure as it stands on the page; `facts` are names and sentences."""

    title: str
    big: str
    interval: str
    rests_on: str
    facts: Sequence[tuple[str, str]]
    change: str
    worse: bool
    cases: Sequence[ShownCase]


def as_json(made: Evaluation) -> bytes:
    """Everything: numbers, rows that fail with their texts, and the judge's words."""
    found: dict[str, Any] = asdict(made)
    found["rows"] = {
        "what": made.rows.what,
        "count": len(made.rows.rows),
        "population": made.rows.population,
        "left_out": made.rows.left_out,
    }
    found["complete"] = made.is_complete
    return orjson.dumps(plain(_keyed(found)), option=orjson.OPT_INDENT_2)


def _keyed(value: Any) -> Any:
    """Named tuples as objects: a list of numbers says nothing."""
    if isinstance(value, Share | Kappa):
        return value._asdict()
    if isinstance(value, Mapping):
        return {key: _keyed(each) for key, each in value.items()}
    return [_keyed(each) for each in value] if isinstance(value, list | tuple) else value


def page(made: Evaluation) -> str:
    """The page: no script, nothing from elsewhere, every text escaped."""
    return render_template(
        "evaluation.html",
        made=made,
        what=clean_text(made.rows.what, 300),
        rows=len(made.rows.rows),
        left_out=[clean_text(each, 300) for each in made.rows.left_out[:SHOWN_LEFT_OUT]],
        more=max(len(made.rows.left_out) - SHOWN_LEFT_OUT, 0),
        judges=[clean_text(each, 200) for each in made.judges],
        unanswered=[(clean_text(why, 300), count) for why, count in made.unanswered.items()],
        parts=[part(each) for each in made.findings],
    )


def write(made: Evaluation, folder: Path) -> tuple[Path, Path]:
    """Writes page and JSON, each whole or not at all; where they are.

    Raises:
        EvaluationError: they cannot be written.
    """
    html, beside = folder / PAGE, folder / BESIDE
    try:
        replace_file(beside, as_json(made))
        replace_file(html, page(made).encode("utf-8", "replace"))
    except OSError as error:
        raise EvaluationError(f"cannot write {html}: {error.strerror or error}") from error
    return html, beside


def part(found: Finding) -> Part:
    """One measure in words."""
    best, shown = found.passing or found.score, formats.percent if found.passing is not None else formats.number
    big, interval, rests_on = "–", found.why, ""
    if best is not None:
        big, interval = shown(best.value), f"{shown(best.lower)} to {shown(best.upper)}"
        rests_on = _rests_on(best, is_score=found.passing is None)
    if found.win is not None:
        win = found.win
        big, interval = formats.percent(win.value), f"{formats.percent(win.lower)} to {formats.percent(win.upper)}"
        rests_on = "wins of the first answer, ties as halves, both orders asked"
    return Part(
        title=clean_text(found.measure.name, 200),
        big=big,
        interval=interval,
        rests_on=rests_on,
        facts=_facts(found),
        change=_change(found),
        worse=_is_worse(found.compared),
        cases=[_case(each) for each in found.cases],
    )


def _rests_on(rate: Rate, *, is_score: bool) -> str:
    what = "mean score" if is_score else "pass"
    words = {
        "labels": f"{what}, corrected by people's labels",
        "judge-only, uncorrected": f"{what}, judge-only, uncorrected",
        "exact": what,
    }
    return words[rate.method]


def _facts(found: Finding) -> list[tuple[str, str]]:
    facts = [("Verdicts", f"{found.known:,} of {found.rows:,} rows")]
    if found.judge_only is not None:
        facts.append(("Judge alone", f"{_share(found.judge_only)}, uncorrected"))
    if found.passing is not None and found.score is not None:
        score = found.score
        facts.append(("Mean score", f"{score.value:.3g} ({score.lower:.3g} to {score.upper:.3g})"))
    if found.agreement is not None:
        facts += _agreement(found.agreement)
    if found.win is not None:
        win = found.win
        facts.append(("Pairs", f"{win.wins:,} won, {win.ties:,} tied, {win.losses:,} lost"))
        if not isinstance(win.decided, Unknown):
            p = f", sign test p = {win.p_value:.2g}" if win.p_value is not None else ""
            facts.append(("Wins without ties", f"{_share(win.decided)}{p}"))
    if found.bias is not None:
        bias = found.bias
        facts.append(("Position bias", f"{bias.value:+.2f} ({bias.lower:+.2f} to {bias.upper:+.2f})"))
    for why, count in found.problems.items():
        facts.append((f"Without: {clean_text(why, 60)}", f"{count:,}{detail_of(found, why)}"))
    return facts


def detail_of(found: Finding, why: str) -> str:
    """What is known of a reason, as an addition to its count."""
    return f" ({found.details[why]})" if why in found.details else ""


def _agreement(said: Agreement) -> list[tuple[str, str]]:
    facts = [("Labels", f"{said.labels:,}, of which {said.failures:,} say failure")]
    named = (("Agreement with people", said.agreement), ("Failures that the judge sees", said.sensitivity))
    facts += [
        (name, "not known" if isinstance(each, Unknown) else _share(each))
        for name, each in (*named, ("Good answers that it passes", said.specificity))
    ]
    if not isinstance(said.kappa, Unknown):
        facts.append(("Cohen's κ", f"{said.kappa.value:.2f} ({said.kappa.lower:.2f} to {said.kappa.upper:.2f})"))
    return facts


def _share(share: Rate | Share) -> str:
    return f"{formats.percent(share.value)} ({formats.percent(share.lower)} to {formats.percent(share.upper)})"


def _change(found: Finding) -> str:
    compared = found.compared
    if compared is None:
        return ""
    other = " These are verdicts of the judge, uncorrected." if found.measure.kind == "criterion" else ""
    if compared.other:
        other += " Another judge, rubric or check decided then: the difference is theirs too."
    if compared.passing is not None:
        told = compared.passing
        p = "" if told.p_value is None else f", exact McNemar p = {told.p_value:.2g}"
        span = f"{points(told.lower)} to {points(told.upper)}"
        return (
            f"{points(told.value)} ({span}) on {told.pairs:,} rows of both runs: {told.better:,} better, "
            f"{told.worse:,} worse{p}.{other}"
        )
    if compared.score is not None:
        moved = compared.score
        return f"{moved.value:+.3g} ({moved.lower:+.3g} to {moved.upper:+.3g}) on {moved.pairs:,} rows.{other}"
    return f"No row has a verdict in both runs.{other}"


def _is_worse(compared: Compared | None) -> bool:
    if compared is None:
        return False
    if compared.passing is not None:
        return compared.passing.differs and compared.passing.value < 0
    return compared.score is not None and compared.score.upper < 0


def _case(case: Case) -> ShownCase:
    item, versus, outcome = case.row.item, case.row.versus, case.outcome
    texts = (
        ("prompt", item.prompt),
        ("context", item.context),
        ("reference", item.reference),
        ("steps", item.trajectory),
        ("answer", item.response),
        ("other prompt", None if versus is None or versus.prompt == item.prompt else versus.prompt),
        ("other answer", case.row.other),
    )
    return ShownCase(
        id=clean_text(outcome.id, 100),
        said=clean_text(outcome.said, 100),
        was_good=case.before is True,
        reasoning=clean_lines(outcome.reasoning, SHOWN_TEXT),
        evidence=clean_lines(outcome.evidence, SHOWN_TEXT),
        unquoted=outcome.quoted is False,
        texts=[(name, clean_lines(text, SHOWN_TEXT)) for name, text in texts if text is not None],
    )
