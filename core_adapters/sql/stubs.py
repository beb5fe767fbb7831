"""Ready tables and procedures for the bank's database people, one text for each dialect."""

from pathlib import Path

from core_adapters.sql.profile import DIALECTS

TRIED = ("sqlite", "postgresql")
"""Dialects whose stubs our tests run, and of which the conformance kit makes demo databases."""
_FOLDER = Path(__file__).parent / "stub_files"


def stubs(dialect: str) -> str:
    """The SQL of a dialect; raises `ValueError` naming those there are. What was never run against
    its database says so at its top."""
    if dialect not in DIALECTS:
        raise ValueError(f"dialects are {', '.join(DIALECTS)}, not {dialect!r}")
    return (_FOLDER / f"{dialect}.sql").read_text(encoding="utf-8")
