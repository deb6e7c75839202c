"""The one table a terminal shows, made to fit 100 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from flexpad.report import wording
from flexpad.report.order import by_method

RATES = ("bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled")


def render_table(report: Mapping[str, Any]) -> Table:
    """Make the table of a report: a row per condition, rates in per cent over their intervals.

    Args:
        report: The content of report.json.

    Returns:
        At most 100 columns wide; print it with rich.
    """
    table = Table(
        title=_title(report),
        caption=_caption(report),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
        header_style="bold",
    )
    table.add_column("", style="bold cyan", no_wrap=True)
    table.add_column("thresh-\nold", justify="right", no_wrap=True)
    for head in ("BPCER", "APCER\nmax"):
        table.add_column(head, justify="right", no_wrap=True, min_width=11)
    table.add_column(" worst\n species", min_width=8, max_width=14, style="yellow")
    for head in ("APCER\npooled", "ACER\nmax", "ACER\npooled"):
        table.add_column(head, justify="right", no_wrap=True, min_width=11)
    table.add_column("EER", justify="right", no_wrap=True)
    table.add_column("AUC", justify="right", no_wrap=True)
    for name, entry in report["conditions"].items():
        table.add_row(*_row(name, entry), end_section=name == list(report["conditions"])[-1])
    if report["mean_rdi_single"]:
        table.add_row(*_mean_row(report["mean_rdi_single"]))
    return table


def render_paper(report: Mapping[str, Any]) -> RenderableType:
    """The rows of a paper's table for the table at hand, and the published ones set apart.

    Args:
        report: The content of report.json with ``paper``.

    Returns:
        At most 100 columns wide; print it with rich.
    """
    paper = report["paper"]
    faces = "RENDERED FACES" if report["rendered"] else "measured here"
    several = len(paper["sub_protocols"]) > 1
    over = f", mean ± sample std over {wording.listed(paper['sub_protocols'])}" if several else ""
    ours = _paper_table(f"{faces}, per {report['unit']}, at {report['rule']}, %{over}")
    for kind in ("pooled", "max"):
        cells = []
        for row in paper["rows"].values():
            rates = (row[f"apcer_{kind}"], row["bpcer"], row[f"acer_{kind}"])
            cells += [wording.spread(rate).replace(" ± ", "\n± ") for rate in rates]
        ours.add_row(f"{report['method'] or 'this system'}\n  APCER {kind}", *cells)
    if not paper["published"]:
        return Group(ours, Text(f"\n{paper['published_reason']}", style="dim"))
    real = f"PUBLISHED, REAL DATA ({paper['published_protocol']}), %"
    theirs = _paper_table(real)
    for method, found in by_method(paper["published"]).items():
        cells = []
        for name in paper["rows"]:
            value = wording.published(found[name]) if name in found else wording.DASH
            cells += [wording.DASH, wording.DASH, value.replace(" ± ", "\n± ")]
        theirs.add_row(method, *cells)
    apart = "of people, not rendered: do not compare" if report["rendered"] else "compare with care"
    source = Text(
        f"{paper['published'][0]['source']}; only ACER is known to us, not which APCER or unit",
        style="dim",
    )
    return Group(ours, Rule(f"published, real data · {apart}", style="bold red"), theirs, source)


def _paper_table(title: str) -> Table:
    table = Table(
        title=Text(title, style="bold not italic"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
        header_style="bold",
    )
    table.add_column("", no_wrap=True, min_width=18)
    for name in ("R", "D", "I"):
        for rate in ("APCER", "BPCER", "ACER"):
            table.add_column(f"{name}\n{rate}", justify="right", no_wrap=True, min_width=8)
    return table


def _row(name: str, entry: Mapping[str, Any]) -> list[RenderableType]:
    cells = {rate: _cell(entry, rate) for rate in RATES}
    species = (entry["worst_species"] or wording.DASH).replace("_", " ")
    return [
        name,
        wording.threshold(entry["threshold"]),
        cells["bpcer"],
        cells["apcer_max"],
        Padding(species if entry["apcer_max"] else wording.DASH, (0, 0, 0, 1)),
        cells["apcer_pooled"],
        cells["acer_max"],
        cells["acer_pooled"],
        wording.percent(entry["eer"]),
        wording.area(entry["auc"]),
    ]


def _cell(entry: Mapping[str, Any], rate: str) -> Text:
    """The rate, and its interval below it in the background."""
    limits = wording.interval(entry["intervals"][rate])
    return Text.assemble((wording.percent(entry[rate]), "bold"), ("\n" + limits, "dim"))


def _mean_row(means: Mapping[str, Any]) -> list[RenderableType]:
    cells = {rate: Text(wording.percent(means[rate]), "bold") for rate in RATES}
    first = "mean\nR D I"
    acer = [cells["apcer_pooled"], cells["acer_max"], cells["acer_pooled"]]
    return [first, "", cells["bpcer"], cells["apcer_max"], "", *acer, "", ""]


def _title(report: Mapping[str, Any]) -> Text:
    below = f"per cent over {100 * report['confidence']:.0f} % Clopper-Pearson intervals"
    return Text.assemble(
        (wording.title(report), "bold"),
        (f"\n{below} · {wording.MODALITY_WORDS}\n", "not italic dim"),
        style="not italic",
    )


def _caption(report: Mapping[str, Any]) -> Text:
    lines = [
        wording.counts(report),
        f"{wording.origin_of_thresholds(report)} EER, AUC: test curve.",
    ]
    if report["rendered"]:
        lines.append(wording.RENDERED)
    caption = Text("\n" + "\n".join(lines), style="not italic dim")
    for warned in report["warnings"]:
        caption.append(f"\n! {warned['message']}", style="not dim yellow")
    return caption
