"""Checks of rules about texts and about the judge: they read windows of their own, not those of traffic."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from alerts.conditions import by_interval
from config.alerts import Rule
from config.detectors import Text
from config.judge import JudgeSampling
from config.problems import Finding, Path
from config.references import names, sections
from config.sources.common import CommonSource
from config.types import format_duration, parse_duration
from config.words import choose, shown
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.text_catalogue import TEXTS_BY_NAME

LONGEST = timedelta(days=1)  # of a text window; all lengths that there are divide it

# What is a number alone, and what can be below 0.
_WITHOUT_INTERVAL = frozenset(
    {
        *("drift_evidence", "judge_cost_usd", "judge_starved_segments"),
        *("judge_win_p_value", "judge_unmatched_ratio", "judge_labels_shift"),
    }
)
_SIGNED = frozenset({"embedding_drift", "model_drift", "judge_kappa", "judge_position_bias", "judge_labels_shift"})
_BOTH = ("prompt", "response")
_OF_PAIRS = frozenset(
    {"judge_win_ratio", "judge_win_p_value", "judge_position_bias"}
)  # whose criterion is that of the pairs


def check_text_rule(written: Mapping[str, Any], tree: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """What in a rule about texts or the judge can never work; a rule that is wrong in itself is passed over.

    Args:
        written: the rule.
        tree: the settings as written, perhaps wrong elsewhere.
        path: of the rule.
    """
    try:
        rule = Rule.model_validate(written)
    except ValidationError:
        return
    if rule.kind == "burn":
        hint = "write above, with `fires_on: interval`"
        yield Finding((*path, "burn"), f"{rule.measure} is of a sample, and an objective is of all calls", hint)
    if rule.kind in ("threshold", "change"):
        yield from _sure(rule, path)
    yield from (_of_texts if rule.measure in TEXTS_BY_NAME else _of_judge)(rule, tree, path)


def _sure(rule: Rule, path: Path) -> Iterator[Finding]:
    key = "fires_on" if rule.fires_on is not None else rule.kind if rule.kind == "change" else "measure"
    if rule.measure in _WITHOUT_INTERVAL and by_interval(rule):
        yield Finding((*path, key), f"{rule.measure} has no interval", "write `fires_on: value`")
    is_signed = rule.measure in _SIGNED or rule.labels.get("descriptor") == "sentiment"
    if rule.change is not None and rule.change.how == "ratio" and is_signed:
        what = f"{rule.measure} can be below 0 and has no ratio"
        yield Finding((*path, "change", "how"), what, "write `how: difference`")


def _of_texts(rule: Rule, tree: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    text = _section(tree, "text")
    if text.get("enabled", True) is False:
        yield Finding((*path, "measure"), "texts are not read", "text.enabled is false")
        return
    yield from _stream(rule, text, path)
    yield from _by(rule, tree, text, path)
    length = _duration(text.get("window"))
    if rule.over is not None and length is None:
        why = "the length of a text window is chosen when its baseline is learnt"
        yield Finding((*path, "over"), why, "leave `over` out, or set text.window")
    elif rule.over is not None and length is not None and rule.over != length:
        hint = f"text.window is {format_duration(length)}: leave `over` out"
        yield Finding((*path, "over"), "is not the length of a text window", hint)
    yield from _baseline(rule, length, path)


def _stream(rule: Rule, text: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    read = text.get("streams", list(_BOTH))
    if not isinstance(read, list):
        return
    named = rule.labels.get("stream")
    wanted = _BOTH if rule.measure == "model_drift" or named not in (None, *_BOTH) else (named,)
    for stream in wanted:
        if stream is not None and stream not in read:
            place = ("labels", "stream") if named is not None else ("measure",)
            yield Finding((*path, *place), f"{stream}s are not read", f"add {stream} to text.streams")


def _by(rule: Rule, tree: Mapping[str, Any], text: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """A rule's segments must be those whose texts are read, in every source that it watches."""
    wanted = {name for _, name in names(text.get("by", Text.model_fields["by"].get_default()))}
    for name, source in sections(tree, "sources").items():
        groupings = source.get("groupings", CommonSource.model_fields["groupings"].default)
        if (rule.sources and name not in rule.sources) or not isinstance(groupings, list):
            continue
        cut = next((each for each in groupings if isinstance(each, list) and set(map(str, each)) == wanted), [])
        if set(map(str, cut)) == set(rule.by):
            continue
        read = f"by [{', '.join(map(str, cut))}]" if cut else "as a whole"
        if cut:
            hint = f"write `by: [{', '.join(map(str, cut))}]`"
        elif set(rule.by) == wanted:
            hint = f"add [{', '.join(rule.by)}] to sources.{name}.groupings, or leave `by` out"
        else:
            hint = "leave `by` out"
        yield Finding((*path, "by"), f"the texts of source {name} are read {read} (text.by)", hint)


def _baseline(rule: Rule, length: timedelta | None, path: Path) -> Iterator[Finding]:
    """The baseline of a change is made of earlier text windows, whatever length they have."""
    change, window = rule.change, length or LONGEST
    if change is None or change.value is not None:
        return
    spelled = format_duration(window)
    why = f"a text window {'is' if length is not None else 'can be'} {spelled} long"
    if change.length is not None and change.length % window:
        yield Finding((*path, "change", "length"), "is not a whole number of text windows", why)
    if change.ago < window:
        hint = f"{why}: write {spelled} or more"
        yield Finding((*path, "change", "ago"), "reaches into the window of the value", hint)


def _of_judge(rule: Rule, tree: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    if not isinstance(tree.get("judge"), Mapping):
        yield Finding((*path, "measure"), "no judge is configured", "add a section `judge`, see docs/judge.md")
        return
    judge = _section(tree, "judge")
    criterion, criteria = rule.labels.get("criterion"), [name for _, name in names(judge.get("criteria"))]
    if criterion is not None and criteria and rule.measure not in _OF_PAIRS and criterion not in criteria:
        hint = choose(criterion, criteria)
        yield Finding((*path, "labels", "criterion"), f"nothing is judged by {shown(criterion)}", hint)
    window = _duration(judge.get("window"))
    if rule.over is not None and window is not None and rule.over % window:
        hint = f"judge.window is {format_duration(window)}"
        yield Finding((*path, "over"), "is not a whole number of judged windows", hint)
    sampling = JudgeSampling.model_fields["by"].get_default()
    cut = [name for _, name in names(_section(judge, "sampling").get("by", sampling))]
    if rule.by and set(rule.by) != set(cut):
        hint = f"write `by: [{', '.join(cut)}]`, or leave `by` out"
        yield Finding((*path, "by"), f"calls are judged by [{', '.join(cut)}] (judge.sampling.by)", hint)


def _section(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = tree.get(key)
    return found if isinstance(found, Mapping) else {}


def _duration(value: Any) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value)
    except ValueError:
        return None


MEASURED_APART = {**TEXTS_BY_NAME, **JUDGED_BY_NAME}
