"""What was measured on the rendered benchmark, as tables; None where it has not been measured."""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tools.markdown import table

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
CONDITIONS = ("R", "D", "I", "RD", "RI", "DI", "RDI")
SINGLE = {"R": "rgb", "D": "depth", "I": "ir"}
SHOWN = {"acer_pooled": "ACER pooled", "acer_max": "ACER max", "bpcer": "BPCER"}
GUESSING = 0.5
Entry = dict[str, str]


def difficulty() -> str | None:
    """Error rates of the baseline by protocol and condition, means over seeds."""
    entries = read("difficulty")
    if entries is None:
        return None
    rates = _rates(entry for entry in entries if entry["rate"] in SHOWN and not entry["species"])
    conditions = [name for name in CONDITIONS if any(key[3] == name for key in rates)]
    rows = []
    for protocol, method in dict.fromkeys(key[:2] for key in rates):
        for rate, name in SHOWN.items():
            values = [rates.get((protocol, method, rate, at), []) for at in conditions]
            if any(values):
                rows.append([f"`{protocol}`", method, name, *map(_spread, values)])
    head = ("rendered, %", "method", "rate", *conditions)
    return _with_origin(table(head, rows, "lll" + "r" * len(conditions)), entries)


def difficulty_by_species() -> str | None:
    """APCER of each species by protocol, from one modality at a time, means over seeds."""
    entries = read("difficulty")
    if entries is None:
        return None
    of_species = [entry for entry in entries if entry["rate"] == "apcer" and entry["species"]]
    rates = _rates(of_species, "species")
    items = {(entry["protocol"], entry["species"]): entry["n"] for entry in of_species}
    rows = [
        [
            f"`{protocol}`",
            method,
            f"`{species}`",
            *(_spread(rates.get((protocol, method, species, at), [])) for at in SINGLE),
            items[protocol, species],
        ]
        for protocol, method, species in dict.fromkeys(key[:3] for key in rates)
    ]
    head = ("rendered, APCER %", "method", "species", *SINGLE, "n")
    return _with_origin(table(head, rows, "lllrrrr"), entries)


def shortcuts() -> str | None:
    """ACER of regressions on global statistics, and how much of the baseline that explains."""
    entries = read("shortcuts")
    if entries is None:
        return None
    acer = {(e["protocol"], e["what"], e["modality"]): float(e["acer_pooled"]) for e in entries}
    told = _told_by_baseline()
    rows = []
    for protocol, what in dict.fromkeys(key[:2] for key in acer):
        values = [acer.get((protocol, what, modality)) for modality in SINGLE.values()]
        shares = [
            ""
            if value is None or not told.get((protocol, at))
            else f"{_share(value, told[protocol, at]):.2f}"
            for at, value in zip(SINGLE, values, strict=True)
        ]
        of_protocol = [e for e in entries if (e["protocol"], e["what"]) == (protocol, what)]
        cells = ["-" if value is None else f"{100 * value:.1f}" for value in values]
        rows.append([f"`{protocol}`", what, *cells, *shares, _leading(of_protocol)])
    of_baseline = [f"{at} of baseline" for at in SINGLE]
    head = ("rendered, ACER %", "statistics of", *SINGLE, *of_baseline, "tells most alone (AUC)")
    return _with_origin(table(head, rows, "ll" + "r" * 6 + "l"), entries)


def speed() -> str | None:
    """Items a second by species and by family."""
    entries = read("synth")
    if entries is None:
        return None
    columns = ("what", "workers", "items_per_s", "items_per_cpu_s", "peak_mib")
    rows = [[entry[column].replace("_", " ") or "" for column in columns] for entry in entries]
    head = ("", "workers", "items a second", "a second of a core", "MiB at most")
    return _with_origin(table(head, rows, "lrrrr"), entries)


def read(name: str) -> list[Entry] | None:
    """The rows of a file of results; None without one."""
    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _rates(entries: Iterable[Entry], third: str = "rate") -> dict[tuple[str, ...], list[float]]:
    """Values of all seeds by protocol, method, rate (or species) and condition."""
    found: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for entry in entries:
        if entry["value"]:
            key = entry["protocol"], entry["method"], entry[third], entry["condition"]
            found[key].append(float(entry["value"]))
    return dict(found)


def _told_by_baseline() -> dict[tuple[str, str], float]:
    """How far below guessing the ACER of the first method of the difficulty table is."""
    entries = read("difficulty") or []
    first = entries[0]["method"] if entries else ""
    pooled = _rates(e for e in entries if e["rate"] == "acer_pooled" and e["method"] == first)
    return {
        (protocol, at): GUESSING - statistics.fmean(values)
        for (protocol, _, _, at), values in pooled.items()
    }


def _share(acer: float, told: float) -> float:
    return max(0.0, GUESSING - acer) / told


def _leading(entries: Iterable[Entry]) -> str:
    """The single statistic of any modality whose AUC is furthest from one half."""
    found = []
    for entry in entries:
        for told in filter(None, entry["leading"].split("; ")):
            name, _, auc = told.rpartition(" ")
            found.append((abs(float(auc) - 0.5), f"{entry['modality']}: {name} {auc}"))
    return max(found)[1] if found else ""


def _spread(values: list[float]) -> str:
    """Mean and, of several, standard deviation, per cent."""
    if not values:
        return "-"
    mean = f"{100 * statistics.fmean(values):.1f}"
    return f"{mean} ± {100 * statistics.stdev(values):.1f}" if len(values) > 1 else mean


def _with_origin(content: str, entries: list[Entry]) -> str:
    """Say below a table which commits and processors it is from."""
    origins = []
    for column in ("seed", "commit", "hardware"):
        values = dict.fromkeys(entry[column] for entry in entries if entry.get(column))
        if values:
            origins.append(f"{column}{'s' if len(values) > 1 else ''} {', '.join(values)}")
    return f"{content}\n\nFrom {'; '.join(origins)}." if origins else content
