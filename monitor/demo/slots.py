"""How the slots of the templates are filled when a word of the vocabulary is not enough."""

from datetime import datetime, timedelta

from monitor.demo.dice import Dice
from monitor.demo.grammar import Maker, Slots
from monitor.demo.words import WORDS


def _item(kind: str) -> Maker:
    """A product's name: brand and kind; every name in a conversation has its own brand."""

    def make(slots: Slots) -> str:
        return f"{slots.dice.pick(WORDS['brand'])} {slots.dice.pick(WORDS[kind])}"

    return make


def _the(name: str) -> Maker:
    return lambda slots: f"the {slots[name]}"


def _any_of(*names: str) -> Maker:
    return lambda slots: slots[slots.dice.pick(names)]


def _number(low: int, high: int, pattern: str = "{}") -> Maker:
    return lambda slots: pattern.format(slots.dice.randint(low, high))


def _date(slots: Slots, low: int, high: int) -> str:
    day: datetime = slots.when + timedelta(days=slots.dice.randint(low, high))
    return f"{day.day} {WORDS['month'][day.month - 1]}"


def _amount(low: float, sigma: float) -> Maker:
    return lambda slots: f"{slots.dice.spread(low, sigma):.2f} {slots.dice.pick(('euros', 'euros', 'EUR', '€'))}"


def _size_other(slots: Slots) -> str:
    sizes = WORDS["size"]
    place = sizes.index(slots["size"])
    return sizes[place + 1] if place + 1 < len(sizes) else sizes[place - 1]


def _token(dice: Dice, length: int) -> str:
    return "".join(dice.pick("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(length))


MAKERS: dict[str, Maker] = {
    "order": _number(2_000_000, 9_999_999, "AC-{}"),
    "tracking": _number(10**11, 10**12 - 1, "JD{}"),
    "garment_name": _item("garment_kind"),
    "garment_name_other": _item("garment_kind"),
    "footwear_name": _item("footwear_kind"),
    "gear_name": _item("gear_kind"),
    "gear_name_other": _item("gear_kind"),
    "homeware_name": _item("homeware_kind"),
    "pair_name": lambda slots: f"pair of {slots['footwear_name']}",
    "product_name": _any_of("garment_name", "garment_name", "gear_name", "homeware_name", "pair_name"),
    "gear_or_garment": _any_of("gear_name", "garment_name"),
    "product": _the("product_name"),
    "garment": _the("garment_name"),
    "garment_other": _the("garment_name_other"),
    "footwear": _the("footwear_name"),
    "gear": _the("gear_name"),
    "gear_other": _the("gear_name_other"),
    "homeware": _the("homeware_name"),
    "size_other": _size_other,
    "height": _number(156, 198),
    "kilos": lambda slots: str(int(slots["height"]) - 100 + slots.dice.randint(-14, 14)),
    "past_date": lambda slots: _date(slots, -12, -3),
    "soon_date": lambda slots: _date(slots, 1, 9),
    "amount": _amount(85.0, 0.6),
    "fee": _amount(9.0, 0.5),
    "digits": _number(1000, 9999),
    "digits_other": _number(1000, 9999),
    "points": _number(1, 30, "{}00"),
    "quantity": _number(3, 40, "{}0"),
    "kilo_weight": lambda slots: f"{slots.dice.spread(1.6, 0.3):.1f}",
    "grams": _number(28, 72, "{}0"),
    "stars": lambda slots: f"4.{slots.dice.randint(2, 8)}",
    "name": lambda slots: f"{slots['first']} {slots['last']}",
    # Invented, in shapes that redaction has to find; the numbers are of ranges that nobody can have.
    "email": lambda slots: f"{slots['first']}.{slots['last']}{slots.dice.randint(1, 99)}@mail.example".lower(),
    "telephone": lambda slots: f"+44 7700 900{slots.dice.randint(100, 999)}",
    "telephone_us": lambda slots: f"(555) 01{slots.dice.randint(0, 9)}-{slots.dice.randint(1000, 9999)}",
    "card": lambda slots: _card(slots.dice),
    "api_key": lambda slots: f"sk-{_token(slots.dice, 40)}",
}


def _card(dice: Dice) -> str:
    """A card number that passes the checksum, in the test range 4000 00."""
    digits = [4, 0, 0, 0, 0, 0, *(dice.randint(0, 9) for _ in range(9))]
    doubled = [digit if place % 2 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
    number = "".join(map(str, [*digits, -sum(doubled) % 10]))
    return " ".join(number[start : start + 4] for start in range(0, 16, 4))
