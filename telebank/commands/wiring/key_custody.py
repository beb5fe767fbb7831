"""The act `key.custody`: two people agree that a key leaves, is replaced or is ended.

IT says a `telebank keys` command, a supervisor says the same at his own terminal; the second one's
command then does it on the module. The node keeps the proposal, the approval and their events, and
does nothing itself. The object is the key's name; the detail says what is to be done with it.
"""

from collections.abc import Mapping
from typing import Any

from transactions.approval import Actor, Detail

ACT = "key.custody"
DEEDS: Mapping[str, frozenset[str]] = {
    "export": frozenset({"under", "version"}),
    "rotate": frozenset({"version"}),
    "import": frozenset({"under", "block_sha256"}),
    "retire": frozenset({"version"}),
}
"""What may be done, and what both people must have said alike about it."""


def complaint(of: str, detail: Detail) -> str | None:
    """What is wrong with a proposal; None where nothing is."""
    deed = str(detail.get("do", ""))
    if deed not in DEEDS:
        return f"nothing is done by {deed!r}; known are {', '.join(DEEDS)}"
    if not of or set(detail) != DEEDS[deed] | {"do"}:
        return f"{deed} needs {', '.join(sorted(DEEDS[deed]))}"
    return None


async def work(of: str, detail: Detail, by: Actor) -> Mapping[str, Any]:
    """Nothing: the second person's command does it."""
    return {"key": of, "do": detail["do"], "by": by.id}
