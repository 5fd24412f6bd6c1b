"""How the assistant answers: rightly and specifically, or in one of the ways in which answers are bad."""

from monitor.demo.grammar import Slots, lines, render
from monitor.demo.models import Quality
from monitor.demo.topics import TOPICS
from monitor.demo.topics.topic import Intent, Topic

OPENINGS = lines("""
    [Thanks for your message|Thank you for contacting us|Thanks for reaching out][!|.|, {first}!]
    [Happy to help|Good question|Of course|Sure|I'm glad to help with that][!|.]
    [Thanks for your patience|I understand|I see what you mean].
""")
CLOSINGS = lines("""
    [Is there anything else I can help you with?|Can I help with anything else?|Just \
        write again if something is unclear.]
    [I hope that helps|Hope this helps][!|.]
    [Have a nice day|All the best]!
""")
VAGUE = lines("""
    [You can find|There is] information about {title} on our website. Please check the relevant [section|page].
    This depends on [several factors|your situation]. [Please contact our support team|Please \
        check our terms] for {title}.
    Thank you for your question about {title}. [We always try to help our customers.|Our team does its best.]
    Please [log in to|look in] your account, where you can see [everything you need|all options].
    [It may|It can] take some time. Please be patient and try again later.
""")
REFUSALS = lines("""
    I'm sorry, but I can't help with that[ request|].
    [Unfortunately, |]I'm unable to assist with this request[. Please contact customer service|].
    As an AI assistant, I cannot [provide information on|help with] {title}.
""")
APOLOGIES = lines("""
    I apologize for [the inconvenience|any inconvenience this may have caused|the confusion].
    I'm sorry to hear that.
""")


def answer(quality: Quality, topic: Topic, intent: Intent, slots: Slots) -> str:
    """The text of an answer of the given quality to a question of the intent."""
    slots["title"] = topic.title
    if quality == "good":
        return _good(intent, slots, dressed=topic.language == "en" and not topic.plain)
    if quality == "refusal":
        return render(slots.dice.pick(REFUSALS), slots)
    text = _wrong(topic, slots) if quality == "wrong" else _thin(quality, intent, slots)
    apology = [render(slots.dice.pick(APOLOGIES), slots)] if slots.dice.chance(0.25) else []
    return " ".join([*apology, text])


def _good(intent: Intent, slots: Slots, dressed: bool) -> str:
    dice = slots.dice
    parts = [dice.pick(intent.answers)]
    parts += dice.sample(intent.details, min(len(intent.details), dice.pick((0, 1, 1, 2, 2))))
    if dressed:
        if dice.chance(0.4):
            parts.insert(0, dice.pick(OPENINGS))
        if dice.chance(0.25):
            parts.append(dice.pick(CLOSINGS))
    return " ".join([render(part, slots) for part in parts])


def _thin(quality: Quality, intent: Intent, slots: Slots) -> str:
    """Half of the fact, or nothing but words."""
    if quality == "vague":
        return render(slots.dice.pick(VAGUE), slots)
    return render(intent.fact.split("; ")[0].rstrip("."), slots) + "."


def _wrong(topic: Topic, slots: Slots) -> str:
    """A short answer to a question that nobody asked."""
    other = slots.dice.pick(TOPICS)
    while other is topic or other.language != "en":
        other = slots.dice.pick(TOPICS)
    return render(slots.dice.pick(slots.dice.pick(other.intents).answers), slots)
