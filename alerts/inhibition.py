"""Inhibition: while one alert fires, others that follow from it say nothing new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alerts.matchers import all_match
from config.matchers import Matcher, parse_matcher
from config.routing import Inhibition

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """A rule of inhibition with the alerts that fire on its source side."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]
    firing: tuple[Labels, ...] = ()

    @classmethod
    def of(cls, settings: Inhibition) -> "Inhibitor":
        """The rule as it is written."""
        source, target = (tuple(parse_matcher(text) for text in texts) for texts in (settings.source, settings.target))
        return cls(source, target, tuple(settings.equal))

    def among(self, firing: Iterable[Labels]) -> "Inhibitor":
        """The same rule with those of the firing alerts that are on its source side."""
        found = tuple(labels for labels in firing if all_match(self.source, labels))
        return Inhibitor(self.source, self.target, self.equal, found)


def unheard_source(rules: Sequence[str]) -> Inhibitor:
    """A source of which nothing is known holds back every alert of that source.

    Args:
        rules: the names of the rules that say so.
    """
    return Inhibitor((Matcher("rule", "=~", "|".join(rules)),), (), ("source",))


def inhibiting(labels: Labels, inhibitors: Iterable[Inhibitor]) -> Labels | None:
    """The labels of an alert that holds back the one with these labels; None when there is none.

    As in Alertmanager, an alert that fits both sides of a rule is not held back by another one that does: two of a kind
    would silence each other.
    """
    for rule in inhibitors:
        if not rule.firing or not all_match(rule.target, labels):
            continue
        both = all_match(rule.source, labels)
        for other in rule.firing:
            agrees = all(other.get(name, "") == labels.get(name, "") for name in rule.equal)
            if agrees and not (both and all_match(rule.target, other)):
                return other
    return None
