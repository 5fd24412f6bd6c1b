"""The measurements of texts: the public list behind docs/measurements.md and the help of the gauges."""

from detectors.catalogue import MeasurementSpec

_STREAM = ("stream", ("prompt", "response"))
_BASELINE = ("baseline", ("rolling", "pinned"))
_TEXT = (("prompt", "response"),)
_PAIRS = "response_given_prompt"

TEXTS: tuple[MeasurementSpec, ...] = (
    MeasurementSpec(
        "out_of_distribution_ratio",
        "ratio",
        "Texts of the sample that are stranger than 95 % of later, held-out baseline traffic (conformal p-value at most"
        " 0.05). About 0.05 when nothing has changed.",
        (_BASELINE, _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "embedding_drift",
        "effect size",
        "novelty: the out-of-distribution ratio less the usual one. mix: squared distance (debiased MMD) between what"
        " the texts are about and what is usual at this hour and kind of day; about 0 when nothing has changed. topic:"
        " the change in share of the topic that changed most.",
        (_BASELINE, ("effect", ("novelty", "mix", "topic")), _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "drift_evidence",
        "thresholds",
        "How sure it is that something has changed, as the product of bets that nothing has: 1 is the threshold of an"
        " alarm, which the budget of false alarms sets. By channel what each adds to it, and `all`.",
        (
            _BASELINE,
            ("channel", ("all", "mix", "novelty", "burst", "scan", "descriptors", "stranger", "closer", "style")),
            ("stream", ("prompt", "response", _PAIRS)),
        ),
        _TEXT,
    ),
    MeasurementSpec(
        "model_drift",
        "standard deviations",
        "By how much the responses lie farther from (above 0) or nearer to (below) what the baseline answered to the"
        " prompts that are most like their own, in standard deviations of a single response; 0 when the model has not"
        " changed, whatever the prompts. Prompts unlike the baseline are left out.",
        (_BASELINE,),
        (("prompt",), ("response",)),
    ),
    MeasurementSpec(
        "topic_share",
        "ratio",
        "Share of the texts that belong to a topic of the baseline; the smaller topics together are `__other__`.",
        (_BASELINE, _STREAM, ("topic", ())),
        _TEXT,
    ),
    MeasurementSpec(
        "descriptor_mean",
        "as the descriptor",
        "Mean of a number that describes a text: characters, tokens, lines, share of upper case, …",
        (("descriptor", ()), _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "descriptor_ratio",
        "ratio",
        "Texts for which something holds: code, JSON, markdown, URL, refusal, empty, duplicate, …",
        (("descriptor", ()), _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "template_ratio",
        "ratio",
        "known: texts of a form that three or more texts of the baseline have, with numbers, names, addresses and"
        " quotations masked. new: texts of a form that the baseline does not have and three or more of the window"
        " share.",
        (_BASELINE, ("kind", ("known", "new")), _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "out_of_vocabulary_ratio",
        "ratio",
        "Share of the words of the texts, each counted once a text, that no text of the baseline's first three quarters"
        " has.",
        (_BASELINE, _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "language_ratio",
        "ratio",
        "Texts in a language among those whose language is known.",
        (("language", ()), _STREAM),
        _TEXT,
    ),
)
TEXTS_BY_NAME = {spec.name: spec for spec in TEXTS}
