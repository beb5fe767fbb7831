"""A fax in words and tables, for people: times on the bank's clock, reasons in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fax.page.count import count_pages
from fax.page.options import PageError
from telebank.calls.faxes import reasons
from telebank.calls.faxes.files import FaxFiles
from telebank.commands.common import person
from telebank.commands.listing import Column, show
from telebank.store.fax_mails import WAY as MAIL
from telebank.store.fax_views import FaxSeen

WAITING = ("queued", "dialling", "negotiating", "sending")
ENDS = ("done", "failed", "unconfirmed", "cancelled")
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "queued": "queued",
        "dialling": "dialling",
        "negotiating": "answered, no page yet",
        "sending": "sending",
        "done": "done",
        "failed": "failed",
        "cancelled": "cancelled",
        "unconfirmed": "not confirmed",
    }
)
"""States for people."""
CAME: Mapping[str, str] = MappingProxyType(
    {"done": "received", "failed": "not whole", "unconfirmed": "broken off"}
)
"""Ends of one that came."""
STUCK = "waits: this node cannot send faxes"
IN_CALL = "in the call"
"""Where a fax went whose caller had it at once."""
MAILED: Mapping[str, str] = MappingProxyType(
    {
        "queued": "to be mailed",
        "sending": "being mailed",
        "done": "mailed: the mail server took it",
        "failed": "not mailed",
        "cancelled": "cancelled, not mailed",
        "unconfirmed": "may have been mailed",
    }
)
"""States of a paper that goes by mail."""
_MAILED_STATE: Mapping[str, str] = MappingProxyType({"done": "mailed"})
"""Of a paper that goes by mail: the mail server took it, which is all that is known."""
_NOT_OF_MAIL = ("number_masked", "confirmed", "bad_rows", "folder", "mail")


@dataclass(frozen=True, slots=True)
class Stuck:
    """What is known of a node that cannot send now."""

    node: str = ""
    """Empty: nothing is known of any."""
    why: str = ""
    """What to do about it; empty where it ends by itself."""

    def holds(self, one: FaxSeen, now: datetime) -> bool:
        """Whether it is for this that a fax waits."""
        return bool(self.node) and one.home == self.node and is_due(one, now)


NOT_STUCK = Stuck()


def said(one: FaxSeen, so_far: int | None = None) -> str:
    """A fax's state in words; `so_far`: pages of one that is coming, where that is known."""
    if one.direction == "in" or one.way == MAIL:
        return _came(one, so_far) if one.direction == "in" else _mailed(one)
    if one.state == "queued" and one.attempt:
        return f"queued again, attempt {one.attempt + 1} of {one.tries}: {_why(one)}"
    if one.state == "queued" and one.why:
        return f"queued: {_why(one)}"
    if one.state == "sending":
        return f"sending page {min(one.confirmed + 1, one.pages)} of {one.pages}"
    if one.state in WAITING:
        return WORDS[one.state]
    pages = f"{one.confirmed} of {_pages(one.pages)} confirmed"
    why = f"; {_why(one)}" if one.why and one.why != one.state else ""
    return f"{WORDS[one.state]}: {pages}{'' if one.state == 'done' else why}{_look(one)}"


def todo(one: FaxSeen) -> str:
    """What a person does about it; empty: nothing, or `said` has it."""
    return reasons.todo(one).en


def is_due(one: FaxSeen, now: datetime) -> bool:
    """Whether one that is faxed waits, and not for its time."""
    return one.state == "queued" and one.way != MAIL and one.due_at <= now


def next_try(one: FaxSeen, now: datetime, stuck: Stuck = NOT_STUCK) -> str:
    """When one that waits is called, on the clock of `now`, and how long until then; else empty."""
    if one.state != "queued":
        return ""
    if stuck.holds(one, now):
        return STUCK
    what = "next try" if one.attempt else "goes"
    left = (one.due_at - now).total_seconds()
    if left <= 0:
        return f"{what} now, or as soon as a channel is free"
    return f"{what} at {clock(one.due_at, now.tzinfo)}, in {_long(left)}"


def clock(at: datetime, zone: tzinfo | None) -> str:
    """A time on the bank's clock, with the name of its zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _long(seconds: float) -> str:
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _came(one: FaxSeen, so_far: int | None) -> str:
    if one.state in WAITING:
        pages = "no page yet" if so_far == 0 else f"{_pages(so_far or 0)} so far"
        return "coming" if so_far is None else f"coming: {pages}"
    why = f"; {_why(one)}" if one.why else ""
    return f"{CAME[one.state]}: {_pages(one.pages)}{why}{_look(one)}"


def _mailed(one: FaxSeen) -> str:
    told = MAILED[one.state]
    if one.state == "queued" and one.attempt:
        told = f"{told} again, try {one.attempt + 1} of {one.tries}"
    why = f": {_why(one)}" if one.why and one.why != one.state else ""
    return f"{told}{why}{_look(one)}"


def _why(one: FaxSeen) -> str:
    return reasons.reason(one.why).words.en if one.why else ""


def _look(one: FaxSeen) -> str:
    look = reasons.look(one).en
    return f"; {look}" if look else ""


def _pages(many: int) -> str:
    return "1 page" if many == 1 else f"{many} pages"


def where(one: FaxSeen) -> str:
    """Its number, masked; one that went in its caller's own call has none."""
    return IN_CALL if one.way == "call" else one.number_masked


def state(one: FaxSeen) -> str:
    """In one word for programs: a paper that went by mail is not done, but mailed."""
    return _MAILED_STATE.get(one.state, one.state) if one.way == MAIL else one.state


def folder(data: Path, one: FaxSeen) -> str:
    """Where a fax's files are; empty: they were removed, or another node has them."""
    found = data / "fax" / one.folder
    return str(found) if one.folder and found.is_dir() else ""


def so_far(data: Path, one: FaxSeen) -> int | None:
    """Pages of a fax that is coming, as its file has them; None of others, and of another node's.

    The file grows while it is read: one that is cut short just now has its pages later.
    """
    if one.direction != "in" or one.state not in WAITING or not one.folder:
        return None
    tiff = FaxFiles(data / "fax").pages(one.folder)
    try:
        return count_pages(tiff)
    except FileNotFoundError:
        return 0 if tiff.parent.is_dir() else None
    except (OSError, PageError):
        return None


def plain(data: Path, one: FaxSeen, zone: tzinfo) -> dict[str, Any]:
    """For JSON: times on the bank's clock, with its offset."""
    told = {
        name: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(one).items()
    }
    told["from" if one.direction == "in" else "to"] = where(one)
    told |= {"said": said(one, many := so_far(data, one)), "todo": todo(one)}
    if many is not None:
        told["pages"] = many
    told["folder"] = folder(data, one)
    if one.way == MAIL:
        told["state"] = state(one)
        told = {name: value for name, value in told.items() if name not in _NOT_OF_MAIL}
    return told


def shown(data: Path, one: FaxSeen, now: datetime, stuck: Stuck = NOT_STUCK) -> dict[str, str]:
    """Line by line, times on the clock of `now`; what is empty is left out."""
    waits = one.state == "queued"  # its state has the number of its next try
    return {
        "fax": one.id,
        "state": said(one, so_far(data, one)),
        "what": one.title,
        "from" if one.direction == "in" else "to": where(one),
        "attempt": f"{one.attempt} of {one.tries}" if one.attempt and not waits else "",
        "why": _why(one),
        "to do": (stuck.holds(one, now) and stuck.why) or todo(one),
        "damaged": f"{one.bad_rows} lines" if one.bad_rows else "",
        "due": next_try(one, now, stuck),
        "made": clock(one.made_at, now.tzinfo),
        "by": person(one.by),
        "changed": clock(one.changed_at, now.tzinfo),
        "call": one.call or "",
        "files": "" if one.way == MAIL else folder(data, one),
    }


def _standing(one: FaxSeen, now: datetime, stuck: Stuck) -> str:
    """A cell: the state, and of one that waits when it goes, or why it does not."""
    if stuck.holds(one, now):
        return STUCK
    word = WORDS.get(state(one), state(one))
    if one.state != "queued" or one.due_at <= now:
        return word
    due = one.due_at.astimezone(now.tzinfo)
    return f"{word}, {due:%H:%M}" if due.date() == now.date() else f"{word}, {due:%m-%d %H:%M}"


def show_sent(found: Sequence[FaxSeen], now: datetime, stuck: Stuck = NOT_STUCK) -> None:
    """Print a row for each fax that goes out; times on the clock of `now`."""
    zone = now.tzinfo
    names = ("fax", "state", "pages", "to", "what", f"made ({zone})", "by")
    show(
        [Column(name, gives=name in ("what", "by")) for name in names],
        [
            (
                *(one.id, _standing(one, now, stuck)),
                *(f"{one.confirmed} of {one.pages}", where(one), one.title),
                *(f"{one.made_at.astimezone(zone):%m-%d %H:%M}", person(one.by)),
            )
            for one in found
        ],
    )
