"""Which rules watch what the judge says: they are read when a judged window is complete, not at every slot."""

from config.alerts import Rule
from monitor.house import House, applies, is_about_judge


def judge_rules(house: House, source: str) -> dict[str, Rule]:
    """The user's rules about the judge's measurements of a source, by name."""
    found = house.settings.rules.items()
    return {name: rule for name, rule in found if is_about_judge(rule) and applies(rule, source)}
