"""Names of operating points: a rule and the split its data comes from, e.g. ``eer@dev``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

from flexpad.registry import did_you_mean
from flexpad.types import BadInput

DEFAULT_RULE = "eer@dev"
RuleKind = Literal["eer", "bpcer", "apcer_max", "apcer_pooled", "fixed"]
EXAMPLES = (
    "eer@dev",
    "bpcer<=0.01@dev",
    "apcer_max<=0.05@dev",
    "apcer_pooled<=0.05@dev",
    "fixed:0.5",
)
_TARGET = re.compile(r"(bpcer|apcer_max|apcer_pooled)<=([0-9.]+(?:e-?[0-9]+)?)(%?)@(dev|test)")


@dataclass(frozen=True, slots=True)
class Rule:
    """How a threshold is chosen.

    Attributes:
        kind: Equal error rate, a target rate that is not exceeded, or a fixed number.
        value: The target rate in [0, 1) or the fixed threshold; None for the equal error rate.
        split: ``dev``, ``test`` (an oracle), or None where no data is asked.
    """

    kind: RuleKind
    value: float | None
    split: str | None

    def __str__(self) -> str:
        """The name :func:`parse_rule` reads back."""
        if self.kind == "fixed":
            return f"fixed:{self.value!r}"
        return (
            f"{self.kind}@{self.split}"
            if self.kind == "eer"
            else (f"{self.kind}<={self.value!r}@{self.split}")
        )


def parse_rule(text: str) -> Rule:
    """Read the name of an operating point.

    Raises:
        BadInput: It is none; the message shows what there is.
    """
    name = text.strip().replace(" ", "")
    if name in ("eer@dev", "eer@test"):
        return Rule("eer", None, name.removeprefix("eer@"))
    if name.startswith("fixed:"):
        return Rule("fixed", _fixed(text, name.removeprefix("fixed:")), None)
    match = _TARGET.fullmatch(name)
    if not match:
        raise BadInput(
            f"rule {text!r} is unknown; {did_you_mean(name, EXAMPLES)}"
            f" (rules look like {', '.join(EXAMPLES)})"
        )
    kind, number, percent, split = match.groups()
    return Rule(cast(RuleKind, kind), _target(text, number, percent), split)


def _fixed(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadInput(f"rule {text!r}: {number!r} is not a finite number; write e.g. fixed:0.5")
    return value


def _target(text: str, number: str, percent: str) -> float:
    """0.01, 1e-2 and 1% are the same target."""
    try:
        value = Fraction(number) / (100 if percent else 1)
    except ValueError:
        value = Fraction(-1)
    if not 0 <= value < 1:
        raise BadInput(f"rule {text!r}: the target should lie in [0, 1), e.g. 0.01 or 1%")
    return float(value)
