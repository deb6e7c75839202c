"""compare.md, made from compare.json and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from flexpad.compare import wording
from flexpad.compare.difference import RATES
from flexpad.compare.terminal import mean_rate, standing_cells
from flexpad.report.wording import DASH, RATE_WORDS, RENDERED, percent, plural, threshold
from flexpad.report.wording import cell as escaped


def render_markdown(content: Mapping[str, Any], figure: str) -> str:
    """Write the Markdown of a comparison.

    Args:
        content: Of compare.json.
        figure: File name of the figure beside it.
    """
    environment = Environment(
        loader=PackageLoader("flexpad.compare"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown; the filter escapes what would break a table
    )
    environment.filters.update(
        escaped=escaped, percent=percent, threshold=threshold, p_value=wording.p_value
    )
    names = [system["name"] for system in content["systems"]]
    return environment.get_template("compare.md.j2").render(
        content=content,
        figure=figure,
        wording=wording,
        dash=DASH,
        names=names,
        pairs=[pair for pair in content["summary"] if pair["first"] == names[0]],
        rates=RATES,
        rate_words=RATE_WORDS,
        rendered=RENDERED,
        plural=plural,
        cell_name=lambda cell: wording.cell_name(cell, content["cells"]),
        mean_rate=lambda name: mean_rate(name, content),
        standing=lambda name: list(standing_cells(name, names, content["summary"])),
    )
