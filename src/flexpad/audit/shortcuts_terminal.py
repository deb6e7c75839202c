"""An audit of shortcuts as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from flexpad.audit.shortcuts import Shortcut

SHOWN = 1  # the others are in the JSON
TITLES = {"rgb": "RGB", "depth": "depth", "ir": "infrared"}


def render(shortcuts: Sequence[Shortcut]) -> Table:
    """Show the rates of each regression, in per cent, and the statistic that tells most."""
    title = "Attacks told by global statistics, % of test; 50 is guessing"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("protocol", "modality", "statistics of"):
        table.add_column(name, no_wrap=True)
    for name in ("BPCER", "APCER", "ACER"):
        table.add_column(name, justify="right")
    table.add_column("tells most (AUC)")
    last = ""
    for shortcut in shortcuts:
        if last and shortcut.protocol != last:
            table.add_section()
        rates = shortcut.rates
        values = (rates.bpcer.rate, rates.apcer_pooled.rate, rates.acer_pooled.value)
        table.add_row(
            "" if shortcut.protocol == last else shortcut.protocol,
            TITLES[shortcut.modality.value],
            shortcut.what,
            *("-" if value is None else f"{100 * value:.1f}" for value in values),
            ", ".join(f"{name} {auc:.2f}" for name, auc in shortcut.leading[:SHOWN]),
        )
        last = shortcut.protocol
    return table
