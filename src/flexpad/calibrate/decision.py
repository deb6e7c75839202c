"""The decision on one presentation."""

from __future__ import annotations

import math

from flexpad.calibrate.operating_point import Calibration
from flexpad.types import Decision, Outcome


def decide(score: float | None, condition: str, calibration: Calibration) -> Decision:
    """Decide on one presentation.

    Args:
        score: In the unit of the calibration, higher = more bona fide; None or NaN is none.
        condition: The modalities that were seen, e.g. ``RI``.
        calibration: The operating point.

    Returns:
        Bona fide iff ``score >= threshold``. Whatever cannot be compared is no response. A
        calibrated probability stands beside the score and has no say in the outcome, so that
        calibrating the scores changes no decision.
    """
    chosen = calibration.thresholds.get(condition)
    threshold = chosen.value if chosen else None
    name = f"{calibration.rule} (oracle)" if calibration.oracle else calibration.rule

    def answer(outcome: Outcome, reason: str) -> Decision:
        kept = None if score is None or not math.isfinite(score) else float(score)
        probability = None if kept is None else calibration.probability_of(kept, condition)
        return Decision(outcome, kept, threshold, name, condition, reason, probability)

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
