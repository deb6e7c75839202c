"""The rows of a paper's table: R, D and I, in per cent, over sub-protocols; published ones beside.

The form is that of Table 1 of FMM-RPL (DOI 10.1007/s11704-026-50892-9): APCER, BPCER and ACER with
one modality at a time. The published figures lie in ``published.csv``; of them only ACER is known
to us, and CMS-Enhancer and FM-CLIP only on CASIA-SURF.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from flexpad import metrics
from flexpad.files import read_json
from flexpad.types import SINGLE, BadInput

RATES = ("apcer_pooled", "bpcer", "acer_pooled", "apcer_max", "acer_max")
PUBLISHED = "published, real data"
SAME = ("schema", "method", "unit", "rule", "rendered")
Json = dict[str, Any]


def read_report(path: Path) -> Json:
    """Read a finished report.json.

    Raises:
        BadInput: It is missing or no report.
    """
    content = read_json(path, "give a report.json")
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str) or not schema.startswith("flexpad.report/"):
        raise BadInput(f"{path}: is no report; give a report.json")
    return {**content, "read_from": str(path)}


def table_rows(reports: Sequence[Mapping[str, Any]]) -> Json:
    """The rows of one method over its sub-protocols.

    Args:
        reports: The content of report.json of each sub-protocol, one or more.

    Returns:
        ``unit``, ``sub_protocols``, ``rows`` by condition and rate with ``mean``, ``std`` (sample
        standard deviation) and ``n``; the published rows of the same protocol; all rates of ours
        are fractions, published ones per cent as printed.

    Raises:
        BadInput: The reports differ in method, unit or rule, mix rendered and real faces, show one
            protocol twice, or lack R, D or I.
    """
    protocols = [_protocol(report) for report in reports]
    _check_alike(reports, protocols)
    rows = {
        name: {
            rate: _spread([report["conditions"][name] for report in reports], rate)
            for rate in RATES
        }
        for name in SINGLE
    }
    key = published_key(protocols[0])
    found = published(key)
    content: Json = {
        "unit": reports[0]["unit"],
        "sub_protocols": protocols,
        "rows": rows,
        "published_protocol": key,
        "published": found,
    }
    if not found:
        content["published_reason"] = f"the paper's table has no protocol {key}"
    return content


def published(protocol: str) -> list[Json]:
    """Published rows of a protocol: method, condition, rate, value and std in per cent, source."""
    text = (files("flexpad.report") / "published.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["protocol"] == protocol]
    return [
        {**row, "value": float(row["value"]), "std": float(row["std"]) if row["std"] else None}
        for row in rows
    ]


def published_key(protocol: str) -> str:
    """The protocol a published row stands under.

    >>> published_key("synth-cefa@4.1"), published_key("surf@1")
    ('cefa@4', 'surf@1')
    """
    name, _, number = protocol.removeprefix("synth-").partition("@")
    return f"{name}@{number.partition('.')[0]}"


def _protocol(report: Mapping[str, Any]) -> str:
    names = report["tables"]["test"]["protocols"]
    if len(names) != 1:
        where = report.get("read_from") or report["tables"]["test"]["name"]
        raise BadInput(f"{where}: names {len(names)} protocols; a row of the table needs one")
    return str(names[0])


def _check_alike(reports: Sequence[Mapping[str, Any]], protocols: Sequence[str]) -> None:
    first = reports[0]
    for report, protocol in zip(reports, protocols, strict=True):
        where = report.get("read_from") or report["tables"]["test"]["name"]
        for key in SAME:
            if report.get(key) != first[key]:
                raise BadInput(
                    f"{where}: {key} is {report.get(key)!r}, not {first[key]!r};"
                    " sub-protocols of one row have to be alike"
                )
        if published_key(protocol) != published_key(protocols[0]):
            raise BadInput(f"{where}: {protocol} is no sub-protocol beside {protocols[0]}")
        missing = [name for name in SINGLE if name not in report["conditions"]]
        if missing:
            raise BadInput(
                f"{where}: has no condition {missing[0]}; the paper's table needs R, D, I"
            )
    twice = [name for name in protocols if protocols.count(name) > 1]
    if twice:
        raise BadInput(f"sub-protocol {twice[0]} is given twice; give each one once")


def _spread(conditions: Sequence[Mapping[str, Any]], rate: str) -> Json:
    return asdict(metrics.spread([entry[rate] for entry in conditions]))
