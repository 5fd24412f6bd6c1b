"""What a topic of the support chat is made of."""

import math
from dataclasses import dataclass

from monitor.demo.grammar import lines

__all__ = ["Intent", "Topic", "lines"]


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that customers ask: how they ask it, and what a good answer says. All texts are templates.

    Attributes:
        asks: ways to ask.
        query: what a good rewrite of the question for the search engine looks like.
        fact: the right answer in short; it is also the help article that is retrieved.
        answers: full answers, each right and specific.
        details: further sentences that a good answer may add.
        looks_up: the answer needs the order's data, so the model calls a tool first.
    """

    asks: tuple[str, ...]
    query: str
    fact: str
    answers: tuple[str, ...]
    details: tuple[str, ...]
    looks_up: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject with its share of the conversations.

    Attributes:
        title: how a vague answer calls it.
        weight: relative share on an average weekday hour.
        peak_hour: hour of the day (UTC) when the topic is most common.
        swing: how much the share moves over the day, 0 (not at all) to 1 (vanishes at its low).
        weekend: factor on Saturday and Sunday.
        language: en, de or es; greetings follow it.
        plain: nobody greets or tells a story around it.
    """

    name: str
    title: str
    weight: float
    intents: tuple[Intent, ...]
    peak_hour: float = 14.0
    swing: float = 0.2
    weekend: float = 1.0
    language: str = "en"
    plain: bool = False

    def weight_at(self, hour: int, weekend: bool) -> float:
        """The relative share in an hour of the day."""
        daily = 1.0 + self.swing * math.cos(2 * math.pi * (hour + 0.5 - self.peak_hour) / 24)
        return self.weight * daily * (self.weekend if weekend else 1.0)
