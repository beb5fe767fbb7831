"""No PIN and no card number in the server's log or the driver's traces, however it is set up.

A failing statement is logged with its text by PostgreSQL. In a process of its own: the driver reads
odbc.ini once and keeps its trace open.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core_adapters.sql.options import SqlOptions
from support.sql_servers import POSTGRESQL, Cluster

PIN, CARD = "918273645546", "6227001100000008"
FAIL = """
import sys
import pyodbc
connection = pyodbc.connect(sys.argv[1])
for statement in ("SELECT no_such_function(?, ?)", "SELECT 1 / (length(?) - length(?) - 4)"):
    try:
        connection.execute(statement, sys.argv[2:]).fetchall()
    except pyodbc.Error:
        connection.rollback()
    else:
        sys.exit(f"{statement}: it must fail")
"""
SETTINGS = [
    "",
    "UseServerSidePrepare=0",
    "C8=0",
    "CX=1a0000000",
    "UseServerSidePrepare={0}",
    "UseDeclareFetch=1",
    "UseDeclareFetch=1;UseServerSidePrepare=0;",
    "Debug=1;CommLog=1",
]


def fail(connection: str, cluster: Cluster, settings: Path) -> str:
    """What the server's log and the driver's traces say of two statements that fail."""
    log = cluster.folder / "log"
    before = log.stat().st_size
    words = [sys.executable, "-P", "-c", FAIL, connection, CARD, PIN]
    with subprocess.Popen(words, env={**os.environ, "ODBCINI": str(settings)}) as process:
        assert process.wait(60) == 0
    told = log.read_bytes()[before:].decode()
    assert told.count("STATEMENT:") == 2  # both were logged: the search has something to search
    for trace in Path("/tmp").glob(f"*[!0-9]{process.pid}.log"):
        told += trace.read_text(errors="replace")
        trace.unlink()
    return told


def connection_of(cluster: Cluster, more: str) -> str:
    return SqlOptions(connection=cluster.connection("postgres", more=more)).connection_string()


@pytest.mark.parametrize("more", SETTINGS)
def test_a_connection_string(tmp_path: Path, cluster: Cluster, more: str) -> None:
    told = fail(connection_of(cluster, more), cluster, tmp_path / "odbc.ini")
    assert PIN not in told
    assert CARD not in told


@pytest.mark.parametrize("more", [one for one in SETTINGS if "{" not in one])
def test_a_data_source(tmp_path: Path, cluster: Cluster, more: str) -> None:
    lines = ["[BANK]", f"Driver={POSTGRESQL}", f"Servername={cluster.folder}", "Database=postgres"]
    lines += ["UserName=owner", f"Port={cluster.PORT}", *more.split(";"), ""]
    (tmp_path / "odbc.ini").write_text("\n".join(lines), encoding="utf-8")
    told = fail(SqlOptions(dsn="BANK").connection_string(), cluster, tmp_path / "odbc.ini")
    assert PIN not in told
    assert CARD not in told


def test_the_search_finds_what_the_driver_would_write(tmp_path: Path, cluster: Cluster) -> None:
    bare = cluster.connection("postgres", more="UseServerSidePrepare=0")
    told = fail(bare, cluster, tmp_path / "odbc.ini")
    assert PIN in told
    assert CARD in told
    traced = cluster.connection("postgres", more="Debug=1;CommLog=1")
    assert PIN in fail(traced, cluster, tmp_path / "odbc.ini")
