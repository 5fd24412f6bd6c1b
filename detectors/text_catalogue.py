"""The measurements of texts: the public list behind docs/measurements.md and the help of the gauges."""

from detectors.catalogue import MeasurementSpec

_STREAM = ("stream", ("prompt", "response"))
_TEXT = (("prompt", "response"),)

TEXTS: tuple[MeasurementSpec, ...] = (
    MeasurementSpec(
        "out_of_distribution_ratio",
        "ratio",
        "Texts of the sample that are stranger than 95 % of later, held-out baseline traffic (conformal p-value at most"
        " 0.05). About 0.05 when nothing has changed.",
        (_STREAM,),
        _TEXT,
    ),
    MeasurementSpec(
        "embedding_drift",
        "effect size",
        "novelty: the out-of-distribution ratio less the usual one. mix: squared distance (debiased MMD) between what"
        " the texts are about and what is usual at this hour and kind of day; about 0 when nothing has changed. topic:"
        " the change in share of the topic that changed most.",
        (("effect", ("novelty", "mix", "topic")), _STREAM),
        _TEXT,
    ),
    MeasurementSpec(
        "topic_share",
        "ratio",
        "Share of the texts that belong to a topic of the baseline; the smaller topics together are `__other__`.",
        (_STREAM, ("topic", ())),
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
        "language_ratio",
        "ratio",
        "Texts in a language among those whose language is known.",
        (("language", ()), _STREAM),
        _TEXT,
    ),
)
TEXTS_BY_NAME = {spec.name: spec for spec in TEXTS}
