"""What is kept of a seat's part in a conversation."""

from datetime import datetime

from telebank.calls.tellers.talk import ON_HOLD, Part, Talk
from telebank.calls.tellers.values import Ended
from telebank.store.contacts import EndedContact, NewContact


def new_contact(talk: Talk, seat: str, contact: str, rung: datetime | None) -> NewContact:
    """It begins; `rung`: since when the seat was rung, None where that does not count."""
    card, now = talk.port.card(), talk.now()
    return NewContact(
        id=contact,
        call=talk.ref,
        seat=seat,
        queue=talk.queue,
        direction=talk.direction,
        began=rung or now,
        answered=now,
        caller_masked=card.caller,
        card_masked=card.customer,
        language=card.language,
        level=card.level,
        business=card.business,
    )


def ended_contact(talk: Talk, part: Part, how: Ended) -> EndedContact:
    """It is over."""
    card, now = talk.port.card(), talk.now()
    held = talk.held_s - part.held_before
    if talk.state in ON_HOLD:
        held += (now - talk.since).total_seconds()
    return EndedContact(
        id=part.contact,
        at=now,
        how=how,
        hold_s=round(held),
        level=card.level,
        business=card.business,
        card_masked=card.customer,
        customer=card.token,
    )
