"""Carries out `staff.add` and `staff.reset`: a person gets a password and a second factor.

The password comes with the second person's word only, and the seed is shown with its answer only:
nothing of either waits with the proposal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from telebank.calls.control.acts import Done, Turned
from telebank.calls.control.answers import SHOWN_ONCE
from telebank.calls.control.login import StaffDesk
from telebank.staff import passwords, totp
from telebank.store import approvals, people
from telebank.store.transaction import Transaction
from transactions.approval import Approving, Detail, refusal

PASSWORD_NEEDED = "password_needed"  # noqa: S105 - a word for programs
WHY = {
    "name_taken": "this name is or was somebody's; a name is never used by a second person",
    "full": "no more people can be added",
    "unknown_person": "nobody active has this name; `telebank staff list` shows who there is",
    "himself": "nobody does this for himself",
    "last_founder": "nobody would be left who can add people; add a successor first",
    "founders": "the first two people are an administrator and a supervisor, one of each; together "
    "they add all others",
    "login_needed": "there are people here already: an administrator proposes, a supervisor "
    "approves. Log in first",
    "gone": "you are not on the staff in this role any more",
    PASSWORD_NEEDED: "a password is needed now",
}


@dataclass(frozen=True, slots=True)
class Enrol:
    """A carrier with the password that came with this one request (None: none came)."""

    desk: StaffDesk
    password: str | None
    name: str
    role: str = ""
    full_name: str = ""

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        return None if self.password is None else passwords.complaint(self.password, self.name)

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """The name is free, or somebody's."""

        def look(part: Transaction) -> str | None:
            if self.role:
                return people.not_addable(part, of)
            return people.not_resettable(part, of, "")

        return look

    def why(self, code: str) -> str | None:
        """See `Carrier`."""
        return WHY.get(code) if code != "gone" else None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Approve and write, in one commit."""
        if self.password is None:
            return await self._ask(approving)
        new, seed = await self.desk.new_secrets(self.password)
        reason = await self.desk.run(self._job(new, approving))
        if reason is not None:
            return Turned(reason, "")
        self.desk.sessions.close_all(self.name)
        return Done({"name": self.name, SHOWN_ONCE: totp.uri(seed, self.name)})

    def _job(
        self, new: people.NewSecrets, approving: Approving
    ) -> Callable[[Transaction], str | None]:
        if not self.role:
            return partial(people.reset, person_id=self.name, new=new, approving=approving)
        person = people.NewPerson(self.name, self.full_name, self.role, new)
        return partial(people.add, new=person, approving=approving)

    async def _ask(self, approving: Approving) -> Turned:
        """A password is worth typing only where the approval would be one."""

        def look(part: Transaction) -> str:
            waiting = approvals.pending(part, approving.act, approving.object)
            why = refusal(waiting, approving, part.now)
            if why is None:
                return PASSWORD_NEEDED
            approvals.turned_away(part, approving.act, approving.object, approving.by, why)
            return why

        return Turned(await self.desk.run(look), "")
