"""The bank's figures and codes as data: the YAML files of the folder `data`."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from transactions.yaml_text import read_yaml

SCHEMA = 1


@cache
def stated(name: str) -> Mapping[str, Any]:
    """A file of the folder `data`, read once, since it is part of the program; raises `ValueError`
    where it is not of this schema."""
    text = files("core_adapters.corehost").joinpath("data", name).read_text(encoding="utf-8")
    read = read_yaml(text, places=False)
    if not isinstance(read, dict) or read.get("schema") != SCHEMA:
        raise ValueError(
            f"corehost/data/{name}: schema must be {SCHEMA}; take the file of the release"
        )
    return MappingProxyType(read)


def word_sets() -> Mapping[str, Sequence[str]]:
    """Every code that the bank sends, by word set."""
    sets: Mapping[str, Sequence[str]] = stated("words.yaml")["sets"]
    return sets
