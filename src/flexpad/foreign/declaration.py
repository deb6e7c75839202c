"""What somebody who brings scores has to say about them, because the file does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flexpad.registry import did_you_mean
from flexpad.types import ATTACK, BONAFIDE, CONDITIONS, SPLITS, BadInput

Polarity = Literal["bonafide", "attack"]
COMPLEMENT: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("0",): ("1",),
    ("1",): ("0",),
}  # where a list has two labels, they are these


@dataclass(frozen=True)
class Declaration:
    """What is said about foreign scores. Values for several files are given in their order.

    Attributes:
        split: train, dev or test.
        dataset: What the scores are of, e.g. casia_surf. Rendered sets begin with synth.
        condition: R, D, I, RD, RI, DI or RDI; once, or once per file.
        protocol: E.g. surf@1 or cefa@4.1; once, or once per file.
        method: What the system is called.
        higher_is: What a higher score speaks for: bonafide or attack. Scores of the second kind
            are negated. Needed unless the format says it (bob: bonafide).
        bonafide_value: What the label says of a bona fide; several are possible.
        attack_value: What it says of an attack. Needed where several other values occur.
        unit: frame or video: what one score is of.
        sample: csv, bob: column, or several, that name an item. bob: test_label.
        label: csv: column that says bona fide or attack.
        score: csv: column with the score; an empty cell or NaN is a non-response.
        species: csv, bob: column with the PAI species. challenge: pattern for the item's path.
        subject: csv, bob: column with the subject. challenge: pattern for the item's path.
        video: csv, bob: column with the video. challenge: pattern for the item's path.
        group: csv, bob: columns to break rates down by.
        separator: csv: what stands between cells, one character or the word tab.
        listing: challenge: list file "path label"; once, or once per file.
        lines: challenge: which lines of the submission, e.g. 201-2400; once per file.
    """

    split: str
    dataset: str
    condition: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    method: str = ""
    higher_is: Polarity | None = None
    bonafide_value: tuple[str, ...] = ()
    attack_value: tuple[str, ...] = ()
    unit: Literal["frame", "video"] = "frame"
    sample: tuple[str, ...] = ()
    label: str = ""
    score: str = "score"
    species: str = ""
    subject: str = ""
    video: str = ""
    group: tuple[str, ...] = ()
    separator: str = ","
    listing: tuple[Path, ...] = ()
    lines: tuple[str, ...] = ()


def check(declared: Declaration) -> None:
    """Refuse what cannot be meant.

    Raises:
        BadInput: A word is none of those allowed, or something that is needed is not given.
    """
    if declared.split not in SPLITS:
        raise BadInput(f"split {declared.split!r} should be {' or '.join(SPLITS)}")
    if not declared.dataset:
        raise BadInput("dataset is empty; say what the scores are of, e.g. --dataset casia_surf")
    if not declared.condition:
        raise BadInput(
            "no condition is given; say which modalities the system saw, e.g. --condition RDI"
        )
    for condition in declared.condition:
        if condition not in CONDITIONS:
            raise BadInput(
                f"condition {condition!r} is unknown; {did_you_mean(condition, CONDITIONS)}"
            )
    both = set(declared.bonafide_value) & set(declared.attack_value)
    if both:
        raise BadInput(f"label {min(both)!r} cannot mean bona fide and attack; give it once")
    words = (declared.method, declared.dataset, *declared.protocol, *declared.bonafide_value)
    broken = [text for text in words if len(text.splitlines()) > 1]
    if broken:
        raise BadInput(f"{broken[0]!r} holds a line break; give it in one line")


def one_each(values: Sequence[str], files: int, option: str) -> tuple[str, ...]:
    """One value for each file: the same for all if one is given, "" if none is.

    Raises:
        BadInput: There are several, but not one per file.
    """
    if len(values) not in (0, 1, files):
        raise BadInput(f"{option} is given {len(values)} times for {files} files; give one or each")
    return tuple(values) if len(values) == files else tuple(values or ("",)) * files


def meaning(
    declared: Declaration, found: Sequence[str], where: str, *, is_species: bool
) -> Meaning:
    """What each label value that occurs in a file means.

    Args:
        declared: The values that were declared.
        found: The distinct values that occur.
        where: File and column, for messages.
        is_species: Whether the label column names the species too, so that there are many attacks.

    Returns:
        ``bonafide`` or ``attack`` for every found value.

    Raises:
        BadInput: No value is declared bona fide, none of the declared ones occurs, or what other
            values mean was not said.
    """
    bonafide, attacks = declared.bonafide_value, declared.attack_value
    values = " and ".join(map(repr, sorted(found)[:6]))
    if not bonafide:
        raise BadInput(f"{where}: has {values}; say which is bona fide with --bonafide-value")
    others = sorted(set(found) - set(bonafide))
    if "" in others:
        raise BadInput(f"{where}: has an empty label; every row needs one")
    unknown = sorted(set(others) - set(attacks)) if attacks else []
    if unknown:
        known = ", ".join((*bonafide, *attacks))
        raise BadInput(f"{where}: label {unknown[0]!r} is unknown; declared are {known}")
    if not attacks and len(others) > 1 and not is_species:
        raise BadInput(f"{where}: has {values}; say which of them are attacks with --attack-value")
    return {value: BONAFIDE if value in bonafide else ATTACK for value in found}


def list_labels(declared: Declaration) -> Meaning:
    """What the labels of a list file mean. Where 0 or 1 is bona fide, the other is attack.

    Raises:
        BadInput: No value is declared bona fide, or what an attack is called cannot be told.
    """
    bonafide = declared.bonafide_value
    if not bonafide:
        raise BadInput(
            "say which label of the list is bona fide with --bonafide-value; releases of one data"
            " set contradict each other"
        )
    attacks = declared.attack_value or COMPLEMENT.get(bonafide, ())
    if not attacks:
        raise BadInput(f"bona fide is {bonafide[0]!r}; say what an attack is with --attack-value")
    return {**dict.fromkeys(bonafide, BONAFIDE), **dict.fromkeys(attacks, ATTACK)}


Meaning = Mapping[str, str]
