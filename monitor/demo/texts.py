"""How customers write: greetings, stories, typing errors, and what they paste into a chat."""

from monitor.demo.dice import Dice
from monitor.demo.grammar import Slots, lines, render
from monitor.demo.topics.topic import Topic

GREETINGS = {
    "en": lines("""
        [Hi|Hello|Hey|Hi there|Hello there|Good morning|Good evening|Dear Acme team|Hello Acme],
        [Hi|Hello|Hey], [quick question|just a question|I have a question|I need some help|hope you can help me]:
        [Hi|Hello|Hey], {first} here[ again|].
    """),
    "de": lines("[Hallo|Guten Tag|Hi|Guten Morgen|Liebes Acme-Team],"),
    "es": lines("[Hola|Buenas|Buenos días|Buenas tardes][,| a todos,]"),
}
STORIES = lines("""
    I ordered {product} [from you|in your shop|online|with the app] [last week|on {past_date}|for my {relative}|again].
    I've been a customer [for years|since the beginning|for {weeks_few} years] \
        [and never had a problem|and love your stuff|].
    I already [looked at|read|searched] the FAQ [but found nothing|and it didn't help|twice].
    I'm writing from my phone[, sorry for the typos|, so I'll keep it short|].
    My {relative} [told me to ask here|said you could help|ordered it for me|gave it to me].
    I'm [travelling|on holiday|away] in {country} [from {soon_date}|until {soon_date}|next month].
    It's [a birthday present|a gift|meant as a surprise] for my {relative}.
    I called you on {weekday} but [nobody answered|the line was busy|I was cut off after ten minutes].
    [My order number is|Order number:|It's about order] {order}.
    I need it [by {soon_date}|for a trip to {country}|for my new flat in {city}|before the weekend].
    [Last year|In {month}|Last time] this [worked without a problem|was no problem|took two days].
    I paid {amount} for {product}[, so I expect some help|, which is a lot for me|].
    I live in {city}[ and don't have a car|, on the fourth floor|, if that matters|].
    [First of all, great shop.|First time customer here.|I hope I'm in the right place.|You helped me well last time.]
""")
CLOSINGS = {
    "en": lines("""
        [Thanks|Thank you|Many thanks|Thx|Cheers][!|.| in advance.| in advance!| for your help!]
        [Thanks|Best|Kind regards|Best regards|Greetings from {city}|All the best], [{first}|{name}]
        [Please reply soon|Please get back to me by {soon_date}|Looking forward to your answer|Please help].
        [It's urgent|This is quite urgent|I'm in a hurry][, I leave on {soon_date}|, I need to know today|].
    """),
    "de": lines("[Danke|Vielen Dank|Danke im Voraus|Viele Grüße, {first}|Mit freundlichen Grüßen, {name}]"),
    "es": lines("[Gracias|Muchas gracias|Gracias de antemano|Un saludo, {first}|Saludos, {name}]"),
}
COMPLAINTS = lines("""
    [This is|It's] the [second|third|fourth] time I'm [asking|writing]!
    [Honestly|To be honest|Frankly], I'm [disappointed|annoyed|quite angry][ by now|].
    [I expected more from you|I'm losing patience|Other shops manage that in a day].
""")
PERSONAL = lines("""
    [You can reach me at|My e-mail is|Please answer to] {email}.
    [Call me at|My number is|You can call me on] {telephone}.
    [My card|The card] {card} [was charged|is the one I used|is what you have on file].
    [My data:|Customer:] {name}, {email}, {telephone_us}.
""")
ODDITIES = lines("""
    <!channel> [can someone look at this|this is still open|who takes this one]
    <div class="error">[Payment could not be processed|Something went wrong]</div>
    <b>URGENT</b> <a href="https://acme.example/orders/{order}">{order}</a>
    <script>alert("hi")</script>
    {{"order": "{order}", "item": "{product_name}", "qty": 1, "state": "in_progress"}}
    😡😡 [seriously??|come on]
    🙏🙂
""")
PASTED = lines("""
    > Order {order}, confirmed on {past_date}
    > {product_name}, {colour}, size {size}, 1 piece, {amount}
    > Delivery with {carrier} to {name}, {city}
    > Your parcel {tracking} has been handed over to {carrier}.
    > If you have any questions, please have the order number {order} at hand.
    > Acme Outdoor and Home, part of Acme Group. This e-mail was sent automatically.
""")


def speak(question: str, slots: Slots, topic: Topic, first: bool) -> str:
    """A question the way a customer types it: with a greeting and a story around it, and not always without errors."""
    dice, language = slots.dice, topic.language
    if topic.plain:
        return _typed(question, dice)
    parts = [question]
    if language == "en":
        parts = _with_stories(question, slots, first)
    if first and dice.chance(0.45):
        parts.insert(0, render(dice.pick(GREETINGS[language]), slots))
    if dice.chance(0.36 if first else 0.12):
        parts.append(render(dice.pick(CLOSINGS[language]), slots))
    if dice.chance(0.022):
        parts.append(render(dice.pick(PERSONAL), slots))
    if dice.chance(0.01):
        parts.insert(dice.randint(0, len(parts)), render(dice.pick(ODDITIES), slots))
    text = _typed(" ".join(parts), dice)
    return f"{text}\n\n{_pasted(slots)}" if dice.chance(0.006) else text


def _with_stories(question: str, slots: Slots, first: bool) -> list[str]:
    dice = slots.dice
    stories = 0
    if dice.chance(0.48 if first else 0.2):
        stories = dice.randint(3, 6) if dice.chance(0.1) else 1
    told = [render(story, slots) for story in dice.sample(STORIES, stories)]
    # Most tell the story first, some ask first.
    parts = [*told, question] if dice.chance(0.7) else [question, *told]
    if dice.chance(0.05):
        parts.append(render(dice.pick(COMPLAINTS), slots))
    return parts


def _typed(text: str, dice: Dice) -> str:
    if dice.chance(0.25):
        text = text.lower()
    elif dice.chance(0.01):
        text = text.upper()
    if dice.chance(0.25):
        text = text.rstrip(".!?")
    elif dice.chance(0.04):
        text = text.rstrip(".!?") + dice.pick(("??", "!!!", "?!", " ...", " :)", " :("))
    if dice.chance(0.18):
        for _ in range(dice.randint(1, 3)):
            text = _mistyped(text, dice)
    return text


def _mistyped(text: str, dice: Dice) -> str:
    """One slip of the finger inside a word; none where the place that was drawn is not inside a word."""
    place = int(dice.random() * (len(text) - 2)) + 1 if len(text) > 4 else 0
    if not text[place - 1 : place + 2].isalpha():
        return text
    left, here, after, right = text[:place], text[place], text[place + 1], text[place + 2 :]
    return dice.pick((left + after + here + right, left + after + right, left + here + here + after + right))


def _pasted(slots: Slots) -> str:
    """An order confirmation, as mail programs quote it; some people paste the whole thread."""
    length = min(int(slots.dice.spread(8, 0.9)) + 3, 150)
    return "\n".join(slots.dice.pick(PASTED).format_map(slots) for _ in range(length))
