"""Help and completion cost nothing of what the commands need: what is imported says so."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from telebank.commands import call
from telebank.main import NOUNS
from telebank.sip.uri import TRANSPORTS

HEAVY = ("numpy", "sqlalchemy", "cryptography", "reportlab", "aiohttp", "ruamel", "uvloop")
AFTER = """
import json, sys
try:
    from telebank.main import main
    main(sys.argv[2:])
except SystemExit:
    pass
print("\\n" + json.dumps([name for name in sys.argv[1].split() if name in sys.modules]))
"""


def imported(*words: str, among: tuple[str, ...] = HEAVY, **more: str) -> tuple[str, list[str]]:
    """What a command says, and what of `among` it has imported."""
    environment: Mapping[str, str] = {**os.environ, **more}
    done = subprocess.run(
        [sys.executable, "-c", AFTER, " ".join(among), *words],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said, _, last = done.stdout.rstrip().rpartition("\n")
    return said, json.loads(last)


def completed(words: str, at: int) -> tuple[str, list[str]]:
    """As the shell asks for the word `at` of a command line."""
    asked = {"COMP_WORDS": f"telebank {words}", "COMP_CWORD": str(at)}
    # Click knows the command by how it was started: as `python -c`.
    return imported(**asked, __C_COMPLETE="bash_complete", _C_COMPLETE="bash_complete")


def test_what_is_looked_for_would_be_found() -> None:
    assert imported("call", "--help", among=("click", "numpy"))[1] == ["click"]


@pytest.mark.parametrize(
    "noun",
    [
        *("", "call", "lines", "config check", "staff", "phones", "approval", "pin", "loss"),
        *("queue", "queue check", "queue erlang", "queue simulate", "queue compare"),
    ],
)
def test_help_is_cheap(noun: str) -> None:
    said, heavy = imported(*noun.split(), "--help")
    assert "--help" in said
    assert heavy == []


@pytest.mark.parametrize(
    ("words", "at", "found"),
    [("", 1, list(NOUNS)), ("l", 1, ["lines", "loss"]), ("call --ke", 2, ["--keys"])],
)
def test_completion_is_cheap(words: str, at: int, found: list[str]) -> None:
    said, heavy = completed(words, at)
    assert [f"plain,{name}" in said for name in found] == [True] * len(found)
    assert heavy == []


@pytest.mark.parametrize(("words", "found"), [("host ", "certify"), ("queue ", "simulate")])
def test_a_group_of_groups_is_completed_from_its_table(words: str, found: str) -> None:
    said, heavy = completed(words, 2)
    assert f"plain,{found}" in said
    assert heavy == []


def test_settings_need_no_database() -> None:
    _, heavy = imported("config", "show", among=("sqlalchemy", "asyncio", "numpy"))
    assert heavy == []


def test_transports_are_those_of_an_address() -> None:
    assert call.TRANSPORTS == TRANSPORTS
