"""Whether the judges can be trusted today: texts with known verdicts are asked about, like any others, and kept."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from detectors.judge.canaries import canaries, trust
from detectors.measurement import Key, Reason, Value
from monitor.failpoints import hit
from monitor.house import House
from monitor.judged import TRUSTED
from monitor.judging.asking import UNASKED, Round
from monitor.judging.measuring import share_of
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeCanaryRow


def ask_canaries(asking: Round) -> None:
    """Asks each judge about the canaries of each criterion, where its last result is old or of another judge or rubric.

    What was not answered at all leaves the last result as it is, and is asked again at the next look.
    """
    settings, now = asking.crew.settings, asking.outside.clock()
    if not settings.canaries:
        return
    with asking.house.database.reading() as session:
        known = judging.canaries(session)
    for name, judge in asking.crew.judges.items():
        for criterion in asking.crew.criteria.values():
            row, asked = known.get((name, criterion.name)), canaries(criterion)
            is_new = row is None or (row.judge, row.rubric) != (judge.identity, criterion.identity)
            is_due = is_new or (row is not None and now - row.at >= settings.canaries)
            if not is_due or not asked or asking.is_over or name in asking.down:
                continue
            # The day is the how-many-eth time: an answer of yesterday must not stand for today's judge.
            number = int(now.timestamp() // 86_400)
            said = judge.ask([each.item for each in asked], criterion, repeat=number)
            asking.note(name, judge, said)
            if any(each.problem in UNASKED for each in said):
                continue
            facts = asdict(trust(asked, said))
            kept = JudgeCanaryRow(
                at=now,
                voice=name,
                criterion=criterion.name,
                judge=judge.identity,
                rubric=criterion.identity,
                facts={**facts, "fooled": list(facts["fooled"])},
            )
            with asking.house.database.transaction() as session:
                judging.keep_canaries(session, kept)
                hit("judge.canaries.before_commit")
            hit("judge.canaries.after_commit")


def trusted(facts: dict[str, Any]) -> Value:
    """How much of what is known a judge had right, attacked texts too; None when it answered nothing of it."""
    n = facts["plain"] + facts["attacked"]
    if not n:
        return Value(None, n=0, reason=Reason.NO_VALUES)
    return share_of(facts["plain_right"] + facts["held"], n)


def values(session: Session, house: House) -> Iterator[tuple[Key, Value]]:
    """The measurements of the canaries, of the judges and criteria that are configured."""
    settings = house.settings.judge
    if settings is None:
        return
    for (voice, criterion), row in judging.canaries(session).items():
        if voice in settings.judges and criterion in settings.criteria:
            for kind, right, whole in (("plain", "plain_right", "plain"), ("attacked", "held", "attacked")):
                key = Key.of("judge_canary_ratio", criterion=criterion, judge=voice, kind=kind)
                yield key, share_of(row.facts[right], row.facts[whole])


def said(row: JudgeCanaryRow) -> str:
    """A result in words."""
    facts = row.facts
    fooled = ", ".join(dict.fromkeys(facts["fooled"]))
    words = f"{row.voice} had {facts['plain_right']} of {facts['plain']} known verdicts on {row.criterion} right"
    if facts["attacked"]:
        words += f", and {facts['held']} of {facts['attacked']} with orders to the judge hidden in the text"
    return words + (f" (fooled by: {fooled})" if fooled else "")


def stayed(session: Session, house: House, criterion: str, now: datetime) -> str:
    """Whether the judges are to be believed on a criterion, in words: what an alert about their verdicts must say."""
    settings = house.settings.judge
    known = judging.canaries(session)
    mine = [row for (voice, name), row in known.items() if name == criterion and settings and voice in settings.judges]
    if not mine:
        return "Nothing is known of the judge here: the criterion has no canaries, or they were not asked yet."
    failed = [row for row in mine if (trusted(row.facts).value or 0.0) < TRUSTED]
    hours = (now - min(row.at for row in mine)).total_seconds() / 3600
    if failed:
        return f"The judge may have changed instead: {said(failed[0])}."
    return f"The judge had its canaries right ({hours:.0f} hours ago), so it is the answers that have changed."
