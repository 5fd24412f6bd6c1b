"""One request to a model: what comes back, and how long it takes."""

from dataclasses import dataclass

from config.calls import ErrorType
from monitor.demo.dice import Dice
from monitor.demo.models import LARGE, Model
from monitor.demo.story import Story

HUNG_S = 600.0
TIMEOUT_S = 60.0
_LONGEST_S = 120.0  # keeps a conversation's length bounded

# What fails on an ordinary day: 0.4 % of the calls, and 0.15 % that the customer closes before the answer is there.
_BACKGROUND: tuple[tuple[ErrorType, float], ...] = (
    ("server", 0.0014),
    ("rate_limited", 0.0008),
    ("timeout", 0.0005),
    ("bad_request", 0.0005),
    ("content_filter", 0.0008),
    ("cancelled", 0.0015),
)
_ERRORS: dict[ErrorType, tuple[int | None, tuple[str, ...]]] = {
    "rate_limited": (
        429,
        (
            "Rate limit reached for {model}: limit 240 requests per minute. Please retry after 2 s.",
            "Too many requests",
        ),
    ),
    "timeout": (None, ("Request timed out.", "Read timeout: no bytes received.")),
    "server": (500, ("The server had an error while processing your request.", "upstream connect error")),
    "bad_request": (400, ("Invalid 'messages[2].content': string is too long.", "Unsupported value: 'temperature'.")),
    "content_filter": (400, ("The response was filtered by the content management policy.",)),
    "cancelled": (499, ("Client closed the connection.",)),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request: times in seconds, `error_type` None when it succeeded."""

    latency_s: float
    ttft_s: float
    error_type: ErrorType | None = None
    error: str | None = None
    status_code: int | None = 200

    @property
    def retryable(self) -> bool:
        """Whether the application tries again: after ten minutes nobody is waiting any more."""
        return self.error_type in ("rate_limited", "server", "timeout") and self.latency_s < HUNG_S


def request(dice: Dice, model: Model, story: Story, at_ms: int, output_tokens: int) -> Outcome:
    """Sends a request that would write so many tokens."""
    large = model.name == LARGE.name
    factor = story.factor("slow_model", at_ms) if large else 1.0
    ttft = dice.spread(model.ttft_s, 0.32) * factor
    latency = ttft + output_tokens * dice.spread(model.token_s, 0.18) * factor
    if dice.chance(0.012):
        stretch = 2.0 + 5.0 * dice.random()
        ttft, latency = ttft * stretch, latency * stretch
    ttft, latency = min(ttft, _LONGEST_S), min(latency, _LONGEST_S)
    error_type = _background(dice)
    if large and dice.chance(story.share("rate_limits", at_ms)):
        error_type = "rate_limited"
    elif large and dice.chance(story.share("slow_model", at_ms)):
        return _failed(dice, model, "timeout", HUNG_S)
    if error_type is None:
        return Outcome(latency, ttft)
    return _failed(dice, model, error_type, _time_to_fail(dice, error_type, latency))


def _background(dice: Dice) -> ErrorType | None:
    draw = dice.random()
    for error_type, share in _BACKGROUND:
        draw -= share
        if draw < 0:
            return error_type
    return None


def _time_to_fail(dice: Dice, error_type: ErrorType, latency: float) -> float:
    if error_type == "timeout":
        return TIMEOUT_S
    if error_type == "cancelled":
        return latency * (0.3 + 0.6 * dice.random())
    return dice.spread(1.5 if error_type == "server" else 0.12, 0.5)


def _failed(dice: Dice, model: Model, error_type: ErrorType, latency: float) -> Outcome:
    status, messages = _ERRORS[error_type]
    return Outcome(latency, latency, error_type, dice.pick(messages).format(model=model.name), status)
