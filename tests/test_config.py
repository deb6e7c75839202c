"""YAML into frozen dataclasses, strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpad import config
from flexpad.types import BadInput


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Wheel:
    radius: float
    spokes: int = 8

    def __post_init__(self):
        if self.spokes < 3:
            raise BadInput(f"key 'spokes' should be at least 3, not {self.spokes}")


@dataclass(frozen=True)
class Bell:
    sound: str = field(metadata={"bare": True})
    loud: bool = False


@dataclass(frozen=True)
class Cart:
    name: str
    front: Wheel
    spare: Wheel | None = None
    old: Optional[int] = None  # noqa: UP045 - both spellings of a union have to work
    loaded: bool = False
    sizes: tuple[int, ...] = ()
    box: tuple[float, int] = (1.0, 2)
    weights: Mapping[str, float] = field(default_factory=dict)
    wheels: Mapping[str, Wheel] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    colour: Colour = Colour.RED
    gear: Literal["low", "high", 3] = "low"
    last: int | str = "all"
    place: Path = Path()
    bell: Bell | None = None


def build(values):
    return config.build(Cart, {"name": "hay", "front": {"radius": 1}} | values, "cart.yaml")


def test_values_become_what_the_fields_are():
    cart = build(
        {
            "spare": {"radius": "5e-1"},
            "old": 7,
            "loaded": True,
            "sizes": [1, 2],
            "box": [3, 4],
            "weights": {"a": 1},
            "wheels": {"left": {"radius": 2.5}},
            "extra": {"any": [1, "x", None]},
            "colour": "blue",
            "gear": 3,
            "last": 2,
            "place": "a/b",
        }
    )
    assert cart == Cart(
        "hay",
        Wheel(1.0),
        spare=Wheel(0.5),
        old=7,
        loaded=True,
        sizes=(1, 2),
        box=(3.0, 4),
        weights={"a": 1.0},
        wheels={"left": Wheel(2.5)},
        extra={"any": [1, "x", None]},
        colour=Colour.BLUE,
        gear=3,
        last=2,
        place=Path("a/b"),
    )
    assert isinstance(cart.front.radius, float)
    assert isinstance(cart.weights["a"], float)
    assert cart.colour is Colour.BLUE


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sizess": 1}, "cart.yaml: key 'sizess' is unknown; did you mean 'sizes'?"),
        ({"zzz": 1}, "cart.yaml: key 'zzz' is unknown; known: bell, box, colour, extra"),
        ({1: 1}, "cart.yaml: key 1 is unknown"),
        ({"name": 3}, "cart.yaml: key 'name' should be str, not 3"),
        ({"name": None}, "cart.yaml: key 'name' should be str, not None"),
        ({"loaded": 1}, "key 'loaded' should be bool, not 1"),
        ({"old": True}, "key 'old' should be int, not True"),
        ({"old": 2.0}, "key 'old' should be int, not 2.0"),
        ({"old": "x"}, "key 'old' should be int, not 'x'"),
        ({"front": 3}, "key 'front' should hold 'key: value' lines, not 3"),
        ({"front": {}}, "cart.yaml: front: key 'radius' is missing"),
        ({"front": {"radius": 1, "spoke": 1}}, "cart.yaml: front: key 'spoke' is unknown; did you"),
        ({"front": {"radius": "wide"}}, "cart.yaml: front: key 'radius' should be float"),
        ({"front": {"radius": True}}, "key 'radius' should be float, not True"),
        ({"front": {"radius": float("nan")}}, "key 'radius' should be float, not nan"),
        ({"front": {"radius": "nan"}}, "key 'radius' should be float, not 'nan'"),
        ({"front": {"radius": 10**400}}, "key 'radius' should be float"),
        ({"front": {"radius": 1, "spokes": 1}}, "cart.yaml: front: key 'spokes' should be at"),
        ({"sizes": 3}, "key 'sizes' should be a list, not 3"),
        ({"sizes": "123"}, "key 'sizes' should be a list, not '123'"),
        ({"sizes": [1, "x"]}, "key 'sizes' should be int, not 'x'"),
        ({"box": [1]}, "key 'box' should have 2 values, not 1"),
        ({"weights": [1]}, "key 'weights' should hold 'key: value' lines"),
        ({"weights": {"a": "x"}}, "key 'weights.a' should be float, not 'x'"),
        ({"wheels": {"left": {"radus": 1}}}, "key 'radus' is unknown; did you mean 'radius'"),
        ({"colour": "green"}, "key 'colour' should be one of red, blue, not 'green'"),
        ({"gear": "mid"}, "key 'gear' should be one of low, high, 3, not 'mid'"),
        ({"gear": 3.0}, "key 'gear' should be one of low, high, 3, not 3.0"),
        ({"last": 1.5}, "key 'last' should be str, not 1.5"),
        ({"place": 3}, "key 'place' should be Path, not 3"),
        ({"bell": 3}, "cart.yaml: bell: key 'sound' should be str, not 3"),
        ({"bell": {"loud": True}}, "cart.yaml: bell: key 'sound' is missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(values, message):
    with pytest.raises(BadInput) as caught:
        build(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_alone_fills_the_field_that_says_so():
    assert build({"bell": "ding"}).bell == build({"bell": {"sound": "ding"}}).bell == Bell("ding")


def test_a_missing_key_is_named():
    with pytest.raises(BadInput, match=r"^cart\.yaml: key 'front' is missing$"):
        config.build(Cart, {"name": "hay"}, "cart.yaml")


def test_a_field_no_yaml_value_can_be_is_the_programmers_fault():
    @dataclass(frozen=True)
    class Odd:
        numbers: list[int]

    with pytest.raises(TypeError, match="'numbers' is declared as list"):
        config.build(Odd, {"numbers": [1]}, "odd.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "should hold 'key: value' lines"),
        ("- 1\n- 2\n", "should hold 'key: value' lines"),
        ("just words", "should hold 'key: value' lines"),
        ("name: [1, 2\n", "line 2: is not valid YAML"),
        ("name: a\nname: b\n", "key 'name' stands twice"),
        ("name: a\nfront:\n  radius: 1\n  radius: 2\n", "key 'radius' stands twice"),
        ("name: !!python/object:os.system x\n", "is not valid YAML"),
        ("name: 2020-13-45\n", "is not valid YAML"),
        ("\0", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text, message):
    path = tmp_path / "cart.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        config.load(Cart, path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_encoding_is_refused(tmp_path):
    path = tmp_path / "cart.yaml"
    path.write_bytes(b"name: \xff\xfe\xfa\n")
    with pytest.raises(BadInput, match="is not valid YAML"):
        config.load(Cart, path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"gone.yaml: cannot be read \(No such file"):
        config.load(Cart, tmp_path / "gone.yaml")
    with pytest.raises(BadInput, match="cannot be read"):
        config.load(Cart, tmp_path)


def test_merge_keys_and_a_byte_order_mark_are_fine(tmp_path):
    path = tmp_path / "cart.yaml"
    path.write_text(
        "\ufeffname: a\nfront: &wheel\n  radius: 1\n  spokes: 5\n"
        "spare:\n  <<: *wheel\n  radius: 2\n"
    )
    assert config.load(Cart, path) == Cart("a", Wheel(1, 5), spare=Wheel(2, 5))


def test_a_number_with_an_exponent_is_a_number_though_yaml_reads_text(tmp_path):
    path = tmp_path / "wheel.yaml"
    path.write_text("radius: 1e-3\n")
    assert config.load(Wheel, path) == Wheel(0.001)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.floats(allow_nan=False)
wheels = st.builds(Wheel, radius=floats, spokes=st.integers(min_value=3))
carts = st.builds(
    Cart,
    name=text,
    front=wheels,
    spare=st.none() | wheels,
    old=st.none() | st.integers(),
    loaded=st.booleans(),
    sizes=st.lists(st.integers(), max_size=3).map(tuple),
    box=st.tuples(floats, st.integers()),
    weights=st.dictionaries(text, floats, max_size=3),
    wheels=st.dictionaries(text, wheels, max_size=2),
    extra=st.dictionaries(text, st.none() | text | st.lists(st.integers(), max_size=2), max_size=2),
    colour=st.sampled_from(Colour),
    gear=st.sampled_from(["low", "high", 3]),
    last=st.integers() | text,
    place=st.sampled_from([Path(), Path("a/b"), Path("ü #1")]),
    bell=st.none() | st.builds(Bell, sound=text),
)


def test_what_is_given_goes_over_the_defaults_key_by_key(tmp_path):
    path = tmp_path / "defaults.yaml"
    path.write_text("name: old\nfront: {radius: 2.0, spokes: 9}\n", encoding="utf-8")
    found = config.build_over(Cart, path, {"name": "new", "front": {"spokes": 4}}, "here")
    assert (found.name, found.front) == ("new", Wheel(2.0, 4))
    with pytest.raises(BadInput, match="key 'front'"):  # what is no mapping takes its place
        config.build_over(Cart, path, {"front": 3}, "here")


@settings(max_examples=150)
@given(cart=carts)
def test_what_is_dumped_loads_back_equal(cart, tmp_path_factory):
    path = tmp_path_factory.mktemp("cart") / "cart.yaml"
    path.write_text(config.dump(cart), encoding="utf-8")
    assert config.load(Cart, path) == cart
