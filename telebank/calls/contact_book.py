"""Writes contacts and recordings into the store."""

from collections.abc import Mapping
from functools import partial

from telebank.calls.row_book import RowBook
from telebank.store import contacts, recordings
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.recordings import NewRecording, Outcome

MAX_KNOWN = 10_000
"""Customers of whom a node that starts knows who talked with them last."""


class ContactBook(RowBook):
    """What the room of tellers tells of contacts and recordings."""

    async def open(self) -> Mapping[str, str]:
        """Close what a former life of this node left open; by customer's token, who talked with
        him last. Raises as the store does."""
        await self._run(contacts.lost)
        await self._run(recordings.lost)
        return await self._run(partial(contacts.last_seats, most=MAX_KNOWN))

    def begun(self, new: NewContact) -> None:
        """A seat talks with a caller."""
        self._write(new.id, partial(contacts.begin, new=new))

    def ended(self, ended: EndedContact) -> None:
        """It talks no more."""
        self._write(ended.id, partial(contacts.end, ended=ended))

    def wrapped(self, contact: str, seconds: int) -> None:
        """Its paperwork is done."""
        self._write(contact, partial(contacts.wrapped, contact_id=contact, seconds=seconds))

    def recording_begun(self, new: NewRecording) -> None:
        """A file is being written."""
        self._write(new.name, partial(recordings.begin, new=new))

    def recording_ended(self, name: str, outcome: Outcome) -> None:
        """It is whole, or is not."""
        self._write(name, partial(recordings.finish, name=name, outcome=outcome))
