"""Everything that a running service holds, put together once from the settings."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

from alerts.annotations import of_alert
from alerts.notifier import AlertView, Link
from alerts.rules import AlertId
from alerts.view import labels_of
from alerts.watch import covers
from config.alerts import Rule
from config.settings import Settings
from config.sources import AnySource
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.canary import canary_rule
from monitor.counters import Counters
from monitor.drifting import DRIFT, Alarm, rule_of
from monitor.golden.alarm import golden_rule
from monitor.health import CHANNEL_FAILING, health_rule
from monitor.judged import JudgeAlarm, judge_rule
from monitor.meter import Meter
from monitor.past import Remembered
from monitor.pulse import Pulse
from monitor.reading.desk import TextDesk
from monitor.sources.base import Source
from monitor.sources.registry import SourceContext, build
from monitor.store.database import Database

# A slot this much older than what the source's lateness and rhythm explain belongs to a catch-up.
CATCH_UP_AFTER = timedelta(minutes=5)
MOST_RUNBOOKS = 5  # links of one message


@dataclass(frozen=True, slots=True)
class Watched:
    """One source with its settings and what is measured of it.

    `using` is held by the one thread that uses the source.
    """

    name: str
    settings: AnySource
    source: Source
    meter: Meter
    using: Lock = field(default_factory=Lock)

    def fresh_since(self, now: datetime) -> datetime:
        """Slots that end before this are caught up with: what fired in them is news only if it still fires."""
        return now - self.settings.lateness - 2 * self.settings.every - CATCH_UP_AFTER


@dataclass(frozen=True, slots=True)
class House:
    """The parts of one service.

    `deciding` is held while alerts are stepped and written: decisions are taken one at a time. `alarms` are the drift
    alarms that go on, as of the last look; `said` is what the rules about the golden set say, by name, and `judged`
    what those about the judge read; `pulse` is how the heartbeat is doing; `pasts` are what was read of earlier
    measurements, by source. Relative paths start at `folder`.
    """

    settings: Settings
    database: Database
    sources: Mapping[str, Watched]
    counters: Counters
    desk: TextDesk
    alarms: dict[AlertId, Alarm] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    judged: dict[AlertId, JudgeAlarm] = field(default_factory=dict)
    pulse: Pulse = field(default_factory=Pulse)
    pasts: dict[str, Remembered] = field(default_factory=dict)
    deciding: Lock = field(default_factory=Lock)
    replay: bool = False
    folder: Path = Path()

    @classmethod
    def open(cls, settings: Settings, context: SourceContext, *, replay: bool = False) -> "House":
        """Opens the sources; nothing is read yet."""
        sources = {}
        for name, source in settings.sources.items():
            mine = [rule for rule in settings.rules.values() if applies(rule, name) and is_about_traffic(rule)]
            meter = Meter.of(settings, source, mine)
            sources[name] = Watched(name, source, build(name, source, context), meter)
        counters = Counters({"source": list(settings.sources), "channel": list(settings.receivers)})
        desk = TextDesk(settings.text)
        return cls(settings, context.database, sources, counters, desk, replay=replay, folder=context.folder)

    def rules_of(self, source: str, about: Callable[[Rule], bool] | None = None) -> dict[str, Rule]:
        """The user's rules that watch the traffic of a source, by name, or whatever else they are `about`: each kind is
        read at times of its own."""
        chosen, rules = about or is_about_traffic, self.settings.rules.items()
        return {name: rule for name, rule in rules if applies(rule, source) and chosen(rule)}

    def rule_of(self, alert: AlertId) -> Rule | None:
        """The rule behind an alert, built in or the user's with the alert's labels in it; None when it has gone."""
        rule = self.settings.rules.get(alert.rule)
        if rule is None and alert.rule == DRIFT:
            watched_for = self.settings.drift.enabled and alert.source in self.sources
            return rule_of(self.settings.drift, self.alarms.get(alert)) if watched_for else None
        if rule is None:
            found = health_rule(self.settings, alert)
            found = found or golden_rule(self.settings, alert, self.said.get(alert.rule, ""))
            found = found or judge_rule(self.settings, alert, self.judged.get(alert))
            return found or canary_rule(self.settings, alert)
        watched = self.sources.get(alert.source)
        if watched is None or not applies(rule, alert.source) or not covers(rule, alert):
            return None
        return of_alert(rule, labels_of(alert))

    def receivers_of(self, alert: AlertId, rule: Rule) -> list[str]:
        """Who is told of an alert. That a receiver fails is not told to the receiver that fails."""
        names = list(self.settings.receivers) if rule.receiver is None else rule.receiver
        failing = dict(alert.labels).get("receiver") if alert.rule == CHANNEL_FAILING else None
        return [name for name in names if name != failing]

    def links(self, alerts: Iterable[AlertView]) -> list[Link]:
        """Where a message about these alerts leads."""
        told = [each.labels for each in alerts]
        mine = [(self.settings.rules.get(labels["rule"]), labels) for labels in told]
        runbooks = [of_alert(rule, labels).runbook for rule, labels in mine if rule is not None]
        runbooks += [self.settings.drift.runbook] if any(labels["rule"] == DRIFT for labels in told) else []
        links = [Link("Runbook", runbook) for runbook in [*dict.fromkeys(runbooks)][:MOST_RUNBOOKS] if runbook]
        if self.settings.server.external_url:
            links.append(Link("Status page", self.settings.server.external_url))
        return links

    def close(self) -> None:
        """Lets sources and store go."""
        for watched in self.sources.values():
            watched.source.close()
        self.database.close()


def applies(rule: Rule, source: str) -> bool:
    """Whether a rule watches a source."""
    return not rule.sources or source in rule.sources


def is_about_judge(rule: Rule) -> bool:
    """Whether a rule watches what the judge says."""
    return rule.measure.startswith("judge_")


def is_about_texts(rule: Rule) -> bool:
    """Whether a rule watches what is measured of texts."""
    return rule.measure in TEXTS_BY_NAME


def is_about_traffic(rule: Rule) -> bool:
    """Whether a rule is read at every slot."""
    return not is_about_judge(rule) and not is_about_texts(rule)
