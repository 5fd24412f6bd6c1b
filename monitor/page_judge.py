"""The judge on the status page: what it says of each criterion, and whether anybody has corrected that."""

from datetime import datetime
from typing import NamedTuple

from detectors.measurement import Key, Measured, Value
from monitor import formats
from monitor.clean import clean_text
from monitor.snapshot import JudgeStatus

SHOWN = 50  # lines; all of them are in /metrics and in the JSON


class JudgeRow(NamedTuple):
    """One criterion of one segment, as one voice judges it."""

    name: str
    place: str
    judged: str
    corrected: str
    month: str
    score: str
    trouble: tuple[str, ...]
    end: datetime
    length_s: float


def judge_rows(status: JudgeStatus | None) -> list[JudgeRow]:
    """The lines of the table, whole sources first."""
    found = [] if status is None else [row for each in status.measured for row in _rows(each)]
    return sorted(found, key=lambda row: (row.place.count("·"), row.place, row.name, row.length_s))[:SHOWN]


def _rows(measured: Measured) -> list[JudgeRow]:
    keys = [key for key in measured.values if key.name == "judge_fail_ratio" and ("corrected", "no") in key.labels]
    where = " · ".join([measured.source, *(value for _, value in measured.segment.labels)])
    rows = []
    for key in keys:
        labels = dict(key.labels)
        who = {name: labels[name] for name in ("criterion", "judge", "series")}
        corrected = measured.values.get(Key.of("judge_fail_ratio", corrected="yes", **who))
        score = measured.values.get(Key.of("judge_score", corrected="no", **who))
        rows.append(
            JudgeRow(
                name=clean_text(labels["criterion"], 80),
                place=clean_text(f"{where} · {labels['judge']}", 200),
                judged=_percent(measured.values[key]),
                corrected=_percent(corrected),
                month=_month(measured, who),
                score="–" if score is None or score.value is None else f"{score.value:.2f}",
                trouble=tuple(_trouble(measured, who)),
                end=measured.window.end,
                length_s=measured.window.length_s,
            )
        )
    return rows


def _percent(value: Value | None) -> str:
    if value is None or value.value is None:
        return "–"
    limits = "" if value.lower is None or value.upper is None else f" ({value.lower:.1%} to {value.upper:.1%})"
    return f"{value.value:.1%}{limits}, n = {formats.count(value.n or 0)}"


def _month(measured: Measured, who: dict[str, str]) -> str:
    """The month so far, corrected where people have labelled some of it."""
    for corrected, words in (("yes", ""), ("no", ", judge only")):
        value = measured.values.get(Key.of("judge_month_fail_ratio", corrected=corrected, **who))
        if value is not None and value.value is not None:
            return _percent(value) + words
    return "–"


_TROUBLES = {
    "judge_error_ratio": "not answered",
    "judge_skipped_ratio": "skipped for lack of money",
    "judge_parse_failure_ratio": "replies without a verdict",
    "judge_abstention_ratio": "cannot tell",
}


def _trouble(measured: Measured, who: dict[str, str]) -> list[str]:
    found = []
    for name, words in _TROUBLES.items():
        value = measured.values.get(Key.of(name, **who))
        if value is not None and value.value:
            found.append(f"{formats.percent(value.value)} {words}")
    shift = measured.values.get(Key.of("judge_labels_shift", **who))
    if shift is not None and shift.value:
        found.append(f"labels of now and of before differ by {shift.value:+.1%}: label anew")
    return found
