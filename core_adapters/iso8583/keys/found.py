"""What another process did to the keys, as events for the audit log."""

from collections.abc import Sequence

from core_adapters.hsm.kinds import KeyInfo, KeyState
from core_adapters.iso8583.keys.change_types import KeyEvent, Outcome


def found(before: Sequence[KeyInfo], after: Sequence[KeyInfo]) -> list[KeyEvent]:
    """Each version that is new, has another check value, was ended or is gone; by name. That an
    older version is previous now goes without saying where a newer one was found."""
    old = {(info.spec.name, info.version): info for info in before}
    new = {(info.spec.name, info.version): info for info in after}
    events = []
    for at in sorted(old.keys() | new.keys()):
        outcome = _outcome(old.get(at), new.get(at))
        info = new.get(at) or old[at]
        if outcome is not None:
            events.append(KeyEvent(info.spec.name, outcome, "us", info.version, info.kcv))
    return events


def _outcome(old: KeyInfo | None, new: KeyInfo | None) -> Outcome | None:
    if new is None:
        return "gone"
    if old is None or old.kcv != new.kcv or old.spec != new.spec:
        return "found"
    ended = new.state is KeyState.RETIRED and old.state is not KeyState.RETIRED
    return "retired" if ended else None
