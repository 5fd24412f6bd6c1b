"""Conversations: a customer, and the messages that come one after the other until it is over."""

from collections.abc import Iterator

from monitor.demo.assistant import Chat, Turn, reply
from monitor.demo.calls import Visit
from monitor.demo.dice import Dice
from monitor.demo.grammar import Slots, render
from monitor.demo.rhythm import conversations_per_minute, pick_topic
from monitor.demo.slots import MAKERS
from monitor.demo.story import MINUTE, Story, from_epoch_ms
from monitor.demo.texts import speak
from monitor.demo.topics.business import THANKS
from monitor.demo.topics.recall import RECALL
from monitor.demo.topics.topic import Intent
from monitor.demo.words import WORDS

# A conversation takes no message later than this after its first, and the last one is answered within `LONGEST_MS`:
# whoever looks for the calls of a stretch has to look this far back.
_LAST_MESSAGE_MS = 60 * MINUTE
LONGEST_MS = 120 * MINUTE
_MOST_MESSAGES = 5


def turns_of_minute(seed: int, story: Story, minute: int, volume: float) -> Iterator[Turn]:
    """All turns of the conversations that begin in a minute (counted since 1970), also those that come much later."""
    dice = Dice(seed, minute)
    for _ in range(dice.poisson(conversations_per_minute(from_epoch_ms(minute * MINUTE), seed) * volume)):
        yield from _conversation(dice, story, minute * MINUTE + int(dice.random() * MINUTE))


def _conversation(dice: Dice, story: Story, start_ms: int) -> Iterator[Turn]:
    chat = _opened(dice, story, start_ms)
    at_ms = start_ms
    asked: list[Intent] = []
    for number in range(_MOST_MESSAGES):
        drop = story.share("traffic_drop", at_ms)
        if at_ms > start_ms + _LAST_MESSAGE_MS or (drop and not dice.chance(drop)):
            return
        # Nobody asks the same thing again, unless there is nothing else to ask about.
        intent = dice.pick([each for each in chat.topic.intents if each not in asked] or chat.topic.intents)
        asked.append(intent)
        question = render(dice.pick(intent.asks), chat.slots)
        turn = reply(chat, intent, speak(question, chat.slots, chat.topic, first=number == 0), at_ms)
        yield turn
        if not turn.answered or chat.topic is THANKS or not dice.chance(0.4):
            return
        at_ms = turn.ended_ms + int(dice.spread(45_000, 0.7))
        if dice.chance(0.1):
            chat.topic = THANKS
        elif chat.topic is not RECALL and (dice.chance(0.2) or set(asked) >= set(chat.topic.intents)):
            chat.topic = pick_topic(dice, from_epoch_ms(at_ms))


def _opened(dice: Dice, story: Story, start_ms: int) -> Chat:
    start = from_epoch_ms(start_ms)
    recall = dice.chance(story.share("new_topic", start_ms))
    visit = Visit(
        session_id=f"s_{dice.getrandbits(48):012x}",
        # A few customers write often, most of them once.
        user_id=f"u_{int(30_000 * dice.random() ** 2):05d}",
        environment="staging" if dice.chance(0.01) else "production",
        route=dice.pick(("web-chat",) * 6 + ("app-chat",) * 3 + ("email",)),
    )
    return Chat(dice, story, visit, Slots(dice, start, WORDS, MAKERS), RECALL if recall else pick_topic(dice, start))
