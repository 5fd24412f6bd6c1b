"""Messages that mean harm, and any message at all: for property tests of what is made of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from alerts.notifier import AlertView, CallText, Link, Message

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

HOSTILE = (
    "<!channel> <@U123> <https://evil.example|click> &lt; & < >",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "*bold* _it_ ~no~ `code` ```block``` > quote",
    "line one\nline two\r\n\u2028line three",
    "lone \ud800 surrogate \udfff, NUL \x00, bell \x07, rtl \u202e gnitirw",
    "&" * 5_000,
    "<" * 100_000,
    "😀" * 60_000,
    "e\u0301" * 40_000,
    '"\\' * 50_000,
    "",
    " ",
    "\x00",
)


def _texts() -> st.SearchStrategy[str]:
    anything = st.text(st.characters(), max_size=40)
    return st.one_of(anything, st.sampled_from(HOSTILE))


def _moments() -> st.SearchStrategy[datetime]:
    return st.integers(-(10**9), 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds))


def alerts() -> st.SearchStrategy[AlertView]:
    """Any alert, hostile ones above all."""
    numbers = st.none() | st.floats()
    seconds = st.integers(-(10**12), 10**12).map(float) | st.floats()
    series = st.just(()) | st.lists(st.tuples(seconds, numbers), max_size=3).map(tuple)
    return st.builds(
        AlertView,
        labels=st.dictionaries(
            st.sampled_from(["rule", "source", "service", "model"]) | _texts(), _texts(), max_size=5
        ),
        summary=_texts(),
        state=st.sampled_from(["firing", "no_data", "error", "resolved"]),
        since=_moments(),
        ended=st.none() | _moments(),
        value=numbers,
        lower=numbers,
        upper=numbers,
        n=st.none() | st.integers(0, 10**12),
        unit=_texts(),
        condition=_texts(),
        reason=_texts(),
        exemplars=st.lists(_texts(), max_size=7).map(tuple),
        baseline=_texts(),
        series=series,
        threshold=numbers,
        texts=st.lists(st.builds(CallText, _texts(), _texts(), _texts()), max_size=2).map(tuple),
    )


def messages() -> st.SearchStrategy[Message]:
    """Any message, also one with hundreds of alerts."""
    few = st.lists(alerts(), max_size=3).map(tuple)
    many = st.tuples(alerts(), st.integers(20, 300)).map(lambda drawn: (drawn[0],) * drawn[1])
    hrefs = _texts() | st.sampled_from(["https://x.example/?a=1&b=<2>|", "http://[::1", "javascript:alert(1)"])
    return st.builds(
        Message,
        key=_texts(),
        action=st.sampled_from(["trigger", "update", "acknowledge", "resolve", "change"]),
        title=_texts(),
        severity=st.sampled_from(["critical", "error", "warning", "info"]),
        alerts=few | many,
        at=_moments(),
        links=st.lists(st.builds(Link, text=_texts(), href=hrefs), max_size=12).map(tuple),
        replay=st.booleans(),
        repeated=st.booleans(),
        test=st.booleans(),
        image=_texts(),
    )
