"""All of our own methods over two stretches."""

from collections.abc import Callable

from detectors.comparison import classifier, components, conditional, mmd
from detectors.comparison.finding import LEAST_TEXTS, Finding
from detectors.comparison.stretch import Stretch, blocks

Tell = Callable[[str], None]


def compare(before: Stretch, now: Stretch, context: str, tell: Tell = lambda _what: None) -> list[Finding]:
    """MMD, domain classifier, components, context-aware MMD; the same for the same texts in any order.

    Args:
        before: what is compared with, of any number of texts.
        now: what is compared, likewise.
        context: what the context of a text is, in words.
        tell: is told which method is at work.
    """
    sizes = len(before.ids), len(now.ids)
    if min(sizes) < LEAST_TEXTS:
        return _none(f"it needs {LEAST_TEXTS} texts in each stretch; there are {sizes[0]} and {sizes[1]}", context)
    before, now = before.ordered(), now.ordered()
    exchanged = blocks(before, now)
    tell(mmd.TITLE)
    made = [mmd.mmd(before, now, exchanged)]
    tell(classifier.TITLE)
    made.append(classifier.classifier(before, now, exchanged))
    tell(components.TITLE)
    made.append(components.components(before, now))
    tell(conditional.TITLE.format(what=context))
    made.append(conditional.conditional(before, now, context))
    return made


def _none(reason: str, context: str) -> list[Finding]:
    title = conditional.TITLE.format(what=context)
    named = {"mmd": mmd.TITLE, "classifier": classifier.TITLE, "ks": components.TITLE, "context_mmd": title}
    return [Finding(method, title, None, None, None, "", reason) for method, title in named.items()]
