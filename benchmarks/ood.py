"""How well are strange texts told from normal ones?

CLINC150: fitted on `train` without labels, `test` against `oos_test`, with the defaults that are shipped; beside it the
other scorers, and a linear head that was given the labels. Without a bar: intents of BANKING77 that the reservoir
lacks, and English questions of XQuAD of which a share turns German, Spanish or Chinese.

AUROC: 1 when every strange text has a higher score than every normal one. FPR95: the share of strange texts that pass
when 95 % of the normal ones do.

    python -m benchmarks.ood --data ../shared/data
    python -m benchmarks.ood --data ../shared/data --pick    # the parameters that do best on validation splits
"""

import argparse
import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.bars import Bars, require
from benchmarks.texts import ORIGIN, Data, Rows, Task, clinc, files
from detectors.neighbours import Numbers, mean_distance, nearest
from detectors.ood import BETA, WIDTH, K, Kind, LocallyCentred, Scorer, centred_distance, fit, p_values, ratio

OTHERS: tuple[Kind, ...] = ("lof", "isolation_forest", "mahalanobis")
SMALL, SMALL_DRAWS = 2_000, 5
BANKING_DRAWS = 3
RESAMPLES = 300
LANGUAGES, SHARES = ("de", "es", "zh"), (0.0, 0.05, 0.1, 0.2, 1.0)

SETTING = ("k", "beta", "width")
GRID = ((5, 10, 15, 20), (0.0, 0.25, 0.5, 0.625, 0.75, 1.0), (1, 5))


def main() -> int:
    """Measures, or picks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with clinc_oos, banking77 and xquad.")
    parser.add_argument("--cache", type=Path, help="Folder that keeps embeddings for the next run.")
    parser.add_argument("--pick", action="store_true", help="Print which parameters do best on validation splits.")
    options = parser.parse_args()
    require(files(options.data), ORIGIN)
    data = Data(options.data, options.cache)
    if options.pick:
        pick(data)
        return 0
    bars = Bars()
    check_clinc(bars, data)
    measure_banking(bars, data)
    measure_languages(bars, data)
    return bars.status


def check_clinc(bars: Bars, data: Data) -> None:
    """The bars, and who else was asked."""
    splits = data.clinc()
    task = Task(splits["train"], splits["val"], splits["test"], splits["oos_test"])
    scorer = fit("knn", task.reference)
    normal, strange = scorer.scores(task.normal), scorer.scores(task.strange)
    at_least(bars, "clinc auroc", auroc(normal, strange), 0.975)
    measured(bars, "clinc auroc, 95 % interval", auroc_interval(normal, strange))
    at_most(bars, "clinc fpr95", fpr95(normal, strange), 0.115)
    calibration = scorer.scores(task.held_out)
    flagged = share_flagged(normal, calibration)
    bars.check("clinc in-scope flagged at p <= 0.05", flagged, "0.04 to 0.06", 0.04 <= flagged <= 0.06)
    at_least(bars, "clinc out-of-scope caught at p <= 0.05", share_flagged(strange, calibration), 0.87)
    at_least(bars, f"clinc auroc, {SMALL} rows, mean of {SMALL_DRAWS} draws", small_reservoirs(task), 0.962)
    plain: Scorer = LocallyCentred.fit(np.asarray(task.reference, np.float16), beta=0, width=1)
    others: dict[str, Scorer] = {"plain knn": plain} | {kind: fit(kind, task.reference) for kind in OTHERS}
    for name, other in others.items():
        side_by_side(bars, name, other.scores(task.normal), other.scores(task.strange))
    head = labelled_head(task.reference, [intent for _, intent in clinc(data.folder)["train"]])
    side_by_side(bars, "labelled linear head", *(energy(head, rows) for rows in (task.normal, task.strange)))


def small_reservoirs(task: Task) -> float:
    """AUROC with a part of the reservoir."""
    found = []
    for draw in range(SMALL_DRAWS):
        rows = np.random.default_rng(draw).permutation(len(task.reference))[:SMALL]
        scorer = fit("knn", task.reference[rows])
        found.append(auroc(scorer.scores(task.normal), scorer.scores(task.strange)))
    return rounded(np.mean(found))


def side_by_side(bars: Bars, name: str, normal: Numbers, strange: Numbers) -> None:
    """Prints a scorer without a bar."""
    value = {"auroc": auroc(normal, strange), "fpr95": fpr95(normal, strange)}
    measured(bars, f"clinc {name}", value)


def labelled_head(reference: Rows, intents: list[str]) -> LogisticRegression:
    """A linear classifier of the intents: what labels would give."""
    return LogisticRegression(C=10, max_iter=100).fit(reference, intents)


def energy(head: LogisticRegression, rows: Rows) -> Numbers:
    """Minus the logarithm of the sum of the exponentials of the logits."""
    return np.asarray(-np.logaddexp.reduce(head.decision_function(rows), axis=1))


def measure_banking(bars: Bars, data: Data) -> None:
    """Topic shift inside one product: intents that the reservoir lacks."""
    tasks = [data.banking(draw) for draw in range(BANKING_DRAWS)]
    found = []
    for task in tasks:
        scorer = fit("knn", task.reference)
        normal, strange, calibration = (scorer.scores(rows) for rows in (task.normal, task.strange, task.held_out))
        flagged = [share_flagged(scores, calibration) for scores in (normal, strange)]
        found.append([auroc(normal, strange), fpr95(normal, strange), *flagged])
    names = ("auroc", "fpr95", "seen intents flagged", "unseen intents caught")
    measured(
        bars, "banking77 held-back intents", dict(zip(names, np.mean(found, axis=0).round(4).tolist(), strict=True))
    )


def measure_languages(bars: Bars, data: Data) -> None:
    """The same questions, of which a share comes in another language: the share of small p-values."""
    vectors = data.languages()
    order = np.random.default_rng(0).permutation(len(vectors["en"]))
    reference, held_out, asked = np.split(order, [len(order) // 2, len(order) * 3 // 4])
    scorer = fit("knn", vectors["en"][reference])
    calibration, english = scorer.scores(vectors["en"][held_out]), scorer.scores(vectors["en"][asked])
    for language in LANGUAGES:
        foreign = scorer.scores(vectors[language][asked])
        measured(bars, f"xquad en to {language}, auroc", auroc(english, foreign))
        for share in SHARES:
            turned = np.arange(len(asked)) < round(share * len(asked))
            value = ratio(p_values(np.where(turned, foreign, english), calibration))
            shown = {"ratio": rounded(value.value), "lower": rounded(value.lower), "upper": rounded(value.upper)}
            measured(bars, f"xquad en to {share:.0%} {language}, flagged", shown | {"n": value.n})


def pick(data: Data) -> None:
    """Prints the AUROC of every setting on the validation tasks, the best mean last, and that setting as the pick."""
    grids = {name: auroc_by_setting(task) for name, task in validation(data)}
    means = {setting: float(np.mean([grid[setting] for grid in grids.values()])) for setting in product(*GRID)}
    ranked = sorted(means, key=lambda each: means[each])
    for setting in ranked:
        by_task = {name: grid[setting] for name, grid in grids.items()}
        print(json.dumps({**named(setting), **by_task, "mean": rounded(means[setting])}))
    print(json.dumps({"pick": named(ranked[-1]), "shipped": named((K, BETA, WIDTH))}))


def named(setting: tuple[float, ...]) -> dict[str, float]:
    """A setting as a JSON object."""
    return dict(zip(SETTING, setting, strict=True))


def validation(data: Data) -> Iterator[tuple[str, Task]]:
    """What a reservoir may be like: large, small, soiled with what is strange, of one narrow domain."""
    splits = data.clinc()
    train, val = splits["train"], splits["val"]
    strange = np.concatenate([splits["oos_train"], splits["oos_val"]])
    yield "clinc", Task(train, val, val, strange)
    rows = np.random.default_rng(100).permutation(len(train))[:SMALL]
    yield f"clinc, {SMALL} rows", Task(train[rows], val, val, strange)
    yield "clinc, soiled", Task(np.concatenate([train, splits["oos_train"]]), val, val, splits["oos_val"])
    yield "banking77", data.banking(0, for_pick=True)


def auroc_by_setting(task: Task) -> dict[tuple[int, float, int], float]:
    """AUROC of every setting, from one search for the neighbours of all."""
    reference = np.asarray(task.reference, np.float16)
    ks, _, widths = GRID
    _, among = nearest(reference, reference, max(ks), skip_self=True)
    found = [nearest(rows, reference, max(ks) * max(widths)) for rows in (task.normal, task.strange)]
    values = {}
    for k, beta, width in product(*GRID):
        own, c = mean_distance(among[:, :k]), k * width
        scores = [centred_distance(near[:, :c], own[rows[:, :c]], k, beta) for rows, near in found]
        values[k, beta, width] = auroc(*scores)
    return values


def auroc(normal: Numbers, strange: Numbers) -> float:
    """The chance that a strange text scores higher than a normal one."""
    truth = np.repeat([0, 1], [len(normal), len(strange)])
    return rounded(roc_auc_score(truth, np.concatenate([normal, strange])))


def auroc_interval(normal: Numbers, strange: Numbers) -> list[float]:
    """By resampling both."""
    rng = np.random.default_rng(0)
    draws = [auroc(rng.choice(normal, len(normal)), rng.choice(strange, len(strange))) for _ in range(RESAMPLES)]
    return [rounded(end) for end in np.quantile(draws, [0.025, 0.975])]


def fpr95(normal: Numbers, strange: Numbers) -> float:
    """The share of strange texts that pass when 95 % of normal ones do."""
    return rounded(np.mean(strange <= np.quantile(normal, 0.95)))


def share_flagged(scores: Numbers, calibration: Numbers) -> float:
    """The share of p-values at or below the default level."""
    return rounded(ratio(p_values(scores, calibration)).value)


def measured(bars: Bars, name: str, value: object) -> None:
    """No bar."""
    bars.check(name, value, None, True)


def at_least(bars: Bars, name: str, value: float, bar: float) -> None:
    """A bar from below."""
    bars.check(name, value, {"at_least": bar}, value >= bar)


def at_most(bars: Bars, name: str, value: float, bar: float) -> None:
    """A bar from above."""
    bars.check(name, value, {"at_most": bar}, value <= bar)


def rounded(value: float | np.floating | NDArray[np.floating] | None) -> float:
    """Four digits: more are noise."""
    return round(float("nan" if value is None else value), 4)


if __name__ == "__main__":
    sys.exit(main())
