"""Every column has a class, and the class decides what is masked."""

import json
import pkgutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import LargeBinary

import telebank.store
from telebank.main import main
from telebank.store import classes
from telebank.store.classes import CLASSES, HIDDEN, Class
from telebank.store.event_search import masked
from telebank.store.eventlog import LoggedEvent
from telebank.store.events import PERSONAL
from telebank.store.tables import metadata

CARD = "6227001234567899"
DOCS = Path(__file__).parents[3] / "docs" / "store.md"
LOGGING = f"""
import structlog
from telebank.ops.logs import set_up_logs
set_up_logs()
log = structlog.get_logger("telebank.test")
log.info("line", ciphertext="aabbcc", password="hunter", payee_name="to {CARD}", error="{CARD}?",
         request="{CARD}", call="01-1-1")
"""


def all_tables() -> None:
    """Import every module that has tables."""
    for module in pkgutil.walk_packages(telebank.store.__path__, "telebank.store."):
        if module.name.endswith("tables"):
            import_module(module.name)


def test_no_column_is_without_a_class() -> None:
    all_tables()
    columns = {name: {c.name for c in table.columns} for name, table in metadata.tables.items()}
    classed = {table: set(found) for table, found in CLASSES.items()}
    assert classed == columns, (
        "give each new column its class in telebank/store/classes.py, and put the lines of"
        " `telebank store classes --markdown` into docs/store.md"
    )


def test_whatever_is_sealed_is_of_the_highest_class() -> None:
    all_tables()
    for table in metadata.tables.values():
        for column in table.columns:
            if column.name.endswith("ciphertext"):
                assert CLASSES[table.name][column.name] is Class.C3, (table.name, column.name)
            if CLASSES[table.name][column.name] is Class.C3:
                sealed = isinstance(column.type, LargeBinary) or column.name == "password"
                assert sealed, f"{table.name}.{column.name} is kept as it is"


def test_the_words_of_the_documentation_are_those_of_the_program() -> None:
    assert "\n".join(classes.markdown()) in DOCS.read_text(encoding="utf-8")


def test_the_command_prints_every_column() -> None:
    done = CliRunner().invoke(main, ["store", "classes", "--json"])
    rows = json.loads(done.output)
    assert len(rows) == sum(map(len, CLASSES.values()))
    assert {"table": "payee", "column": "ciphertext", "class": "C3"} in rows
    alone = CliRunner().invoke(main, ["store", "classes", "--class", "C3"]).output
    assert "totp_ciphertext" in alone
    assert "payee_masked" not in alone
    table = CliRunner().invoke(main, ["store", "classes", "--markdown"]).output
    assert table.splitlines() == classes.markdown()


def test_masks_of_people_are_the_part_that_can_be_erased() -> None:
    assert {"from_masked", "payee_masked", "card_masked", "number_masked"} <= PERSONAL
    assert all(classes.of_name(name) in {Class.C2, None} for name in PERSONAL)


def test_a_list_of_events_hides_by_class() -> None:
    detail = {"ciphertext": "aabb", "payee_name": f"to {CARD}", "steps": 4, "free": CARD}
    at = datetime(2026, 11, 23, tzinfo=UTC)
    names = ("01", 1, at, 0, "boot", "kind", None, None, None, "li", "teller", "", "ok")
    shown = masked(LoggedEvent(*names, detail)).detail
    assert shown["ciphertext"] == HIDDEN
    assert shown["steps"] == 4
    assert CARD not in str(shown)


def test_a_log_line_hides_by_class() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, timeout=60, check=True
    )
    line = json.loads(done.stderr)
    assert (line["ciphertext"], line["password"]) == (HIDDEN, HIDDEN)
    assert CARD not in line["payee_name"] + line["error"]
    assert line["payee_name"].startswith("to 622700")
    assert (line["request"], line["call"]) == (CARD, "01-1-1"), "what the bank made stays"
