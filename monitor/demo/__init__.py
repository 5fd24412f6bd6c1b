"""The demonstration: the log of a support chat that never was, the same for the same seed and anchor."""

from monitor.demo.generator import Scenario, Stream, generate, generate_feedback
from monitor.demo.writer import LiveWriter, write_history

__all__ = ["LiveWriter", "Scenario", "Stream", "generate", "generate_feedback", "write_history"]
