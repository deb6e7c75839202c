"""What a terminal shows: a table for each pair, made to fit 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from flexpad.compare import wording
from flexpad.compare.difference import RATES
from flexpad.compare.evaluation import HIGHER, LOWER
from flexpad.report.wording import DASH, RATE_WORDS, RENDERED, percent

STYLE = {LOWER: "bold green", HIGHER: "bold red"}


def render_tables(content: Mapping[str, Any]) -> Group:
    """Make the tables of a comparison: everything against the first system, then how all stand.

    Args:
        content: Of compare.json.

    Returns:
        At most 100 columns wide; print it with rich.
    """
    first = content["systems"][0]["name"]
    pairs = [pair for pair in content["summary"] if pair["first"] == first]
    parts: list[Table | Text] = [Text(f"{wording.title(content)}\n", style="bold")]
    for pair in pairs:
        told = wording.pair_sentence(pair, content), wording.other_rates_sentence(pair, content)
        parts += [_pair_table(pair, content), Text(f"{' '.join(filter(None, told))}\n")]
    if len(pairs) > 1:
        parts.append(_standing(content))
    parts.append(Text("\n".join(_notes(content)), style="dim"))
    parts += [Text(f"! {warned['message']}", style="yellow") for warned in content["warnings"]]
    return Group(*parts)


def _pair_table(pair: Mapping[str, Any], content: Mapping[str, Any]) -> Table:
    table = _table(f"{pair['other']} less {pair['first']}")
    table.add_column("", style="bold cyan", max_width=18)
    for rate in RATES:
        head = RATE_WORDS[rate].replace(" ", "\n") + (" *" if rate == content["decided_by"] else "")
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("p\n(Holm)", justify="right", no_wrap=True)
    table.add_column("", max_width=13)
    for one in content["comparisons"]:
        if (one["first"], one["other"]) == (pair["first"], pair["other"]):
            table.add_row(
                wording.cell_name(one, content["cells"]),
                *(_difference(one["differences"][rate]) for rate in RATES),
                wording.p_value(one["p_holm"]),
                Text(one["verdict"], style=STYLE.get(one["verdict"], "dim")),
            )
    return table


def _difference(difference: Mapping[str, Any]) -> Text:
    """The difference, and its interval below it in the background."""
    value = wording.points(difference["value"])
    return Text.assemble((value, "bold"), ("\n" + wording.limits(difference), "dim"))


def _standing(content: Mapping[str, Any]) -> Table:
    """Mean rate, average rank, and each system against each: lower, not shown, higher."""
    names = [system["name"] for system in content["systems"]]
    table = _table(
        "How all stand: where a row is shown lower, not shown to differ, higher than a column"
    )
    table.add_column("", style="bold cyan")
    table.add_column(f"mean {RATE_WORDS[content['decided_by']]}", justify="right")
    table.add_column("average\nrank", justify="right")
    for name in names:
        table.add_column(name, justify="right")
    for name in names:
        rank = content["ranks"]["average"][name]
        table.add_row(
            name,
            percent(mean_rate(name, content)),
            DASH if rank is None else f"{rank:.2f}",
            *standing_cells(name, names, content["summary"]),
        )
    return table


def mean_rate(name: str, content: Mapping[str, Any]) -> float | None:
    """Plain mean over the cells of the rate that decides; None if it is undefined in one."""
    rates = [cell["systems"][name][content["decided_by"]] for cell in content["cells"]]
    return None if None in rates else sum(rates) / len(rates)


def standing_cells(
    name: str, names: Sequence[str], summary: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """A row of the full matrix: ``lower–not shown–higher`` of one system against each."""
    by_pair = {(pair["first"], pair["other"]): pair for pair in summary}
    for column in names:
        if column == name:
            yield ""
        elif (column, name) in by_pair:
            pair = by_pair[column, name]
            yield DASH.join(str(pair[key]) for key in ("wins", "ties", "losses"))
        else:
            pair = by_pair[name, column]
            yield DASH.join(str(pair[key]) for key in ("losses", "ties", "wins"))


def _notes(content: Mapping[str, Any]) -> Iterator[str]:
    yield f"{wording.HOW} * decides."
    yield f"{wording.clusters_sentence(content)} {wording.thresholds_sentence(content)}"
    if len(content["cells"]) > 1:
        yield wording.ranks_sentence(content)
    if content["rendered"]:
        yield RENDERED


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold not italic"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )
