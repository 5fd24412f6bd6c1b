"""A classifier that tries to tell the two stretches apart on days that it has not seen."""

import numpy as np

from detectors.comparison.finding import Finding, exchanged
from detectors.comparison.stretch import Blocks, Marks, Stretch, p_value, principal
from detectors.neighbours import Indices, Numbers

COMPONENTS = 50
FOLDS = 5
EXCHANGES = 199  # each fits a classifier a fold
_STRENGTH = 0.1  # C of the regression
_STEPS, _HALVINGS, _ENOUGH = 25, 10, 1e-6
TITLE = "Domain classifier, AUC"
CEILING = (
    "Of a share π of texts about something new even a perfect classifier reaches only 0.5 + π/2: 0.55 for a new topic"
    " of 10 %."
)


def classifier(before: Stretch, now: Stretch, blocks: Blocks) -> Finding:
    """AUC of a cross-fitted logistic regression, 0.5 where nothing can be told apart, and a test that exchanges blocks.

    The folds are blocks, so that a text is judged by what was learnt on other days; pairs of texts are compared within
    a fold, since the scores of two fits have no common zero.
    """
    folds = min(FOLDS, *blocks.counts)
    if folds < 2:
        reason = f"it needs two {blocks.unit} in each stretch"
        return Finding("classifier", TITLE, None, None, None, CEILING, reason)
    x = principal(np.concatenate([before.vectors, now.vectors]), COMPONENTS)
    x = x / np.maximum(x.std(axis=0), 1e-12)
    value = auc(x, blocks.of, blocks.second, folds)
    marks = blocks.exchanges(np.random.RandomState(1), EXCHANGES)
    other = np.array([auc(x, blocks.of, each, folds) for each in marks])
    least = blocks.least_p(EXCHANGES)
    return Finding(
        "classifier",
        TITLE,
        value,
        p_value(value, other),
        float(np.quantile(other, 0.95)),
        f"{exchanged(blocks, least)} {CEILING}",
        details={**blocks.facts(len(other), least), "folds": folds, "components": x.shape[1]},
    )


def auc(x: Numbers, of: Indices, second: Marks, folds: int) -> float:
    """The mean AUC of the folds, by their pairs of texts.

    Args:
        x: (n, r), standardised.
        of: (n,) the block of each text.
        second: (k,) the blocks that are called the second stretch.
        folds: at most the blocks of either side.
    """
    if not x.shape[1]:
        return 0.5
    fold = np.empty(len(second), np.intp)
    for side in (False, True):
        mine = np.flatnonzero(second == side)
        fold[mine] = np.arange(len(mine)) % folds
    labels, where = second[of], fold[of]
    wins = pairs = 0.0
    for each in range(folds):
        held = where == each
        scores = x[held] @ logistic(x[~held], labels[~held])
        higher, lower = scores[labels[held]], scores[~labels[held]]
        wins += above(higher, lower)
        pairs += len(higher) * len(lower)
    return wins / pairs


def logistic(x: Numbers, labels: Marks) -> Numbers:
    """(r,) weights of a logistic regression with an intercept: where ½‖w‖² + C · log loss is least, by Newton's method.

    A thousand small fits: most of the time of a library's would go into checking its arguments.
    """
    x, y = np.column_stack([x, np.ones(len(x))]), labels.astype(np.float64)
    penalty = np.append(np.full(x.shape[1] - 1, 1 / _STRENGTH), 1e-6)
    weights = np.zeros(x.shape[1])
    loss = _loss(x @ weights, y) + penalty @ weights**2 / 2
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curved = (x.T * (p * (1 - p))) @ x + np.diag(penalty)
        step = np.linalg.solve(curved, x.T @ (p - y) + penalty * weights)
        # A full step may overshoot where the sides are far apart.
        for _ in range(_HALVINGS):
            tried = weights - step
            new = _loss(x @ tried, y) + penalty @ tried**2 / 2
            if new <= loss:
                break
            step = step / 2
        done, weights, loss = loss - new <= _ENOUGH * loss, tried, new
        if done:
            break
    return weights[:-1]


def _loss(logits: Numbers, y: Numbers) -> float:
    return float(np.logaddexp(0, logits).sum() - y @ logits)


def above(higher: Numbers, lower: Numbers) -> float:
    """How many pairs have the first number above the second, ties counting half."""
    ordered = np.sort(lower)
    ends = [np.searchsorted(ordered, higher, side=side) for side in ("left", "right")]
    return float(sum(end.sum() for end in ends)) / 2
