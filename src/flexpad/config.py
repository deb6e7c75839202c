"""YAML into frozen dataclasses, strictly: an unknown key is an error that names the nearest one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from flexpad.registry import did_you_mean
from flexpad.types import BadInput

T = TypeVar("T")


class _StrictLoader(yaml.SafeLoader):
    """Plain YAML, in which a key that stands twice is an error rather than lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for place, key in enumerate(keys):
            if key in keys[:place] and key != "<<":
                raise _RepeatedKeyError(None, None, f"key {key!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _RepeatedKeyError(yaml.constructor.ConstructorError):
    pass


def load(cls: type[T], path: Path) -> T:
    """Read a YAML file into the dataclass ``cls``.

    Raises:
        BadInput: The file is missing or no YAML mapping, or a key or value does not fit.
    """
    return build(cls, read_mapping(path), str(path))


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        BadInput: The file is missing, is no YAML, holds a key twice, or holds something else.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except _RepeatedKeyError as error:
        raise BadInput(f"{path}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise BadInput(f"{path}{line}: is not valid YAML") from error
    if not isinstance(content, dict):
        raise BadInput(f"{path}: should hold 'key: value' lines")
    return content


def build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """Make the dataclass ``cls`` from a mapping; a nested mapping makes a nested dataclass.

    A nested dataclass may also be given by one value alone, if a field of it says so:
    ``name: str = field(metadata={"bare": True})`` lets ``encoder: x`` mean ``encoder: {name: x}``.

    Args:
        cls: A dataclass whose fields are scalars, enums, literals, tuples, mappings, dataclasses
            or unions of these.
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


def build_over(cls: type[T], defaults: Path, given: Mapping[str, Any], where: str) -> T:
    """Make the dataclass ``cls`` from a file of defaults and what is given otherwise.

    A nested mapping of defaults is kept where only some of its keys are given.

    Args:
        cls: As in :func:`build`.
        defaults: A YAML file.
        given: What the user wrote.
        where: Named in the error.

    Raises:
        BadInput: As :func:`read_mapping` and :func:`build`.
    """
    return build(cls, _over(read_mapping(defaults), given), where)


def _over(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **given}
    for key, value in given.items():
        there = defaults.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = _over(there, value)
    return merged


def dump(value: Any) -> str:  # noqa: ANN401 - any dataclass instance
    """Write a dataclass as YAML that :func:`load` reads back to an equal one."""
    return yaml.safe_dump(_plain(value), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - recursive over YAML values
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def _convert(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    """Turn a YAML value into what a field's type asks for."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _convert_union(hint, value, where, key)
    if origin is tuple:
        return _convert_tuple(hint, value, where, key)
    if origin in (dict, Mapping) or dataclasses.is_dataclass(hint):
        return _convert_mapping(hint, value, where, key)
    if origin is Literal:
        return _convert_choice({choice: choice for choice in get_args(hint)}, value, where, key)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _convert_choice({member.value: member for member in hint}, value, where, key)
    return _convert_scalar(hint, value, where, key)


def _convert_union(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    """Take the first member that fits; the complaint is that of the last one tried."""
    members = [member for member in get_args(hint) if member is not NoneType]
    if value is None and len(members) < len(get_args(hint)):
        return None
    for member in members[:-1]:
        try:
            return _convert(member, value, where, key)
        except BadInput:
            continue
    return _convert(members[-1], value, where, key)


def _convert_choice(choices: Mapping[Any, Any], value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    for choice, meaning in choices.items():
        if type(choice) is type(value) and choice == value:  # 1 is not True
            return meaning
    names = ", ".join(str(choice) for choice in choices)
    raise BadInput(f"{where}: key {key!r} should be one of {names}, not {value!r}")


def _convert_mapping(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    if not isinstance(value, Mapping):
        bare = _bare_field(hint)
        if bare is None:
            raise BadInput(f"{where}: key {key!r} should hold 'key: value' lines, not {value!r}")
        value = {bare: value}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build(hint, value, f"{where}: {key}")
    key_hint, value_hint = get_args(hint)
    return {
        _convert(key_hint, name, where, f"{key}.{name}"): _convert(
            value_hint, item, where, f"{key}.{name}"
        )
        for name, item in value.items()
    }


def _bare_field(hint: Any) -> str | None:  # noqa: ANN401
    """Name the field that a value alone fills, if the type is a dataclass with such a one."""
    fields = dataclasses.fields(hint) if dataclasses.is_dataclass(hint) else ()
    return next((field.name for field in fields if field.metadata.get("bare")), None)


def _convert_tuple(hint: Any, value: Any, where: str, key: str) -> tuple[Any, ...]:  # noqa: ANN401
    args = get_args(hint)
    if not isinstance(value, list | tuple):
        raise BadInput(f"{where}: key {key!r} should be a list, not {value!r}")
    if args[-1] is not Ellipsis and len(args) != len(value):
        raise BadInput(f"{where}: key {key!r} should have {len(args)} values, not {len(value)}")
    inner = [args[0]] * len(value) if args[-1] is Ellipsis else list(args)
    return tuple(_convert(h, v, where, key) for h, v in zip(inner, value, strict=True))


def _convert_scalar(hint: Any, value: Any, where: str, key: str) -> Any:  # noqa: ANN401
    if hint is Any:
        return value
    if not isinstance(hint, type):
        raise TypeError(f"{where}: key {key!r} is declared as {hint}, which no setting can be")
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float:
        return _convert_float(value, where, key)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise BadInput(f"{where}: key {key!r} should be {hint.__name__}, not {value!r}")


def _convert_float(value: Any, where: str, key: str) -> float:  # noqa: ANN401
    """YAML 1.1 reads 1 as a whole number and 1e-3 as text; both are meant."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise BadInput(f"{where}: key {key!r} should be float, not {value!r}")
    return number
