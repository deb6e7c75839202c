"""Recipes that come with flexpad, by the name of their file."""

from __future__ import annotations

from pathlib import Path

from flexpad import config
from flexpad.recipe import Recipe
from flexpad.registry import did_you_mean
from flexpad.types import BadInput


def find(name: str) -> Recipe:
    """Load a recipe by the name of a built-in one or by its path.

    Raises:
        BadInput: There is none, or it cannot be used.
    """
    if Path(name).suffix in (".yaml", ".yml"):
        return config.load(Recipe, Path(name))
    known = {path.stem: path for path in Path(__file__).parent.glob("*.yaml")}
    if name not in known:
        raise BadInput(
            f"recipe {name!r} is neither a .yaml file nor built in; {did_you_mean(name, known)}"
        )
    return config.load(Recipe, known[name])
