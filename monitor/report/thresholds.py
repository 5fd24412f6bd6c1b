"""What the thresholds of Evidently's methods mean: how often they are passed when nothing has changed, what they miss.

The figures are those of trials with its default settings: 1,000 to 2,000 reference texts, windows of 50 to 1,000, one
in ten of a window's texts replaced by texts about something new (see docs/reports.md).
"""

from monitor.report.values import Method

P_VALUE = (
    "One false alarm in twenty looks at each column when nothing has changed, more where calls come in sessions or"
    " follow the hour. With many texts it also calls a difference drift that is too small to matter."
)
OTHER_P_VALUE = "One false alarm in twenty looks at each column, as with Kolmogorov and Smirnov."
SIZE = "A size, not a probability: how often chance passes it depends on the number of texts."

# What Evidently calls a method, what it is, what its threshold means.
_COLUMNS = (
    ("ks", "Kolmogorov-Smirnov p-value", P_VALUE),
    ("wasserstein", "Wasserstein distance", f"{SIZE} 0.1 is a shift of a tenth of the baseline's standard deviation."),
    (
        "psi",
        "Population stability index",
        f"{SIZE} A convention of credit scoring; chance alone gives about (bins - 1) · (1/n + 1/m), so small samples"
        " pass it.",
    ),
    (
        "jensenshannon",
        "Jensen-Shannon distance",
        f"{SIZE} Rare values hardly move it: a language that comes up in 1 % of the texts stays below.",
    ),
)

# Name of the class, what it is, its threshold, what that means.
EMBEDDINGS = (
    (
        "ModelDriftMethod",
        "Classifier AUC of the embeddings",
        "> 0.55",
        "Cannot see a new topic below 10 % of the traffic: of a share π even a perfect classifier reaches 0.5 + π/2."
        " With 50 texts chance passes it in one look of eight.",
    ),
    (
        "DistanceDriftMethod",
        "Euclidean distance of means of the embeddings",
        "> 0.2",
        "No false-alarm rate, and it depends on the model. In trials a new topic of 10 % never passed it.",
    ),
    (
        "RatioDriftMethod",
        "Share of drifted components of the embeddings",
        "> 0.2",
        "Share of dimensions whose Wasserstein distance passes 0.1. In trials it was always passed with 200 texts or"
        " fewer, changed or not, and never with 1,000.",
    ),
    (
        "MMDDriftMethod",
        "MMD² of the embeddings",
        "> 0.015",
        "No false-alarm rate, and it depends on the model. In trials a new topic of 10 % never passed it.",
    ),
)

UNUSED = (
    Method(
        "MMD² with bootstrap of the embeddings",
        "> 5 % quantile",
        "Not used: it compares with the wrong quantile of the null distribution, 5 % in place of 95 %, so by default it"
        " says drift always.",
        (),
    ),
)


def is_p_value(method: str) -> bool:
    """Whether a method of a column says drift below its threshold."""
    return method == "ks" or method.endswith("p_value")


def name(method: str) -> str:
    """A method of a column in words."""
    words = method.replace("p_value", "p-value")
    return next((title for key, title, _ in _COLUMNS if key == method), words[:1].upper() + words[1:])


def meaning(method: str) -> str:
    """What the threshold of a method of a column means."""
    return next((text for key, _, text in _COLUMNS if key == method), OTHER_P_VALUE if is_p_value(method) else SIZE)
