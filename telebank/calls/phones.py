"""What a node tells of its desk phones: events and counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telebank import sip
from telebank.sip.registering import Registering
from telebank.sip.registrar import Binding
from transactions.journal import JournalEvent


@dataclass(frozen=True, slots=True)
class Registered:
    """A contact of a phone at this node."""

    binding: Binding
    left_s: float
    """Seconds until it ends, unless it is refreshed."""


def phone_event(fact: sip.PhoneRegistered | sip.PhoneGone | sip.PhoneRefused) -> JournalEvent:
    """The row of the event log. A name that was tried and is none of ours is in no row: anybody
    writes there what he likes, a password among it."""
    who: dict[str, Any] = {"extension": fact.extension, "address": str(fact.source)}
    match fact:
        case sip.PhoneRegistered():
            return JournalEvent("phone.registered", detail={**who, "seconds": round(fact.seconds)})
        case sip.PhoneGone():
            return JournalEvent("phone.gone", detail={**who, "why": fact.why})
        case sip.PhoneRefused():
            return JournalEvent(
                "phone.refused",
                outcome="refused",
                detail={**who, "why": fact.why, "hidden": fact.hidden},
            )


def phone_counts(phones: Registering | None) -> Mapping[str, int]:
    """What is kept of phones, and what became of REGISTERs since the start."""
    if phones is None:
        return {}
    return {
        **{f"phones_{name}": many for name, many in phones.counts().items()},
        **{f"total_register_{what}": many for what, many in phones.totals.items()},
        **{f"total_phone_calls_{what}": many for what, many in phones.calls.items()},
    }
