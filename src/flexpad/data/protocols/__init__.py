"""Protocols: which rows of a manifest are used for what, and that no split knows another.

A protocol is named ``<data set>@<protocol>``. It chooses rows and their splits; whatever it chose
is then checked for subjects, videos and files that stand in more than one split. Every module here
may have ``PROTOCOLS``, its protocols by name; a new one is a new entry and nothing else.
"""

from __future__ import annotations

import pkgutil
from dataclasses import replace
from importlib import import_module

from flexpad.data.findings import Findings
from flexpad.data.manifest import Manifest
from flexpad.data.protocols.overlap import note_overlaps
from flexpad.data.protocols.protocol import Protocol
from flexpad.registry import Registry
from flexpad.types import SPLITS, BadInput, is_rendered

__all__ = ["PROTOCOLS", "Protocol", "apply", "choose", "note_overlaps"]

PROTOCOLS: Registry[Protocol] = Registry("protocol")
for _module in pkgutil.iter_modules(__path__):
    _found = getattr(import_module(f"{__name__}.{_module.name}"), "PROTOCOLS", {})
    for _name, _protocol in _found.items():
        PROTOCOLS.add(_name)(_protocol)


def apply(name: str, manifest: Manifest) -> Manifest:
    """Choose the rows of a protocol and check that they can be used.

    Args:
        name: E.g. ``surf@1``.
        manifest: All rows that were read.

    Returns:
        The rows in use, with the protocol's name in the header.

    Raises:
        BadInput: As :func:`choose`; or two splits share a subject, a video or a file.
    """
    chosen = choose(name, manifest)
    findings = Findings()
    note_overlaps(chosen, findings)
    findings.refuse_errors()
    return chosen


def choose(name: str, manifest: Manifest) -> Manifest:
    """Choose the rows of a protocol, whatever its splits share.

    Raises:
        BadInput: The protocol is unknown or for other data sets, a row breaks its rule, or a split
            is missing or lacks a class.
    """
    protocol = PROTOCOLS[name]
    if manifest.is_rendered and not all(map(is_rendered, manifest.datasets)):
        raise BadInput(f"{manifest.name}: mixes rendered faces with real ones; keep them apart")
    foreign = sorted(set(manifest.datasets).difference(protocol.datasets))
    if foreign:
        twin = f"synth-{name}"
        advice = f"; take {twin}" if twin in PROTOCOLS and is_rendered(foreign[0]) else ""
        raise BadInput(
            f"{manifest.name}: protocol {name!r} is for {' or '.join(protocol.datasets)},"
            f" not for {foreign[0]!r}{advice}"
        )
    chosen = protocol.choose(manifest)
    for split in SPLITS:
        chosen.split(split).require_both_classes()
    return replace(chosen, header={**chosen.header, "protocol": name})
