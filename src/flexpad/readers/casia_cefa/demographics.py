"""Sex and decade of birth, from the lists that come with the data set.

::

    AF_Age_Gender.txt       AF-000 1999 F

The lists go to subject 599, and for many Africans they say nothing; ``AF-290`` is born in ``11``.
A year would tell more of a person than a rate by age needs, so only its decade is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from flexpad.data.manifest import sha256
from flexpad.data.reading import Source
from flexpad.readers.casia_cefa.videos import RACES
from flexpad.types import BadInput

_YEAR = re.compile(r"(?:19|20)\d\d")
_SEX = {"F": "female", "M": "male"}


def read(folder: Path, source: Source) -> Mapping[str, Mapping[str, str]]:
    """Read the lists of a folder that are there.

    Args:
        folder: Where ``AF_Age_Gender.txt`` and the two others lie.
        source: Gets the lists and how much they say in its header.

    Returns:
        By subject: ``sex`` and ``birth_decade``, those that are told.

    Raises:
        BadInput: A list is no text.
    """
    people: dict[str, Mapping[str, str]] = {}
    for race in RACES:
        path = folder / f"{race}_Age_Gender.txt"
        if not path.is_file():
            continue
        source.header[f"demographics_{race}"] = (
            f"{path.relative_to(source.root).as_posix()} sha256 {sha256(path)}"
        )
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: is not UTF-8 text") from error
        people |= {words[0]: _attributes(words[1:]) for line in lines if (words := line.split())}
    if people:
        told = [sum(key in person for person in people.values()) for key in ("sex", "birth_decade")]
        source.header["demographics"] = (
            f"sex of {told[0]} and decade of birth of {told[1]} of {len(people)} subjects"
        )
    return people


def _attributes(words: list[str]) -> Mapping[str, str]:
    """Read what follows a subject, any of which may be missing or make no sense."""
    sex = next((_SEX[word] for word in words if word in _SEX), "")
    year = next((word for word in words if _YEAR.fullmatch(word)), "")
    told = {"sex": sex, "birth_decade": f"{year[:3]}0s" if year else ""}
    return {name: value for name, value in told.items() if value}
