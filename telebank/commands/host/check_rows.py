"""Which row of a profile that extends another is to blame for a fault that shows in the other."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.tree import Node, Place, read_tree

MAX_TRIED = 100
"""Rows left out, one after the other, to find the one."""


def blamed(path: Path, shipped: Path, error: ProfileError) -> str:
    """The fault in words, at the row of `path` without which it is not there, if one is found."""
    if str(error).startswith(f"{path}:"):
        return str(error)
    for keys, place in islice(_rows(read_tree(path)), MAX_TRIED):
        try:
            load_profile(path, shipped, keys)
        except ProfileError:
            continue
        return f"{place}: {'.'.join(map(str, keys))}: with this row, {error}"
    return str(error)


def _rows(own: Node) -> Iterator[tuple[tuple[Any, ...], Place]]:
    """Rows of the two upper levels: each inner one, or the section where it is one word."""
    if "extends" not in own.values:
        return
    for key, value in own.values.items():
        if isinstance(value, Node):
            yield from (((key, inner), value.place_of(inner)) for inner in value.values)
        elif key != "extends":
            yield (key,), own.place_of(key)
