"""Thresholds at named operating points, chosen on dev, and the decision they lead to.

An operating point is a rule and the split its data came from, e.g. ``eer@dev``. A threshold from
test data is possible under the name it deserves: ``oracle``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast

from flexpad import metrics, score_table
from flexpad.files import whole_file
from flexpad.registry import did_you_mean
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput, Decision, Outcome

SCHEMA = "flexpad.calibration/1"
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


@dataclass(frozen=True, slots=True)
class Threshold:
    """The threshold of one condition and what it does to the data it was chosen on.

    Attributes:
        value: Accepted iff ``score >= value``; every digit counts. +inf rejects everything.
        n_bonafide: Answered bona fide presentations it was chosen on.
        n_attack: Answered attack presentations it was chosen on.
        bpcer: There, a fraction; None where there was no bona fide.
        apcer_max: There; None where there was no attack.
        apcer_pooled: There; None where there was no attack.
        worst_species: The species of ``apcer_max``.
    """

    value: float
    n_bonafide: int
    n_attack: int
    bpcer: float | None
    apcer_max: float | None
    apcer_pooled: float | None
    worst_species: str | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds for every condition, with their origin.

    Attributes:
        rule: Name of the operating point, e.g. ``eer@dev``.
        split: Where the thresholds were chosen: ``dev``, ``test`` or None for a fixed number.
        unit: ``frame`` or ``video``; a threshold of one unit says nothing about the other.
        thresholds: By condition.
        table: Name of the score table the rates are from.
        table_sha256: Of that table.
    """

    rule: str
    split: str | None
    unit: str
    thresholds: Mapping[str, Threshold]
    table: str
    table_sha256: str

    @property
    def oracle(self) -> bool:
        """Whether the thresholds were taken from test data."""
        return self.split == "test"


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


def choose(
    dev: ScoreTable, rule: str, unit: str, conditions: Sequence[str] | None = None
) -> Calibration:
    """Choose one threshold for each condition.

    Args:
        dev: Scores of frames; of split dev, or test for an oracle rule.
        rule: Name of the operating point.
        unit: ``frame`` or ``video``: what is counted.
        conditions: Those that need a threshold; by default all the table has.

    Raises:
        BadInput: The rule or unit is unknown, rows are of another split than the rule says, or a
            condition is missing or lacks answered bona fides or attacks.
    """
    parsed = parse_rule(rule)
    table = score_table.per_unit(dev, unit)
    if parsed.split:
        check_split(table, parsed.split)
    wanted = tuple(conditions) if conditions is not None else table.conditions
    for condition in wanted:
        if condition not in table.conditions:
            raise BadInput(
                f"{table.name}: has no scores of condition {condition}; score it in that condition"
            )
    return Calibration(
        rule=str(parsed),
        split=parsed.split,
        unit=unit,
        thresholds={c: _choose_one(table.condition(c), parsed, c) for c in wanted},
        table=Path(table.name).name,
        table_sha256=dev.sha256,
    )


def check_split(table: ScoreTable, split: str) -> None:
    """Refuse a table that has rows of another split.

    Raises:
        BadInput: It has.
    """
    others = sorted(set(table.rows["split"].unique()) - {split})
    if others:
        raise BadInput(
            f"{table.name}: has rows of split {' and '.join(others)}; give a table of {split} only"
        )


def decide(score: float | None, condition: str, calibration: Calibration) -> Decision:
    """Decide on one presentation.

    Args:
        score: In the unit of the calibration, higher = more bona fide; None or NaN is none.
        condition: The modalities that were seen, e.g. ``RI``.
        calibration: The operating point.

    Returns:
        Bona fide iff ``score >= threshold``. Whatever cannot be compared is no response.
    """
    chosen = calibration.thresholds.get(condition)
    threshold = chosen.value if chosen else None
    name = f"{calibration.rule} (oracle)" if calibration.oracle else calibration.rule

    def answer(outcome: Outcome, reason: str) -> Decision:
        kept = None if score is None or not math.isfinite(score) else float(score)
        return Decision(outcome, kept, threshold, name, condition, reason)

    if score is None or math.isnan(score):
        return answer(Outcome.NO_RESPONSE, "There is no score.")
    if math.isinf(score):
        return answer(Outcome.NO_RESPONSE, "The score is not finite.")
    if threshold is None:
        known = ", ".join(calibration.thresholds) or "none"
        return answer(
            Outcome.NO_RESPONSE,
            f"There is no threshold for condition {condition!r} (calibrated: {known}).",
        )
    if score >= threshold:
        return answer(Outcome.BONAFIDE, "The score reaches the threshold.")
    return answer(Outcome.ATTACK, "The score is below the threshold.")


def write(calibration: Calibration, path: Path) -> None:
    """Write a calibration as JSON. The file appears whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(dumps(calibration), encoding="utf-8")


def dumps(calibration: Calibration) -> str:
    """The JSON text of a calibration. A threshold of +inf is the text ``"Infinity"``."""
    content: dict[str, Any] = {"schema": SCHEMA, "oracle": calibration.oracle}
    content |= asdict(calibration)
    for entry in content["thresholds"].values():
        if math.isinf(entry["value"]):
            entry["value"] = "Infinity"
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def read(path: Path) -> Calibration:
    """Read what :func:`write` wrote; every threshold comes back to the last bit.

    Raises:
        BadInput: The file is missing, no JSON, of another schema, or a key is missing or does not
            fit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise BadInput(f"{path}: is not JSON; choose the thresholds again") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise BadInput(f"{path}: is no calibration (schema should be {SCHEMA!r})")
    try:
        return _calibration(content)
    except KeyError as error:
        raise BadInput(f"{path}: key {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path}: {error}") from error


def _calibration(content: Mapping[str, Any]) -> Calibration:
    if content["unit"] not in score_table.UNITS:
        raise BadInput(f"unit {content['unit']!r} is unknown")
    rule = parse_rule(content["rule"])
    if rule.split != content["split"]:
        raise BadInput(f"split {content['split']!r} is not that of rule {content['rule']!r}")
    thresholds = {name: _threshold(name, entry) for name, entry in content["thresholds"].items()}
    return Calibration(
        rule=str(rule),
        split=rule.split,
        unit=content["unit"],
        thresholds=thresholds,
        table=str(content["table"]),
        table_sha256=str(content["table_sha256"]),
    )


def _threshold(condition: str, entry: Mapping[str, Any]) -> Threshold:
    value = entry["value"]
    number = math.inf if value == "Infinity" else value
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    if not is_number or math.isnan(number) or number == -math.inf:  # -inf would accept everything
        raise BadInput(f"threshold of condition {condition} should be a number, not {value!r}")
    return Threshold(**{**entry, "value": float(number)})


def _choose_one(table: ScoreTable, rule: Rule, condition: str) -> Threshold:
    items = metrics.of_table(table)
    value = rule.value if rule.kind == "fixed" else _from_data(items, rule)
    if value is None:
        raise BadInput(
            f"{table.name}: no threshold {rule} in condition {condition}: {_lack(items, rule)}"
        )
    there = metrics.rates(items, value)
    return Threshold(
        value=value,
        n_bonafide=len(items.bonafide),
        n_attack=len(items.pooled),
        bpcer=there.bpcer.rate,
        apcer_max=there.apcer_max.rate,
        apcer_pooled=there.apcer_pooled.rate,
        worst_species=there.worst_species,
    )


def _from_data(items: metrics.Presentations, rule: Rule) -> float | None:
    if items.undefined:
        return None
    if rule.kind == "eer":
        return metrics.eer(items).threshold
    target = cast(float, rule.value)
    if rule.kind == "bpcer":
        return metrics.threshold_at_bpcer(items, target)
    kind: metrics.ApcerKind = "max" if rule.kind == "apcer_max" else "pooled"
    return metrics.threshold_at_apcer(items, target, kind)


def _lack(items: metrics.Presentations, rule: Rule) -> str:
    """What keeps a rule from finding a threshold, and what would help."""
    silent = [name for name, scores in items.attacks.items() if not len(scores)]
    lack = items.undefined or f"no attack of species {', '.join(silent)} was answered"
    return f"{lack}; add such rows to {rule.split}"


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
