"""How numbers and origins are put into words, the same in every form of the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DASH = "–"  # noqa: RUF001 - an en dash, from one number to another
MODALITY_WORDS = "R RGB, D depth, I infrared"
RATE_WORDS = {
    "bpcer": "BPCER",
    "apcer_max": "APCER max",
    "apcer_pooled": "APCER pooled",
    "acer_max": "ACER max",
    "acer_pooled": "ACER pooled",
    "bpnrr": "BPNRR",
    "apnrr": "APNRR",
}
RENDERED = (
    "These are rendered faces: synthetic images from a graphics program."
    " The figures say nothing about real faces."
)


def percent(rate: float | None) -> str:
    """A fraction in per cent with one decimal, without the sign.

    >>> percent(0.0314), percent(1.0), percent(None)
    ('3.1', '100', '–')
    """
    if rate is None:
        return DASH
    return "100" if rate == 1 else f"{100 * rate:.1f}"


def interval(limits: Sequence[float] | None) -> str:
    """Both limits in per cent.

    >>> interval([0.019, 0.048]), interval(None)
    ('[1.9–4.8]', '')
    """
    if limits is None:
        return ""
    low, high = limits
    return f"[{percent(low)}{DASH}{percent(high)}]"


def with_interval(entry: Mapping[str, Any], rate: str) -> str:
    """A rate of a condition with its interval, e.g. ``3.1 [1.9–4.8]``."""
    return f"{percent(entry[rate])} {interval(entry['intervals'].get(rate))}".strip()


def threshold(value: float | None) -> str:
    """Four decimals where they say something, else four digits.

    >>> threshold(0.43126), threshold(0.0000123), threshold(None)
    ('0.4313', '1.23e-05', '+∞')
    """
    if value is None:
        return "+∞"
    return f"{value:.3g}" if value and not 1e-3 <= abs(value) < 1e3 else f"{value:.4f}"


def spread(value: Mapping[str, Any]) -> str:
    """Mean of a fraction over sub-protocols in per cent with two decimals, as papers print it.

    >>> spread({"mean": 0.0792, "std": 0.0072, "n": 3}), spread({"mean": 0.2, "std": None, "n": 1})
    ('7.92 ± 0.72', '20.00')
    """
    if value["mean"] is None:
        return DASH
    mean = f"{100 * value['mean']:.2f}"
    return mean if value["std"] is None else f"{mean} ± {100 * value['std']:.2f}"


def published(row: Mapping[str, Any]) -> str:
    """A published figure, which is in per cent already.

    >>> published({"value": 7.92, "std": 0.72}), published({"value": 12.38, "std": None})
    ('7.92 ± 0.72', '12.38')
    """
    return f"{row['value']:.2f}" if row["std"] is None else f"{row['value']:.2f} ± {row['std']:.2f}"


def condition_words(condition: str) -> str:
    """What a condition shows the model.

    >>> condition_words("RDI"), condition_words("I")
    ('RGB, depth and infrared', 'infrared')
    """
    words = {"R": "RGB", "D": "depth", "I": "infrared"}
    return listed(words[letter] for letter in condition)


def group_words(column: str) -> str:
    """The name of a group column as a person says it.

    >>> group_words("group_skin_tone")
    'skin tone'
    """
    return column.removeprefix("group_").replace("_", " ")


def area(value: float | None) -> str:
    """An AUC with three decimals, not rounded up to 1.

    >>> area(0.99991), area(1.0), area(None)
    ('0.999', '1.000', '–')
    """
    if value is None:
        return DASH
    return f"{min(value, 0.999) if value < 1 else value:.3f}"


def count(values: Iterable[int]) -> str:
    """A number, or from-to where conditions differ.

    >>> count([400, 400]), count([380, 400])
    ('400', '380–400')
    """
    low, *rest = sorted(set(values))
    return f"{low:,}{DASH}{rest[-1]:,}" if rest else f"{low:,}"


def listed(words: Iterable[str]) -> str:
    """Words in a row, as a sentence has them.

    >>> listed(["R", "D", "I"])
    'R, D and I'
    """
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def plural(number: int, one: str, many: str | None = None) -> str:
    """A counted noun.

    >>> plural(1, "frame"), plural(1200, "frame")
    ('1 frame', '1,200 frames')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def cell(text: object) -> str:
    """Text that stays inside one cell of a table, whatever somebody called their things."""
    flat = " ".join(str(text).split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def title(report: Mapping[str, Any]) -> str:
    """What every table and figure is called. Rendered data and oracle thresholds show here."""
    test = report["tables"]["test"]
    parts = [
        "Rendered faces" if report["rendered"] else "",
        report["method"] or "",
        f"{listed(test['protocols'] or test['datasets'])} test",
        "ORACLE thresholds" if report["oracle"] else "",
    ]
    return " · ".join(part for part in parts if part)


def origin_of_thresholds(report: Mapping[str, Any]) -> str:
    """Where the thresholds come from, one sentence."""
    rule = report["rule"]
    if report["oracle"]:
        return f"Thresholds: {rule}, chosen on the test data itself (oracle)."
    if rule.startswith("fixed:"):
        return f"Threshold: {rule}, set by hand and chosen on no data."
    if report["common_threshold"]:
        on = " of calibrated probabilities" if report["score_calibration"] else ""
        return f"Threshold: {rule}, one for all conditions{on}, chosen on dev and never on test."
    return f"Thresholds: {rule}, one per condition, chosen on dev and never on test."


def counts(report: Mapping[str, Any]) -> str:
    """Unit and sample sizes of test, one sentence."""
    entries = report["conditions"].values()
    bonafide = count(entry["n_bonafide"] for entry in entries)
    attack = count(entry["n_attack"] for entry in entries)
    test = report["tables"]["test"]
    people = f", of {plural(test['n_subjects'], 'subject')}" if test["n_subjects"] else ""
    unit = f"{report['unit']}s"
    return f"Test per condition: {bonafide} bona fide and {attack} attack {unit}{people}."
