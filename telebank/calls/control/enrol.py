"""Carries out `staff.add` and `staff.reset`: somebody is let in by two people.

Neither of them chooses his password or sees the seed of his second factor. Each is given half of a
code; with both halves the person enrols himself (`POST /v1/staff/NAME/enrol`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from telebank.calls.control.acts import Done, Turned
from telebank.calls.control.answers import HALF
from telebank.calls.control.login import StaffDesk
from telebank.store import approvals, enrolling, people
from telebank.store.transaction import Transaction
from transactions.approval import Approving, Detail

PASSWORD_NEEDED = "password_needed"  # noqa: S105 - a word for programs
WHY = {
    "name_taken": "this name is or was somebody's; a name is never used by a second person",
    "full": "no more people can be added",
    "unknown_person": "nobody here has this name; `telebank staff list` shows who there is",
    "himself": "nobody does this for himself",
    "last_founder": "nobody would be left who can add people; add a successor first",
    "founders": "the first two people are an administrator and a supervisor, one of each; together "
    "they add all others",
    "login_needed": "there are people here already: an administrator proposes, a supervisor "
    "approves. Log in first",
    "gone": "you are not on the staff in this role any more",
    "not_invited": "nobody of this name waits to enrol; `telebank staff list` shows who there is",
    "not_yours": "the two halves of this code are for the two people who proposed and approved it",
    "code_expired": "the time to enrol is over; propose `telebank staff reset` for a new code",
    PASSWORD_NEEDED: "a password is needed now",
}


@dataclass(frozen=True, slots=True)
class LetIn:
    """A carrier for one request; `actor` is who says it."""

    desk: StaffDesk
    actor: str
    name: str
    role: str = ""
    """Empty for a reset."""
    full_name: str = ""

    def complaint(self, of: str, detail: Detail) -> str | None:
        """Nothing more to look at."""
        return None

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """The name is free, or somebody else's."""

        def look(part: Transaction) -> str | None:
            if self.role:
                return enrolling.not_addable(part, of)
            return enrolling.not_resettable(part, of, self.actor)

        return look

    def why(self, code: str) -> str | None:
        """See `Carrier`."""
        return WHY.get(code) if code != "gone" else None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Approve and write, in one commit."""
        invitation, half = self.desk.invitation()
        reason = await self.desk.run(self._job(invitation, approving))
        if reason is not None:
            return Turned(reason, "")
        self.desk.sessions.close_all(self.name)
        return Done({"name": self.name, HALF: half, "enrol_s": self.desk.options.enrol_s})

    def _job(
        self, invitation: enrolling.Invitation, approving: Approving
    ) -> Callable[[Transaction], str | None]:
        if not self.role:
            return partial(
                enrolling.reset, person_id=self.name, invitation=invitation, approving=approving
            )
        nothing = people.NewSecrets("", invitation.seed)
        person = people.NewPerson(self.name, self.full_name, self.role, nothing)
        return partial(enrolling.add, new=person, invitation=invitation, approving=approving)
