"""The measurements of the judge: the public list behind docs/measurements.md, the checks of rules and the gauges."""

from detectors.catalogue import MeasurementSpec

_CRITERION: tuple[str, tuple[str, ...]] = ("criterion", ())
_JUDGE: tuple[str, tuple[str, ...]] = ("judge", ())
_SERIES: tuple[str, tuple[str, ...]] = ("series", ())
_CORRECTED = ("corrected", ("yes", "no"))
_WHO = (_CRITERION, _JUDGE, _SERIES)
_RATE = (_CORRECTED, _CRITERION, _JUDGE, _SERIES)
_PAIRS: tuple[str, tuple[str, ...]] = ("comparison", ())
_NEEDS = (("response",),)

JUDGED: tuple[MeasurementSpec, ...] = (
    MeasurementSpec(
        "judge_fail_ratio",
        "ratio",
        "Share of the calls that fail a criterion. corrected=no is what the judge says, which is no failure rate;"
        " corrected=yes is corrected by what people said, and unknown without labels.",
        _RATE,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_pass_ratio", "ratio", "The same the other way round: share of the calls that pass.", _RATE, _NEEDS
    ),
    MeasurementSpec(
        "judge_month_fail_ratio",
        "ratio",
        "Share of the calls of the month (UTC) so far that fail a criterion. Its limits are a confidence sequence: they"
        " hold at all times together, for rules and people that look again and again. corrected: as judge_fail_ratio.",
        _RATE,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_score",
        "score from 0 to 1",
        "Mean of what the judge gives, 1 is best; nobody corrects it.",
        (("corrected", ("no",)), _CRITERION, _JUDGE, _SERIES),
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_win_ratio",
        "ratio",
        "How often the first side of a comparison beats the second, ties as halves, over the last day. It is what the"
        " judge says; nobody corrects it.",
        (_PAIRS, ("corrected", ("no",)), _CRITERION, _JUDGE),
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_win_p_value",
        "probability",
        "Exact sign test of the pairs that are no ties: how probable so clear a win is when both sides are equal.",
        (_PAIRS, _CRITERION, _JUDGE),
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_unmatched_ratio",
        "ratio",
        "Prompts of a side that the other was neither asked equally nor alike in the last day: the comparison does not"
        " speak of them.",
        (_PAIRS, ("side", ("first", "second"))),
        (("prompt",),),
    ),
    MeasurementSpec(
        "judge_position_bias",
        "ratio",
        "Pairs in which the place that was shown first won in both orders, less those in which the second did.",
        (_PAIRS, _CRITERION, _JUDGE),
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_parse_failure_ratio", "ratio", "Replies of the judge that held no verdict on offer.", _WHO, _NEEDS
    ),
    MeasurementSpec(
        "judge_abstention_ratio", "ratio", "Replies that nobody can tell, or that decline to judge.", _WHO, _NEEDS
    ),
    MeasurementSpec(
        "judge_error_ratio",
        "ratio",
        "Questions that the judge's endpoint did not answer: it was down, or took them for wrong.",
        _WHO,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_skipped_ratio",
        "ratio",
        "Drawn questions that were never asked: there was no money for them.",
        _WHO,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_cost_usd", "US dollars", "What the questions about the calls of a window cost.", _WHO, _NEEDS
    ),
    MeasurementSpec(
        "judge_repeat_ratio",
        "ratio",
        "Of the questions that were asked twice, those with the same answer both times.",
        _WHO,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_kappa", "Cohen's kappa", "Agreement of judge and people beyond chance; 1 is always.", _WHO, _NEEDS
    ),
    MeasurementSpec("judge_sensitivity", "ratio", "Failures, as people see them, that the judge flags.", _WHO, _NEEDS),
    MeasurementSpec(
        "judge_specificity", "ratio", "Good answers, as people see them, that the judge passes.", _WHO, _NEEDS
    ),
    MeasurementSpec(
        "judge_labels_shift",
        "ratio",
        "Failure rate by labels of the period less that by earlier ones, 0 while that is no more than both leave open."
        " Otherwise the judge has changed, or the earlier labels are of other traffic: label anew.",
        _WHO,
        _NEEDS,
    ),
    MeasurementSpec(
        "judge_canary_ratio",
        "ratio",
        "Texts with known verdicts that the judge got right (plain), or right again with orders to the judge hidden in"
        " them (attacked), when it was last tested.",
        (_CRITERION, _JUDGE, ("kind", ("plain", "attacked"))),
    ),
    MeasurementSpec(
        "judge_starved_segments", "segments", "Segments with fewer verdicts than the least that they should get."
    ),
)

JUDGED_BY_NAME: dict[str, MeasurementSpec] = {spec.name: spec for spec in JUDGED}
