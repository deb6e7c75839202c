"""analysis.md, made from analysis.json and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from flexpad.analyse.separability import POOLED
from flexpad.report.wording import DASH, RENDERED, percent, plural
from flexpad.report.wording import cell as escaped

WORDS = {"rgb": "RGB", "depth": "depth", "ir": "infrared", POOLED: "all in one pool"}


def render_markdown(content: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """Write the Markdown of an analysis.

    Args:
        content: Of analysis.json.
        figures: Where each figure lies, by name.
    """
    environment = Environment(
        loader=PackageLoader("flexpad.analyse"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown; the filter escapes what would break a table
    )
    environment.filters.update(escaped=escaped, percent=percent, ratio=ratio)
    return environment.get_template("analysis.md.j2").render(
        content=content,
        figures=figures,
        words=WORDS,
        rendered=RENDERED,
        faces=", rendered faces" if content["rendered"] else "",
        reasons=_reasons(content["separability"]),
        counts=", ".join(
            (
                plural(content["test"]["n_items"], "item"),
                plural(content["test"]["n_images"], "image"),
                plural(content["test"]["n_subjects"], "subject"),
            )
        ),
    )


def ratio(value: float | None) -> str:
    """A Fisher ratio.

    >>> ratio(3.14159), ratio(None)
    ('3.14', '–')
    """
    return DASH if value is None else f"{value:.2f}"


def _reasons(separability: Mapping[str, Any]) -> list[str]:
    """Why figures are missing, once for each modality and reason."""
    found = [
        f"{WORDS[name]}: {reason}."
        for name, entry in separability.items()
        for key, reason in entry.items()
        if key.endswith("_reason")
    ]
    return list(dict.fromkeys(found))
