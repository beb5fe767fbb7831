"""Who the engine is towards managers: its id for good, and how often it has been started.

SNMPv3 needs both to outlive the process (RFC 3414 section 2.2): keys are made for the id, and an
engine whose count of starts goes back is taken for a replay.
"""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

PREFIX = bytes.fromhex("80001f8805")
"""RFC 3411, SnmpEngineID: enterprise 8072, octets that its administrator chose."""
OWN = 12
MAX_BOOTS = 2**31 - 2
"""At the last value an engine may say nothing any more; a new id is the way out."""


@dataclass(frozen=True, slots=True)
class Identity:
    """For one start."""

    engine: bytes
    boots: int


def next_start(path: Path) -> Identity:
    """Read, count this start, and write. A file that cannot be read makes another engine, whose
    managers must learn its id anew. Raises `OSError`."""
    before = _read(path)
    if before is None or before.boots >= MAX_BOOTS:
        before = Identity(PREFIX + secrets.token_bytes(OWN), 0)
    now = Identity(before.engine, before.boots + 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps({"engine": now.engine.hex(), "boots": now.boots}))
    temporary.replace(path)
    return now


def _read(path: Path) -> Identity | None:
    try:
        told = json.loads(path.read_text())
        engine, boots = bytes.fromhex(told["engine"]), int(told["boots"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    fits = engine.startswith(PREFIX) and len(engine) == len(PREFIX) + OWN and boots > 0
    return Identity(engine, boots) if fits else None
