"""Databases that the tests start themselves: a PostgreSQL cluster, a SQLite file."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import pyodbc
import pytest

SQLITE, POSTGRESQL = "SQLite3", "PostgreSQL Unicode"
UNPRIVILEGED = ("postgres", "nobody")


def need_driver(name: str, package: str) -> None:
    """Fail with the name of the missing package: a green run without a database proves nothing."""
    if name not in pyodbc.drivers():
        pytest.fail(f"needs ODBC driver {name!r}: apt-get install {package}", pytrace=False)


def _tool(name: str) -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    on_path = shutil.which(name)
    if not found and on_path is None:
        pytest.fail(f"needs {name}: apt-get install postgresql", pytrace=False)
    return found[-1] if found else Path(str(on_path))


def _user() -> str | None:
    """PostgreSQL refuses to be run by root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


class Cluster:
    """A PostgreSQL of our own in a temporary folder; it listens on a socket in it alone."""

    PORT = 5432

    def __init__(self, settings: str = "-c fsync=off") -> None:
        self._settings = settings
        need_driver(POSTGRESQL, "odbc-postgresql")
        initdb = _tool("initdb")
        self._ctl = _tool("pg_ctl")
        self._user = _user()
        self.folder = Path(tempfile.mkdtemp(prefix="tb-pg-"))
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        self._run(initdb, "-D", self.data, "-A", "trust", "-U", "owner", "-E", "UTF8", "-N")
        self.start()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, *command: object) -> None:
        subprocess.run(
            [str(part) for part in command],
            check=True,
            user=self._user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            timeout=60,
        )

    def start(self) -> None:
        options = f"-k {self.folder} -h '' -p {self.PORT} -c max_connections=60 {self._settings}"
        log = self.folder / "log"
        self._run(self._ctl, "-D", self.data, "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """As a crash is: no goodbye to any connection."""
        self._run(self._ctl, "-D", self.data, "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def connection(self, database: str, user: str = "owner", *, more: str = "") -> str:
        return (
            f"DRIVER={{{POSTGRESQL}}};Server={self.folder};Port={self.PORT};Database={database};"
            f"UID={user};BoolsAsChar=0;MaxVarcharSize=0;Protocol=7.4-0;{more}"
        )

    def run_script(self, database: str, text: str) -> None:
        """As the bank's people do: psql, in one transaction, stopping at the first error."""
        command = [_tool("psql"), "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-h", self.folder]
        subprocess.run(
            [str(part) for part in [*command, "-U", "owner", "-d", database]],
            input=text,
            text=True,
            check=True,
            timeout=60,
        )

    def connect(self, database: str = "postgres") -> Any:
        return pyodbc.connect(self.connection(database), autocommit=True)


class CommitCutter:
    """Between a gateway and PostgreSQL: lets COMMIT through, and the answer to it never back."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self._target = str(cluster.folder / f".s.PGSQL.{cluster.PORT}")
        self.folder = folder
        self.armed = threading.Event()
        self.cut = threading.Event()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(folder / f".s.PGSQL.{cluster.PORT}"))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, outward: bool) -> None:
        try:
            while data := source.recv(65536):
                if outward and self.armed.is_set() and b"COMMIT" in data:
                    self.armed.clear()
                    source.shutdown(socket.SHUT_RDWR)
                    target.sendall(data)
                    target.shutdown(socket.SHUT_WR)
                    while target.recv(65536):
                        pass  # until the server has committed and closed
                    self.cut.set()
                    return
                target.sendall(data)
        except OSError:
            return
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
