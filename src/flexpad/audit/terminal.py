"""An audit as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from flexpad.audit import Audit
from flexpad.audit.counts import UNITS, Count
from flexpad.data.findings import KINDS, Problem, Severity

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "yellow"}


def render(audit: Audit) -> RenderableType:
    """Show the layout, the counts, and every problem with its first examples."""
    layout = audit.reading.layout
    parts: list[RenderableType] = [
        Text.assemble((audit.data_set, "bold"), f", layout {layout.name}: {layout.summary}"),
        _counts(audit),
        *(_problem(problem) for problem in audit.reading.findings),
        _summary(audit),
    ]
    return Group(*parts)


def _counts(audit: Audit) -> Table:
    """The counts, each beside what was published where anything was."""
    title = audit.protocol or "whole data set"
    rendered = " (rendered faces)" if audit.reading.manifest.is_rendered else ""
    table = Table(title=f"{title}{rendered}", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("split")
    table.add_column("what")
    published = any(entry.published for entry in audit.counts)
    for unit in UNITS:
        table.add_column(unit, justify="right")
        if published:
            table.add_column("published", justify="right", style="dim")
    last = ""
    for entry in audit.counts:
        if last and entry.split != last:
            table.add_section()
        cells = _cells(entry, published=published)
        table.add_row("" if entry.split == last else entry.split, entry.what, *cells)
        last = entry.split
    return table


def _cells(entry: Count, *, published: bool) -> Iterator[Text]:
    for unit in UNITS:
        found, said = getattr(entry, unit), getattr(entry.published, unit, None)
        style = "bold yellow" if entry.differs(unit) else ""
        mark = " ≠" if entry.differs(unit) else ""
        yield Text("-" if found is None else f"{found:,}", style=style)
        if published:
            yield Text("" if said is None else f"{said:,}{mark}", style=style)


def _problem(problem: Problem) -> Text:
    kind = KINDS[problem.kind]
    lines = Text.assemble(
        (problem.severity.value, COLOURS[problem.severity]),
        f"  {problem.count:,} {kind.meaning}; {kind.advice}",
        (f"  [{problem.kind}]", "dim"),
    )
    for example in filter(None, problem.examples):
        lines.append(f"\n         {example}", style="dim")
    return lines


def _summary(audit: Audit) -> Text:
    found = audit.reading.findings
    errors, warnings = (len(found.of(severity)) for severity in Severity)
    looked = ""
    if audit.looked:
        sizes = "; ".join(f"{m} {', '.join(s)}" for m, s in audit.looked["sizes"].items())
        looked = f"; {audit.looked['opened']:,} of {audit.looked['of']:,} items opened ({sizes})"
    verdict = (_kinds(errors, "error"), "bold red" if errors else "green")
    return Text.assemble(verdict, f", {_kinds(warnings, 'warning')}{looked}")


def _kinds(number: int, what: str) -> str:
    if not number:
        return f"no {what}s"
    return f"{number} kind{'s' if number > 1 else ''} of {what}"
