"""YAML as read through libyaml is what ruamel.yaml alone reads: values, types, places, errors."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from transactions import yaml_text
from transactions.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("config", "core_adapters")
    for path in (ROOT / folder).rglob("*.yaml")
)
REFUSED = {Path("config/services.yaml")}
"""Files of the release that libyaml does not take: `{card: text?}` is YAML 1.2."""


def alone(text: str, kind: str = "rt") -> Any:
    """What ruamel.yaml reads with its own scanner."""
    return YAML(typ=kind, pure=True).load(text)


def spread(value: Any) -> Iterator[tuple[Any, ...]]:
    """Every value of a tree with its type, and of every key and entry its line and column."""
    yield type(value), value
    if isinstance(value, CommentedMap):
        yield value.lc.line, value.lc.col
        for key, inner in value.items():
            at = value.lc.data.get(key) if value.lc.data else None  # None: merged in
            yield type(key), key, at and at[:2]
            yield from spread(inner)
    elif isinstance(value, CommentedSeq):
        yield value.lc.line, value.lc.col
        for index, inner in enumerate(value):
            yield index, value.lc.item(index)
            yield from spread(inner)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that libyaml is given from here on."""
    given: list[str] = []
    usual = yaml_text.CParser

    def noted(text: str) -> Any:
        given.append(text)
        return usual(text)

    monkeypatch.setattr(yaml_text, "CParser", noted)
    return given


def test_every_file_is_read_alike_by_both(parsed: list[str]) -> None:
    assert len([path for path in FILES if path.parts[0] == "config"]) > 100
    for path in FILES:
        text = (ROOT / path).read_text("utf-8")
        assert list(spread(read_yaml(text))) == list(spread(alone(text))), path
        assert read_yaml(text, places=False) == alone(text, "safe"), path
        assert parsed[-1:] == [text], path


def test_libyaml_takes_every_file_of_the_release_but_those_known() -> None:
    refused = set()
    for path in FILES:
        try:
            for _ in iter(yaml_text.CParser((ROOT / path).read_text("utf-8")).get_event, None):
                pass
        except YAMLError:
            refused.add(path)
    assert refused == REFUSED


@pytest.mark.parametrize(
    "text",
    [
        *("a: 010\nb: 0o10\nc: yes\nd: 1:30\ne: 0x1F\n", "a: 2026-10-01\nb: 1.50\nc: 1e3\nd: .5\n"),
        *("a: |\n  x\n  y\n\nb: >-\n  x\n\n  y\n   z\n", "a: 'x\n\n  y'\nb: \"\\x41\\\n  z\"\n"),
        *("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n", "a: x #c\n# d\nb: #e\n  - f\n"),
        *("a: {b: , c}\n", "a: ~\nb:\nc: null\n", "- - a\n  - b\n- ? c\n  : d\n", "[a, b: 1]\n"),
        *("", "# nothing\n", "\ufeffa: 1\n", "a: x\r\nb: y\r\n", "a: 1\n...\n# end\n"),
        *("a: {b:1}\n", "a: [http://x]\n", "a: text?\nb: [text?, c]\n", "a: x\u2028y\n"),
        *("%YAML 1.1\n---\na: yes\n", "a: x\n%b: 1\n", 'a: "x\ty"\n', "a: !!set {x, y}\n"),
    ],
)
def test_odd_texts_are_read_alike(text: str) -> None:
    try:
        expected = list(spread(alone(text)))
    except YAMLError as error:
        expected = [(type(error), str(error))]
    try:
        found = list(spread(read_yaml(text)))
    except YAMLError as error:
        found = [(type(error), str(error))]
    assert found == expected


@pytest.mark.parametrize("places", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        *("a: 1\na: 2\n", "a: [1\n", "a:\n\t- 1\n", "a: 1\n---\nb: 2\n", "a: *x\n", "a: b: c\n"),
        *("a: @b\n", "a: 1\n  b: 2\n", "a: x\x85b: 1\n", "a: x\x00y\n", 'a: "x\n', "a: x\ty\n"),
        *("a:\t1\n", "[a,,b]\n", 'a: \'\\q\nb: "\\q"\n', "? [a\n", "a: !!int x\n", "- a\nb: 1\n"),
        *("%YAML 3.0\n---\na: 1\n", "a: &x 1\n<<: 2\n", "a: !!timestamp x\n"),
    ],
)
def test_errors_keep_their_words_and_their_place(text: str, places: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((YAMLError, ValueError, AttributeError)) as expected:
            alone(text, "rt" if places else "safe")
        with pytest.raises((YAMLError, ValueError, AttributeError)) as found:
            read_yaml(text, places=places)
    assert type(found.value) is type(expected.value)
    assert str(found.value) == str(expected.value)
    marks = [getattr(each.value, "problem_mark", None) for each in (found, expected)]
    assert (marks[0] is None) == (marks[1] is None)
    if marks[0] is not None:
        assert (marks[0].line, marks[0].column) == (marks[1].line, marks[1].column)
