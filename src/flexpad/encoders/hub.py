"""Weights on the Hugging Face hub to a folder on this machine.

Only what is needed is fetched, file by file, and all from one commit. ``HF_HOME``, ``HF_ENDPOINT``
and ``HF_HUB_OFFLINE`` mean what they mean to ``huggingface_hub``, whose cache it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import (
    HfApi,
    constants,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from flexpad.encoders import tokenizer
from flexpad.encoders.layouts import LAYOUTS, huggingface
from flexpad.encoders.layouts.layout import Layout
from flexpad.encoders.provenance import CARD, LICENCES
from flexpad.encoders.weights import INDEX, parts, refuse_pickle
from flexpad.types import BadInput

PREFIX = "hf-hub:"


class _NoSuchFileError(BadInput):
    """The repository is there and holds no such file."""


@dataclass(slots=True)
class _Repository:
    """A repository; once a file of it has come, ``revision`` is that file's commit."""

    name: str
    revision: str

    def fetch(self, file: str) -> Path:
        """Give the path of a file, from the cache or over the network.

        Raises:
            _NoSuchFileError: The hub was asked and has none.
            BadInput: It cannot be had.
        """
        try:
            path = Path(hf_hub_download(self.name, file, revision=self.revision))
        except LocalEntryNotFoundError as error:
            raise BadInput(self._place_by_hand(file, error)) from error
        except EntryNotFoundError as error:
            raise _NoSuchFileError(f"repository {self.name!r} has no {file}") from error
        except RevisionNotFoundError as error:
            raise BadInput(f"repository {self.name!r} has no revision {self.revision!r}") from error
        except RepositoryNotFoundError as error:
            raise BadInput(
                f"the hub has no repository {self.name!r} that you may read; check the name, or"
                " log in with 'hf auth login' if it is private or gated"
            ) from error
        except HFValidationError as error:
            raise BadInput(f"{self.name!r} cannot be the name of a repository") from error
        except Exception as error:  # of the network: which ones depends on the library's version
            raise BadInput(self._place_by_hand(file, error)) from error
        if path.parent.parent.name == "snapshots":
            self.revision = path.parent.name
        return path

    def fetch_first(self, choices: Iterable[tuple[str, ...]]) -> None:
        """Fetch the first set of files that can be had whole; complain about the first set."""
        problem: BadInput | None = None
        for files in choices:
            try:
                for file in files:
                    self.fetch(file)
            except BadInput as error:
                problem = problem or error
            else:
                return
        if problem is not None:
            raise problem

    def pickle(self, folder: Path, layout: Layout) -> str | None:
        """Name the pickle that stands in for weights, here or, if it can be asked, on the hub."""
        held = [path.name for path in folder.iterdir()]
        with suppress(Exception):  # when it cannot be asked, another complaint is made
            held += HfApi().list_repo_files(self.name, revision=self.revision)
        return next((name for name in layout.pickles if name in held), None)

    def _place_by_hand(self, file: str, error: Exception) -> str:
        cause = error.__cause__ or error
        why = (
            "offline mode is on (HF_HUB_OFFLINE)"
            if isinstance(cause, OfflineModeIsEnabled)
            else f"the hub cannot be reached ({type(cause).__name__})"
        )
        url = hf_hub_url(self.name, file, revision=self.revision)
        return (
            f"{self.name}: {file} is not in the cache {constants.HF_HUB_CACHE} and {why}; get it"
            f" with the other files from {url.rpartition('/')[0]}/ on another machine, put them"
            " into a folder and give that folder as the name of the encoder"
        )


def fetch(name: str, layout: Layout, *, revision: str = "main", weights: bool) -> tuple[Path, str]:
    """Bring a repository here.

    Args:
        name: ``owner/name``.
        layout: Which of its files are wanted.
        revision: Branch, tag, commit, or ``refs/pr/1``.
        weights: Whether weights are wanted too.

    Returns:
        The folder of its files, and their commit.

    Raises:
        BadInput: A file cannot be had, or only as a pickle. It is named, and how to place it.
    """
    repository = _Repository(name, revision)
    try:
        folder = repository.fetch(layout.configuration).parent
    except _NoSuchFileError as error:
        raise BadInput(f"{error}; {_other_layout(name, layout)}") from error
    with suppress(_NoSuchFileError):  # whoever reads the folder says what is missing
        repository.fetch_first(tokenizer.FILES)
    if weights:
        _fetch_weights(repository, folder, layout)
    _fetch_if_there(repository)
    return folder, repository.revision


def _fetch_weights(repository: _Repository, folder: Path, layout: Layout) -> None:
    """Fetch one file of weights, or those of an index; on the hub they have their usual name."""
    usual = layout.weights[0]
    try:
        repository.fetch(usual)
    except BadInput as problem:
        try:
            index = repository.fetch(f"{usual}{INDEX}")
        except BadInput:
            pickle = repository.pickle(folder, layout)
            if pickle is None:
                raise problem from None
            raise BadInput(refuse_pickle(f"{repository.name}: {pickle}", usual)) from None
        for part in parts(index):
            repository.fetch(part)


def _fetch_if_there(repository: _Repository) -> None:
    """Fetch what is good to have; once the hub does not answer it is not asked again."""
    for file in (CARD, LICENCES[0], huggingface.PREPROCESSING):
        if try_to_load_from_cache(repository.name, file, revision=repository.revision) is not None:
            continue  # it is here, or the hub has said that it has none
        try:
            repository.fetch(file)
        except _NoSuchFileError:
            continue
        except BadInput:
            return


def _other_layout(name: str, layout: Layout) -> str:
    if layout is huggingface.LAYOUT:
        return f"if it is of open_clip, the encoder is '{PREFIX}{name}'"
    others = " or ".join(other.configuration for other in LAYOUTS if other is not layout)
    return f"if it has {others}, the encoder is {name!r}"
