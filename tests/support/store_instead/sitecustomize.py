"""A folder whose settings name no store has a database of its own on the PostgreSQL of the run.

Python itself runs this at the start of every process that the tests start, for its folder is on
their PYTHONPATH (`support.store_run`); the tests' own process calls `install`. Nothing of telebank
is imported here: `telebank.store.engine` is changed when somebody imports it, before others take
its names. It stands alone: a child may have no other module of the tests on its path.
"""

import contextlib
import hashlib
import importlib.abc
import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

SERVER = "TELEBANK_TEST_POSTGRESQL"
"""Names the folder of the server's socket."""
KNOWN = "folders"
"""In it: a file for each database with the data folder that it stands for."""
TEMPLATE = "telebank_template"
ENGINE = "telebank.store.engine"
PREFIX = "of_"


def database_of(data: Path) -> str:
    """The database that stands for `data/telebank.db`; by the folder's name alone, so that all
    processes mean the same."""
    name = hashlib.blake2b(os.fsencode(data.absolute()), digest_size=10).hexdigest()
    return f"{PREFIX}{name}"


def change(engine: Any) -> None:
    """Let the module of engines mean PostgreSQL where it meant a file. Nothing is made until a
    store is opened to be written, as with the file."""
    make_file = engine.make_file

    def database_url(data: Path) -> str:
        name, folder = database_of(data), Path(os.environ[SERVER])
        known = folder / KNOWN / name
        if not known.exists():
            known.write_text(str(data.absolute()), encoding="utf-8")
        return f"postgresql+psycopg://owner@/{name}?host={folder}"

    def make(url: str) -> None:
        name = engine.make_url(url).database or ""
        if name.startswith(PREFIX):
            _create(os.environ[SERVER], name)
        else:
            make_file(url)

    engine.database_url, engine.make_file = database_url, make


def _create(folder: str, name: str) -> None:
    import psycopg

    with psycopg.connect(
        host=folder, user="owner", dbname="postgres", autocommit=True
    ) as connection:
        words: Any = f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy"
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return
        with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(words)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name != ENGINE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        loader: Any = spec.loader
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            change(module)

        loader.exec_module = exec_module
        return spec


def install() -> None:
    """From now on; `telebank.store.engine` must not be imported yet."""
    assert ENGINE not in sys.modules, "too late"
    sys.meta_path.insert(0, _Finder())


if os.environ.get(SERVER) and __name__ == "sitecustomize":
    install()
