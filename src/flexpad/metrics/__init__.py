"""Error rates of presentation attack detection, with exact intervals. numpy and scipy only.

A score is higher for more bona fide. A presentation is accepted as bona fide iff
``score >= threshold``, in float64. NaN is a non-response: it is counted apart and enters no error
rate. What is undefined is None and comes with a reason; it is never made up as 0 or 1.

The words are those of ISO/IEC 30107-3. The formulas are as the Common Criteria biometrics iTC
(biometricITC/cPP-biometrics, pull request 348) and bob.pad.base quote them from the standard.
"""

from flexpad.metrics.bootstrap import (
    DRAWS,
    ClusteredInterval,
    clustered_intervals,
    draw_blocks,
    drawn_rates,
    percentile_interval,
    subject_draws,
)
from flexpad.metrics.curve import (
    APCER_TARGETS,
    FPR_TARGETS,
    ApcerKind,
    EqualErrorRate,
    MinAcer,
    TprAtFpr,
    auc,
    bpcer_at_apcer,
    candidate_thresholds,
    eer,
    error_curve,
    min_acer,
    threshold_at_apcer,
    threshold_at_bpcer,
    tpr_at_fpr,
)
from flexpad.metrics.curve_bootstrap import clustered_curve
from flexpad.metrics.det import DetPoints, det_points
from flexpad.metrics.groups import Gap, GroupRate, GroupRates, by_group
from flexpad.metrics.presentations import (
    Floats,
    IntArray,
    Presentations,
    by_condition,
    of_table,
    presentations,
)
from flexpad.metrics.proportion import (
    CONFIDENCE,
    Figure,
    Proportion,
    acer,
    clopper_pearson,
    proportion,
    rule_of_three,
)
from flexpad.metrics.rates import Rates, SpeciesRate, hter, rates
from flexpad.metrics.spread import Spread, spread
from flexpad.metrics.subjects import SubjectCounts, subject_counts

__all__ = [
    "APCER_TARGETS",
    "CONFIDENCE",
    "DRAWS",
    "FPR_TARGETS",
    "ApcerKind",
    "ClusteredInterval",
    "DetPoints",
    "EqualErrorRate",
    "Figure",
    "Floats",
    "Gap",
    "GroupRate",
    "GroupRates",
    "IntArray",
    "MinAcer",
    "Presentations",
    "Proportion",
    "Rates",
    "SpeciesRate",
    "Spread",
    "SubjectCounts",
    "TprAtFpr",
    "acer",
    "auc",
    "bpcer_at_apcer",
    "by_condition",
    "by_group",
    "candidate_thresholds",
    "clopper_pearson",
    "clustered_curve",
    "clustered_intervals",
    "det_points",
    "draw_blocks",
    "drawn_rates",
    "eer",
    "error_curve",
    "hter",
    "min_acer",
    "of_table",
    "percentile_interval",
    "presentations",
    "proportion",
    "rates",
    "rule_of_three",
    "spread",
    "subject_counts",
    "subject_draws",
    "threshold_at_apcer",
    "threshold_at_bpcer",
    "tpr_at_fpr",
]
