"""A fax as a row of a page: in words of one language and in the bank's time."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from fax.job import RUNNING
from telebank.calls.faxes import reasons
from telebank.console.fax_texts import FaxWords
from telebank.store.fax_mails import WAY as MAIL
from telebank.store.fax_views import DialSeen, FaxSeen

GOOD, GRAVE = ("done",), ("failed", "unconfirmed")
_CALLED = re.compile(r"\+?[0-9*]{3,}|sip:.+")
"""What can be called, masked: who sends to us may call himself anything."""
_TOKEN = 64
"""Characters of a customer's token, which stands where a member of staff's name does."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is shown of a fax."""

    fax: FaxSeen
    state: str
    """In words."""
    look: str
    """`live`, `good`, `grave` or `calm`."""
    why: str
    todo: str
    """What a person does about it; empty: nothing, or `advice` has it."""
    advice: str
    """What a person has to do first about one that is in doubt; empty: nothing."""
    number: str
    """Masked, or in words."""
    pages: str
    by: str
    made: str
    changed: str
    due: str
    attempt: str
    clickable: bool
    """Whether a fax can be sent to the same number."""
    stoppable: bool


def row(one: FaxSeen, words: FaxWords, zone: tzinfo) -> Row:
    """One that goes or went, or that came."""
    came, mailed = one.direction == "in", one.way == MAIL
    waits = one.state == "queued" or one.state in RUNNING
    again = waits and bool(one.stop_by)
    attempt = words.page["attempt"].format(attempt=one.attempt, tries=one.tries)
    return Row(
        fax=one,
        state=words.page["stopping"] if again else _state(one, words, came, mailed),
        look=_look(one.state),
        why="" if one.why == one.state else reasons.reason(one.why).words.said(words.language),
        todo="" if again else reasons.todo(one).said(words.language),
        advice=reasons.look(one).said(words.language),
        number=_number(one, words),
        pages=_pages(one, words, came),
        by=f"{one.by[:8]}…" if len(one.by) == _TOKEN else one.by,
        made=clock(one.made_at, zone),
        changed=clock(one.changed_at, zone),
        due=clock(one.due_at, zone) if one.state == "queued" else "",
        attempt=attempt if one.attempt else "",
        clickable=one.way in ("number", "uri") and bool(_CALLED.fullmatch(one.number_masked)),
        stoppable=not came and waits and not again,
    )


def dialled(call: DialSeen, words: FaxWords, zone: tzinfo) -> tuple[int, str, str]:
    """A call that was placed: which, when, how long it took."""
    took = words.page["seconds"].format(seconds=call.seconds) if call.ended_at else "…"
    return call.attempt, clock(call.at, zone), took


def clock(at: datetime, zone: tzinfo) -> str:
    """A time on the bank's clock."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def zone_minutes(zone: tzinfo) -> int:
    """East of Greenwich."""
    return round((zone.utcoffset(None) or timedelta()).total_seconds() / 60)


def zone_name(zone: tzinfo) -> str:
    """`UTC+08:00`."""
    minutes = zone_minutes(zone)
    sign = "+" if minutes >= 0 else "-"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _state(one: FaxSeen, words: FaxWords, came: bool, mailed: bool) -> str:
    if came:
        return words.came.get(one.state, words.came["coming"])
    return (words.mailed if mailed else words.states).get(one.state, one.state)


def _look(state: str) -> str:
    if state in RUNNING:
        return "live"
    return "good" if state in GOOD else "grave" if state in GRAVE else "calm"


def _number(one: FaxSeen, words: FaxWords) -> str:
    if one.way == "call":
        return words.page["in_call"]
    return one.number_masked or words.page["unknown"]


def _pages(one: FaxSeen, words: FaxWords, came: bool) -> str:
    if came and not one.pages and one.state in RUNNING:
        return "…"
    if came:
        return words.page["page_came" if one.pages == 1 else "pages_came"].format(pages=one.pages)
    return words.page["pages_of"].format(confirmed=one.confirmed, pages=one.pages)
