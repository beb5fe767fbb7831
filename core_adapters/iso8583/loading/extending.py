"""`extends`: a profile that says only what is different from another one."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.tree import Node, overlay, read_tree
from core_adapters.profiles.yamlread import Section

MAX_EXTENDS = 4
"""Profiles one over the other."""
OWN = ("schema", "profile", "version", "test")
"""Never taken over: whether tools may send to a host is for its own file to say."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def read_extended(
    path: Path, shipped: Path | None = None, leave_out: Sequence[Any] = ()
) -> Section:
    """The profile's rows, laid over those of the profiles that it extends; a row that is null is
    taken away. Raises `ProfileError`, naming the file in which the fault stands.

    `leave_out` is the keys that lead to a row of `path` itself, to see what is without it.
    """
    return Section.of(_read(path, shipped, (), leave_out))


def _read(
    path: Path, shipped: Path | None, over: tuple[Path, ...], leave_out: Sequence[Any] = ()
) -> Node:
    own = read_tree(path).less(leave_out)
    name = own.values.get("extends")
    if "extends" not in own.values:
        return own
    place = own.place_of("extends")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ProfileError(f"{place}: 'extends' is the name of a profile, such as tb87")
    chain = (*over, path.resolve())
    base = _find(name, path, shipped)
    if base is None:
        raise ProfileError(f"{place}: there is no {name}.yaml in {_folders(path, shipped)}")
    if base.resolve() in chain:
        raise ProfileError(f"{place}: {name} extends this profile; one of them must stand alone")
    if len(chain) >= MAX_EXTENDS:
        raise ProfileError(f"{place}: more than {MAX_EXTENDS} profiles one over the other")
    under = _read(base, shipped, chain).without(*OWN)
    return overlay(under, own.without("extends"))


def _find(name: str, path: Path, shipped: Path | None) -> Path | None:
    beside = path.parent / f"{name}.yaml"
    if beside.exists() or shipped is None:
        return beside if beside.exists() else None
    other = shipped / f"{name}.yaml"
    return other if other.exists() else None


def _folders(path: Path, shipped: Path | None) -> str:
    folders = [path.parent] + ([shipped] if shipped is not None else [])
    return " or ".join(str(one) for one in folders)
