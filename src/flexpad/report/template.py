"""The templates a report is made from, compiled once."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from flexpad.report import wording


@cache
def template(name: str) -> Template:
    """A template of this package; what is HTML escapes every value it is given."""
    environment = Environment(
        loader=PackageLoader("flexpad.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=name.endswith(".html.j2"),
    )
    environment.filters.update(
        percent=wording.percent,
        interval=wording.interval,
        threshold=wording.threshold,
        area=wording.area,
        listed=wording.listed,
        spread=wording.spread,
        published=wording.published,
        cell=wording.cell,
    )
    return environment.get_template(name)
