"""YAML into frozen dataclasses, strictly: an unknown key is an error that names the nearest one."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from flexpad.registry import did_you_mean
from flexpad.types import BadInput

T = TypeVar("T")


def load(cls: type[T], path: Path) -> T:
    """Read a YAML file into the dataclass ``cls``.

    Raises:
        BadInput: The file is missing or no YAML mapping, or a key or value does not fit.
    """
    return build(cls, read_mapping(path), str(path))


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        BadInput: The file is missing, is no YAML, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise BadInput(f"{path}{line}: is not valid YAML") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold 'key: value' lines")
    return content


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Make the dataclass ``cls`` from a mapping; a nested mapping makes a nested dataclass.

    Args:
        cls: A dataclass whose fields are scalars, tuples, mappings or dataclasses.
        values: What the user wrote.
        where: Named in the error, e.g. the file.

    Raises:
        BadInput: A key is unknown or missing, or a value has the wrong type.
    """
    hints = get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in fields:
            raise BadInput(f"{where}: key {key!r} is unknown; {did_you_mean(str(key), fields)}")
    missing = [
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING
        and f.default_factory is dataclasses.MISSING
        and name not in values
    ]
    if missing:
        raise BadInput(f"{where}: key {missing[0]!r} is missing")
    converted = {key: _convert(hints[key], value, where, key) for key, value in values.items()}
    try:
        return cls(**converted)
    except BadInput as error:  # raised by a __post_init__ that knows the key but not the file
        raise BadInput(f"{where}: {error}") from error


def dump(value: Any) -> str:  # noqa: ANN401 - any dataclass instance
    """Write a dataclass as YAML that :func:`load` reads back to an equal one."""
    return yaml.safe_dump(_plain(dataclasses.asdict(value)), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - recursive over YAML values
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _convert(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    """Turn a YAML value into what a field's type asks for."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise BadInput(f"{where}: key {key!r} should hold 'key: value' lines")
        return build(hint, value, f"{where}: {key}")
    origin = get_origin(hint)
    if origin is tuple:
        return _convert_tuple(hint, value, where, key)
    if origin in (types.UnionType,):
        return None if value is None else _convert(get_args(hint)[0], value, where, key)
    if origin in (dict, Mapping) or getattr(origin, "__name__", "") == "Mapping":
        if not isinstance(value, Mapping):
            raise BadInput(f"{where}: key {key!r} should hold 'key: value' lines")
        return dict(value)
    return _convert_scalar(hint, value, where, key)


def _convert_tuple(hint: Any, value: Any, where: str, key: str) -> tuple[Any, ...]:  # noqa: ANN401
    args = get_args(hint)
    if not isinstance(value, list | tuple):
        raise BadInput(f"{where}: key {key!r} should be a list, not {value!r}")
    if args[-1] is not Ellipsis and len(args) != len(value):
        raise BadInput(f"{where}: key {key!r} should have {len(args)} values, not {len(value)}")
    inner = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
    return tuple(_convert(h, v, where, key) for h, v in zip(inner, value, strict=True))


def _convert_scalar(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            pass
    if (
        isinstance(hint, type)
        and isinstance(value, hint)
        and not (hint is int and isinstance(value, bool))
    ):
        return value
    name = getattr(hint, "__name__", str(hint))
    raise BadInput(f"{where}: key {key!r} should be {name}, not {value!r}")
