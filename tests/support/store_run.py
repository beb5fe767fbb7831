"""`TELEBANK_TEST_STORE=postgresql`: a whole run of the tests whose stores are on PostgreSQL.

Each process of pytest starts a server of its own, on a socket in a temporary folder, and stops it
at its end. A data folder whose settings name no store has its database there, in this process and
in all that it starts; so rooms and whole banks alike are none the wiser. A database is removed with
the test in whose folder its folder is; others (a bank of several tests) at the end of the run.

Left out, since they would say nothing: the SQLite half of what runs on both anyway, and what is
about the file (`pytest.mark.sqlite_file`).
"""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from support.store_instead import sitecustomize as instead

if TYPE_CHECKING:
    import pytest

    from support.store_postgresql import StoreServer

CHOICE = "TELEBANK_TEST_STORE"
MARK = "sqlite_file: about the SQLite file itself; left out where the run's store is PostgreSQL"
_servers: list["StoreServer"] = []


def chosen() -> bool:
    """Whether this run's stores are on PostgreSQL."""
    choice = os.environ.get(CHOICE, "sqlite")
    assert choice in ("sqlite", "postgresql"), f"{CHOICE}={choice}: give sqlite or postgresql"
    return choice == "postgresql"


def of_run() -> "StoreServer | None":
    """The run's server, if it has one."""
    return _servers[0] if _servers else None


def start() -> None:
    """Start the run's server, for this process and its children."""
    from support.store_postgresql import StoreServer

    server = StoreServer.start("-c fsync=off -c max_connections=200")
    _servers.append(server)
    folder = server.cluster.folder
    (folder / instead.KNOWN).mkdir()
    os.environ[instead.SERVER] = str(folder)
    paths = [str(Path(instead.__file__).parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


def inherited() -> dict[str, str]:
    """What a process needs of this one's environment where it is given one of its own."""
    names = (instead.SERVER, "PYTHONPATH") if of_run() is not None else ()
    return {name: os.environ[name] for name in names}


def stop() -> None:
    """Stop it, and everything in it is gone."""
    while _servers:
        _servers.pop().remove()


def copy(source: Path, target: Path) -> None:
    """Copy a data folder, its store with it; nobody may have that open."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    server = of_run()
    if server is not None:
        from telebank.store.engine import database_url

        database_url(target)  # which notes whose it is
        old, new = instead.database_of(source), instead.database_of(target)
        server.say(f"CREATE DATABASE {new} TEMPLATE {old} STRATEGY file_copy")


def forget(below: Path) -> None:
    """Remove the databases that stand for folders at or below one."""
    server = of_run()
    if server is None:
        return
    for known in (server.cluster.folder / instead.KNOWN).iterdir():
        if Path(known.read_text(encoding="utf-8")).is_relative_to(below):
            server.drop(known.name)
            known.unlink()


def kept(items: list["pytest.Item"]) -> list["pytest.Item"]:
    """What such a run has to say something about."""
    return [item for item in items if not _about_the_file(item)]


def _about_the_file(item: "pytest.Item") -> bool:
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("place") == "sqlite" or item.get_closest_marker("sqlite_file") is not None
