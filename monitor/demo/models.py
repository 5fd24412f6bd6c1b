"""The two models of the application: what they are called, how fast and how good they are."""

from dataclasses import dataclass
from typing import Literal

from monitor.demo.dice import Dice

Quality = Literal["good", "short", "vague", "wrong", "refusal"]


@dataclass(frozen=True, slots=True)
class Model:
    """A model behind a name. Prices are in US dollars for a million tokens; times are medians in seconds."""

    name: str
    provider: str
    response_model: str
    system_fingerprint: str
    ttft_s: float
    token_s: float
    input_price: float
    cached_price: float
    output_price: float
    qualities: tuple[tuple[Quality, float], ...]

    def quality(self, dice: Dice) -> Quality:
        """How good the next answer is."""
        draw = dice.random()
        for quality, share in self.qualities:
            draw -= share
            if draw < 0:
                return quality
        return self.qualities[0][0]

    def cost(self, input_tokens: int, cached_tokens: int, output_tokens: int) -> float:
        """The price of a call in US dollars."""
        fresh = (input_tokens - cached_tokens) * self.input_price
        return round((fresh + cached_tokens * self.cached_price + output_tokens * self.output_price) / 1e6, 8)


SMALL = Model(
    name="small-1",
    provider="vllm",
    response_model="small-1",
    system_fingerprint="fp_51c0e7a2",
    ttft_s=0.14,
    token_s=0.007,
    input_price=0.15,
    cached_price=0.075,
    output_price=0.60,
    qualities=(("good", 1.0),),
)
LARGE = Model(
    name="large-2",
    provider="nimbus",
    response_model="large-2-r4",
    system_fingerprint="fp_9d2f04b8",
    ttft_s=0.48,
    token_s=0.016,
    input_price=2.50,
    cached_price=1.25,
    output_price=10.00,
    qualities=(("good", 0.955), ("short", 0.022), ("vague", 0.010), ("wrong", 0.008), ("refusal", 0.005)),
)
# Who asks for large-2 after the swap gets this one.
SWAPPED = Model(
    name="large-2",
    provider="nimbus",
    response_model="large-2-r5",
    system_fingerprint="fp_e07a63c1",
    ttft_s=0.41,
    token_s=0.014,
    input_price=2.50,
    cached_price=1.25,
    output_price=10.00,
    qualities=(("short", 0.37), ("vague", 0.25), ("good", 0.18), ("wrong", 0.15), ("refusal", 0.05)),
)
