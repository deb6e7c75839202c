"""From scores to decisions: operating points chosen on dev, and what a score is worth.

An operating point is a rule and the split its data came from, e.g. ``eer@dev``. A threshold from
test data is possible under the name it deserves: ``oracle``.
"""

from flexpad.calibrate.decision import decide
from flexpad.calibrate.file import SCHEMA, dumps, read, write
from flexpad.calibrate.fusion import add_up, fuse
from flexpad.calibrate.operating_point import (
    Calibration,
    CommonThreshold,
    Threshold,
    check_split,
    choose,
)
from flexpad.calibrate.probability import (
    METHODS,
    PRIOR,
    ScoreCalibration,
    ScoreMap,
    Sigmoid,
    Steps,
    fit,
    lowest_reaching,
)
from flexpad.calibrate.reliability import BINS, Bin, Reliability, reliability
from flexpad.calibrate.rule import DEFAULT_RULE, EXAMPLES, Rule, parse_rule

__all__ = [
    "BINS",
    "DEFAULT_RULE",
    "EXAMPLES",
    "METHODS",
    "PRIOR",
    "SCHEMA",
    "Bin",
    "Calibration",
    "CommonThreshold",
    "Reliability",
    "Rule",
    "ScoreCalibration",
    "ScoreMap",
    "Sigmoid",
    "Steps",
    "Threshold",
    "add_up",
    "check_split",
    "choose",
    "decide",
    "dumps",
    "fit",
    "fuse",
    "lowest_reaching",
    "parse_rule",
    "read",
    "reliability",
    "write",
]
