"""Names to things, and a helpful answer to a name that is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Generic, TypeVar

from flexpad.types import BadInput

T = TypeVar("T")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known name was probably meant, or list them all.

    >>> did_you_mean("fmm_rlp", ["fmm_rpl", "fm_vit"])
    "did you mean 'fmm_rpl'?"
    """
    names = sorted(known)
    folded = {other.casefold(): other for other in names}
    close = get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known: {', '.join(names)}"


class Registry(Generic[T]):
    """Things by name.

    >>> shapes = Registry[type]("shape")
    >>> shapes.add("list")(list) is list and shapes["list"] is list
    True
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """Register what is decorated under ``name``."""

        def keep(thing: T) -> T:
            if name in self._things:
                raise ValueError(f"two things want to be the {self.kind} {name!r}")
            self._things[name] = thing
            return thing

        return keep

    def __getitem__(self, name: str) -> T:
        """Look a name up.

        Raises:
            BadInput: There is no such name.
        """
        if name not in self._things:
            raise BadInput(f"{self.kind} {name!r} is unknown; {did_you_mean(name, self._things)}")
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._things))
