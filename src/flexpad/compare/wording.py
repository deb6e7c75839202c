"""How differences are put into words. What is not shown is not said to be absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from flexpad.report.wording import DASH, RATE_WORDS, listed, plural

MINUS = "−"  # noqa: RUF001 - a minus sign, as wide as a plus
HOW = (
    "A difference is the rate of the second system less that of the first, in percentage points;"
    " below zero the second makes fewer errors."
)


def points(value: float | None) -> str:
    """A difference of fractions in percentage points, with its sign.

    >>> points(-0.0314), points(0.02), points(-0.0001), points(None)
    ('−3.1', '+2.0', '0.0', '–')
    """
    if value is None:
        return DASH
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", MINUS)


def limits(difference: Mapping[str, Any]) -> str:
    """Its interval in percentage points.

    >>> limits({"low": -0.05, "high": 0.012}), limits({"low": None, "high": None})
    ('[−5.0, +1.2]', '')
    """
    low, high = difference["low"], difference["high"]
    return "" if low is None or high is None else f"[{points(low)}, {points(high)}]"


def p_value(p: float | None) -> str:
    """Two digits, and never 0.

    >>> p_value(0.0421), p_value(0.0002), p_value(1.0), p_value(None)
    ('0.042', '<0.001', '1', '–')
    """
    if p is None:
        return DASH
    if p < 0.001:
        return "<0.001"
    return f"{p:.2g}"


def cell_name(cell: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> str:
    """What a cell is called: its condition, with data set and protocol where there are several."""
    several = [name for name in ("dataset", "protocol") if len({one[name] for one in cells}) > 1]
    return " ".join([*(cell[name] for name in several if cell[name]), cell["condition"]])


def title(content: Mapping[str, Any]) -> str:
    """What tables and figures are called. Rendered data and oracle thresholds show here."""
    tested = content["systems"][0]["test"]
    names = listed(system["name"] for system in content["systems"])
    parts = [
        "Rendered faces" if content["rendered"] else "",
        f"{names} compared",
        f"{listed(tested['protocols'] or tested['datasets'])} test",
        "ORACLE thresholds" if content["oracle"] else "",
    ]
    return " · ".join(part for part in parts if part)


def cells_word(number: int, content: Mapping[str, Any]) -> str:
    """How many cells, as conditions where there is one protocol."""
    protocols = {(cell["dataset"], cell["protocol"]) for cell in content["cells"]}
    return plural(number, "condition" if len(protocols) == 1 else "cell")


def pair_sentence(summary: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """What a pair comes to over all cells, by the rate that decides."""
    first, other, cells = summary["first"], summary["other"], summary["cells"]
    rate = RATE_WORDS[content["decided_by"]]
    tests = sum(1 for one in content["comparisons"] if one["p"] is not None)
    if summary["undecided"] == cells:
        return f"{other} against {first}: too little was answered to compare {rate}."
    allowing = f", allowing for {plural(tests, 'comparison')} (Holm)" if tests > 1 else ""
    if not summary["wins"] and not summary["losses"]:
        where = "" if cells == 1 else f" in any of {cells_word(cells, content)}"
        return (
            f"No difference in {rate} is shown between {other} and {first}{where}{allowing}. That"
            " does not show them to be alike; the intervals say how far apart they may be."
        )
    found = {
        "lower": summary["wins"],
        "higher": summary["losses"],
        "not shown to differ": summary["ties"],
        "undecided": summary["undecided"],
    }
    counted = listed(f"{word} in {number}" for word, number in found.items() if number)
    total = cells_word(cells, content)
    return f"{rate} of {other} against that of {first}: {counted} of {total}{allowing}."


def other_rates_sentence(pair: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """Which of the other rates have intervals off zero; "" if none has."""
    found: dict[str, list[str]] = {}
    for one in content["comparisons"]:
        if (one["first"], one["other"]) != (pair["first"], pair["other"]):
            continue
        for rate, difference in one["differences"].items():
            apart = side(difference)
            if rate != content["decided_by"] and apart:
                name = f"{RATE_WORDS[rate]} is {apart}"
                found.setdefault(name, []).append(cell_name(one, content["cells"]))
    if not found:
        return ""
    total = pair["cells"]
    everywhere = f"all {cells_word(total, content)}" if total > 1 else ""
    told = "; ".join(
        f"{name} in {everywhere if everywhere and len(cells) == total else listed(cells)}"
        for name, cells in sorted(found.items())
    )
    return f"By the intervals alone, {told}."


def side(difference: Mapping[str, Any]) -> str:
    """On which side of zero the whole interval lies, "" if on both."""
    if difference["low"] is None or difference["low"] <= 0 <= difference["high"]:
        return ""
    return "lower" if difference["high"] < 0 else "higher"


def ranks_sentence(content: Mapping[str, Any]) -> str:
    """What the ranks come to."""
    ranks = content["ranks"]
    rate = RATE_WORDS[content["decided_by"]]
    if ranks["critical_difference"] is None:
        return f"Average ranks by {rate}; {ranks['critical_difference_reason']}."
    parts = [
        f"Average ranks by {rate} over {cells_word(ranks['cells'], content)}; closer than the"
        f" critical difference of {ranks['critical_difference']:.2f} (Nemenyi, 5 %) they are not"
        " told apart."
    ]
    if len(content["systems"]) > 2:
        p = ranks["friedman_p"]
        alike = "all ranks are tied" if p is None else f"p {p_value(p)}"
        parts.append(f"Friedman's test of all being alike: {alike}.")
    apart = [
        f"{better} from {worse}"
        for better, worse in combinations(sorted(ranks["average"], key=ranks["average"].get), 2)
        if not any({better, worse} <= set(group) for group in ranks["alike"])
    ]
    parts.append(f"Told apart: {listed(apart)}." if apart else "None are told apart.")
    parts.append("The test takes them as independent, which the same presentations are not.")
    return " ".join(parts)


def thresholds_sentence(content: Mapping[str, Any]) -> str:
    """Where the thresholds come from."""
    rule = content["rule"]
    if content["oracle"]:
        return f"Each system has its own thresholds, {rule}, chosen on the test data (oracle)."
    if rule.startswith("fixed:"):
        return f"All systems have the threshold {rule}, chosen on no data."
    return f"Each system has its own thresholds, {rule}, chosen on its own dev scores."


def clusters_sentence(content: Mapping[str, Any]) -> str:
    """How the intervals were made."""
    kinds = {cell["cluster"] for cell in content["cells"]}
    what = {"subject": "subjects", "video": "videos", "sample": "presentations"}
    drawn = listed(what[kind] for kind in what if kind in kinds)
    return (
        f"In brackets stand {100 * content['confidence']:.0f} % intervals: {content['draws']:,}"
        f" draws of {drawn}, the same for both systems. They allow for no other comparison;"
        " Holm's p does."
    )
