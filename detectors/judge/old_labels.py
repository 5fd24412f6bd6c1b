"""The failure rate of today's traffic from labels of earlier traffic.

Failures may have become more frequent since: that is what a monitor looks for. So only two things are taken from the
labels, how often the judge flags failures (q1) and passes good answers (q0), and today's flags are corrected by them:
(p + q0 - 1) / (q0 + q1 - 1). Estimates that take the labels for a sample of today's traffic report the old rate.

Sources: W. J. Rogan and B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
Epidemiology 107 (1978); Z. Lang and J. Reiczigel, "Confidence limits for prevalence of disease adjusted for estimated
sensitivity and specificity", Preventive Veterinary Medicine 113 (2014), for the interval; C. Lee and others, "How to
correctly report LLM-as-a-judge evaluations", arXiv:2511.21140, for its use with judges.
"""

from typing import NamedTuple

import numpy as np

from detectors.intervals import Z
from detectors.judge.mover import Interval
from detectors.measurement import Floats

LEAST_INFORMED = 0.1  # q0 + q1 - 1 of a judge that can still be corrected; of a coin it is 0


class Counted(NamedTuple):
    """Shares (...) and how many evenly drawn calls (...) each rests on, which need not be whole."""

    share: Floats
    n: Floats


def rogan_gladen(flags: Counted, sensitivity: Counted, specificity: Counted) -> Interval:
    """The corrected rates (...); NaN where the judge is hardly better than a coin, or one of its rates is not known.

    The limits are those of Lang and Reiczigel, widened to hold the estimate.

    Args:
        flags: of today's calls, those that the judge flags.
        sensitivity: q1, of the labelled failures.
        specificity: q0, of the labelled good answers.
    """
    (flagged, judged), (q1, failures), (q0, passes) = flags, sensitivity, specificity
    known = (failures > 0) & (passes > 0) & (q0 + q1 - 1 > LEAST_INFORMED)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.clip((flagged + q0 - 1) / (q0 + q1 - 1), 0.0, 1.0)
        n, m1, m0 = judged + Z**2, failures + 2, passes + 2
        p, s1, s0 = (flagged * judged + Z**2 / 2) / n, (q1 * failures + 1) / m1, (q0 * passes + 1) / m0
        informed = s1 + s0 - 1
        centre = (p + s0 - 1) / informed
        v1, v0 = s1 * (1 - s1) / m1, s0 * (1 - s0) / m0
        shifted = centre + 2 * Z**2 * (centre * v1 - (1 - centre) * v0)
        half = Z * np.sqrt(p * (1 - p) / n + centre**2 * v1 + (1 - centre) ** 2 * v0) / informed
        # With few labels the smoothed judge can be no better than a coin though the counted one is.
        lower = np.where(informed > 0, np.clip(shifted - half, 0.0, value), 0.0)
        upper = np.where(informed > 0, np.clip(shifted + half, value, 1.0), 1.0)
    return Interval(*(np.where(known, each, np.nan) for each in (value, lower, upper)))
