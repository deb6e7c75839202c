"""Error rates of presentation attack detection, with exact intervals. numpy and scipy only.

A score is higher for more bona fide. A presentation is accepted as bona fide iff
``score >= threshold``, in float64. NaN is a non-response: it is counted apart and enters no error
rate. What is undefined is None and comes with a reason; it is never made up as 0 or 1.

The words are those of ISO/IEC 30107-3. The formulas are as the Common Criteria biometrics iTC
(biometricITC/cPP-biometrics, pull request 348) and bob.pad.base quote them from the standard.
"""

from flexpad.metrics.curve import (
    ApcerKind,
    EqualErrorRate,
    TprAtFpr,
    auc,
    bpcer_at_apcer,
    eer,
    error_curve,
    threshold_at_apcer,
    threshold_at_bpcer,
    tpr_at_fpr,
)
from flexpad.metrics.presentations import Presentations, of_table, presentations
from flexpad.metrics.proportion import (
    CONFIDENCE,
    Figure,
    Proportion,
    acer,
    clopper_pearson,
    proportion,
)
from flexpad.metrics.rates import Rates, SpeciesRate, rates

__all__ = [
    "CONFIDENCE",
    "ApcerKind",
    "EqualErrorRate",
    "Figure",
    "Presentations",
    "Proportion",
    "Rates",
    "SpeciesRate",
    "TprAtFpr",
    "acer",
    "auc",
    "bpcer_at_apcer",
    "clopper_pearson",
    "eer",
    "error_curve",
    "of_table",
    "presentations",
    "proportion",
    "rates",
    "threshold_at_apcer",
    "threshold_at_bpcer",
    "tpr_at_fpr",
]
