"""What callers heard at the places of a story, and what these are called: from the release that the
call had, as the store keeps it."""

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from telebank.calls.flow_titles import flow_titles
from telebank.calls.tellers.path import MAIN, MAIN_MENU
from telebank.flow.draw.content import heard
from telebank.flow.draw.words import Wording
from telebank.flow.model import FlowError
from telebank.flow.release import Release, read_release
from telebank.store.release_views import read_files
from telebank.store.releases import ReleaseError, lay_out

KEPT = 3
"""Releases in memory; each takes a second to read."""
Pair = tuple[str, str]
"""Chinese and English."""
Spot = tuple[str, str]
"""Flow and node."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words by flow, and by place."""

    titles: Mapping[str, Pair] = field(default_factory=dict)
    said: Mapping[Spot, Pair] = field(default_factory=dict)


class Prompts:
    """The releases of stories that were looked at last; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Release | None] = OrderedDict()

    def spoken(self, connection: Connection, release: str, spots: Iterable[Spot]) -> Spoken:
        """Empty where the release is kept no more: then places have the names of their files."""
        found = self._release(connection, release) if release else None
        if found is None:
            return Spoken()
        return Spoken(
            titles={**flow_titles(found), MAIN: MAIN_MENU},
            said={spot: pair for spot in spots if (pair := _said(found, spot)) is not None},
        )

    def _release(self, connection: Connection, name: str) -> Release | None:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = _read(connection, name)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(name)
            return self._kept[name]


def _read(connection: Connection, name: str) -> Release | None:
    files = read_files(connection, name)
    if not files:
        return None
    with tempfile.TemporaryDirectory(prefix="telebank-") as folder:
        try:
            return read_release(lay_out(name, files, Path(folder)))
        except (ReleaseError, FlowError):  # of another version of this program, or damaged
            return None


def _said(release: Release, spot: Spot) -> Pair | None:
    flow = release.flows.get(spot[0])
    node = None if flow is None else flow.nodes.get(spot[1])
    if node is None:
        return None
    zh, en = (" ".join(heard(release, node, Wording(one, {}, {}))) for one in ("zh", "en"))
    return (zh, en) if zh or en else None
