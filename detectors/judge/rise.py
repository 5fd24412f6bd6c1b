"""Whether the judge flags more than it used to, decided once a window, within a budget of false alarms.

X = Σ flag / π / N of a window has the share of flags in its traffic as its mean. A bet of 1 + λ (X - m) is fair or
worse as long as that share is m or less, where m is the upper limit of the usual share plus what is tolerated, and λ is
below 1 / m. Bets are summed over all moments at which they could have begun, as for drift (`drift.evidence`).

It is a test of what the judge says. Another judge, rubric or model starts it anew, and a judge that has changed by
itself raises it too: an alert must say whether its verdicts on canaries have stayed the same.

Sources: A. Podkopaev and A. Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution shifts",
arXiv:2110.06177; J. Shin, A. Ramdas and A. Rinaldo, "E-detectors", arXiv:2203.03532.
"""

from dataclasses import dataclass, field

import numpy as np

from detectors.drift.evidence import sums
from detectors.judge.unknown import Unknown, Why
from detectors.measurement import Floats

TOLERATED = 0.01
LEAST_DAYS = 7
_SURE = 0.9
_LAMBDAS = (0.1, 0.3, 0.6, 0.9)  # of the largest possible


@dataclass(frozen=True, slots=True)
class Usual:
    """The share of flags in a baseline.

    Attributes:
        rate: its mean over days.
        between: standard deviation of the days beyond what their samples explain.
        upper: the upper 95 % limit of `rate`, plus `between`: a share that nobody should be called for.
    """

    rate: float
    between: float
    upper: float


def window_share(flags: Floats, pi: Floats, calls: int) -> tuple[float, float]:
    """X of a window, and the variance that it has because only some calls were judged.

    Every drawn call must have an answer: what a judge that is down has not flagged would count as fine. Where the money
    ended, π is that of `sampling.draw`.

    Args:
        flags: (n,) 0 or 1, of the judged calls.
        pi: (n,) probabilities with which they were drawn.
        calls: of the window that could have been drawn.
    """
    return float(np.sum(flags / pi)) / calls, float(np.sum(flags / pi**2)) / calls**2


def usual(shares: Floats, variances: Floats) -> Usual | Unknown:
    """What is usual, from the X of the days of a baseline and their variances, (days,) each."""
    days = len(shares)
    if days < LEAST_DAYS:
        return Unknown(Why.TOO_FEW_DAYS, days)
    from scipy.special import chdtri, stdtrit  # type: ignore[import-untyped]

    rate, variance, sampled = float(shares.mean()), float(shares.var(ddof=1)), float(variances.mean())
    # Days of a sample differ by chance, and their variance does too: only what is beyond both is a difference of days.
    explained = sampled * float(chdtri(days - 1, 1 - _SURE)) / (days - 1)
    between = max(0.0, variance - explained) ** 0.5
    error = (max(variance, sampled) / days) ** 0.5
    return Usual(rate, between, min(1.0, rate + float(stdtrit(days - 1, 0.95)) * error + between))


@dataclass(frozen=True, slots=True, eq=False)
class Rise:
    """What the test remembers: (4,) Shiryaev-Roberts sums in days, one for each size of bet."""

    sums: Floats = field(default_factory=lambda: np.zeros(len(_LAMBDAS)))

    def step(self, share: float, usual_share: Usual, days: float, tolerated: float = TOLERATED) -> "Rise":
        """After one more window.

        Args:
            share: X of the window.
            usual_share: of the baseline.
            days: since the last window, known before this one is judged.
            tolerated: how much more than usual is nobody's business.
        """
        limit = usual_share.upper + tolerated
        if not limit > 0:
            raise ValueError("tolerated: must be above 0 where nothing was flagged in the baseline")
        bets = 1 + np.array(_LAMBDAS) / limit * (share - limit)
        return Rise(sums(self.sums, days, bets))

    def evidence(self, budget_days: float) -> float:
        """At 1 or more there is an alarm; while nothing is worse, the mean time until one is `budget_days` or more."""
        return float(self.sums.mean()) / budget_days
