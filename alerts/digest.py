"""The digest: many alerts that begin at once are one message, with counts and the worst of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from alerts.grouping import Group, Identity, active, group_key, identity
from alerts.notifier import AlertView

MOST_NAMED = 5  # rules in a title


def digest_key(receiver: str, severity: str, prefix: str = "") -> str:
    """The key of the digest of one severity at one receiver: what is critical never drowns in what is not."""
    return group_key(receiver, {"digest": severity}, None, prefix)


def claims(groups: Iterable[Group]) -> Mapping[tuple[str, Identity], str]:
    """The alerts that belong to an open digest, by receiver: the key of that digest.

    An alert stays in it also when it ended and begins again, as long as the end is in the newest message.
    """
    return {
        (group.receiver, identity(view.labels)): group.key
        for group in groups
        if group.digest and group.is_open
        for view in (*group.told, *(group.wanted or ()))
    }


def is_too_much(messages: int, above: int) -> bool:
    """Whether so many messages that open at once are to be one."""
    return 0 < above < messages


def said(alerts: Sequence[AlertView]) -> str:
    """How many alerts of which rules: `512 alerts that began at once: 500 errors, 12 slow`."""
    rules = Counter(each.labels["rule"] for each in active(alerts) or alerts)
    named = [f"{count} {rule}" for rule, count in rules.most_common(MOST_NAMED)]
    rest = sum(rules.values()) - sum(count for _, count in rules.most_common(MOST_NAMED))
    named += [f"{rest} others"] if rest else []
    return f"{sum(rules.values())} alerts that began at once: {', '.join(named)}"
