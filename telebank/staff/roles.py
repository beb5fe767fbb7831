"""Roles and acts as data: who proposes, who approves, who may do what alone.

A person has one role. No role both proposes and approves, of any act (checked where the table is
made): what changes is said by a teller, an administrator or IT, and approved by a supervisor.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from transactions.hot_list import CONFIRM, LIFT


class Role(StrEnum):
    """What somebody is employed for here."""

    TELLER = "teller"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    IT = "it"


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of two-person act."""

    what: str
    """What it does, for people."""
    proposes: frozenset[Role]
    approves: frozenset[Role]


LIST_LOSSES, FORGET_PIN, ROLL_BACK = "loss.list", "pin.forget", "release.rollback"
SHOW_CUSTOMER, CUSTOMER_SET = "customer.show", "customer.set"
NOTICE, FAX = "notice.record", "fax.send"
LIST_PHONES, PHONES = "phone.list", "phone.change"
SIT, WATCH, SERVE = "desk.work", "floor.see", "desk.serve"
LOOK, UNLOCK = "desk.customer", "desk.unlock"
MATTERS, SEE_MATTERS = "matter.work", "matter.see"
MONITOR, WHISPER, BARGE, INTERCEPT = (
    "floor.monitor",
    "floor.whisper",
    "floor.barge",
    "floor.intercept",
)
FORCE, RECORD = "floor.force", "floor.record"
FLOOR = (MONITOR, WHISPER, BARGE, INTERCEPT, FORCE, RECORD)
KNOW = "knowledge.read"
HISTORY, SEATS, SEE_SEATS = "contact.list", "seat.change", "seat.list"
HEAR, HEAR_OWN = "recording.hear", "recording.hear_own"
REVIEW, ERASE = "audit.review", "audit.erase"
RUNNING = "running.see"
HOLD, RELEASE_HOLD = "retention.hold", "retention.release"
"""Rights that are asked for elsewhere too."""
_R = Role
ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "request.resolve": Act(
            "close a request that only people can settle",
            frozenset({_R.TELLER, _R.ADMINISTRATOR}),
            frozenset({_R.SUPERVISOR}),
        ),
        LIFT: Act(
            "lift a report of loss, so that the card may be used again",
            frozenset({_R.TELLER}),
            frozenset({_R.SUPERVISOR}),
        ),
        "token.add": Act(
            "give a customer a token whose codes are a second factor",
            frozenset({_R.TELLER}),
            frozenset({_R.SUPERVISOR}),
        ),
        "token.remove": Act(
            "take a customer's token away",
            frozenset({_R.TELLER}),
            frozenset({_R.SUPERVISOR}),
        ),
        CUSTOMER_SET: Act(
            "say how important a customer is, who his own teller is, what numbers he calls from",
            frozenset({_R.TELLER}),
            frozenset({_R.SUPERVISOR}),
        ),
        "staff.add": Act(
            "add a person",
            frozenset({_R.ADMINISTRATOR}),
            frozenset({_R.SUPERVISOR}),
        ),
        "staff.reset": Act(
            "end a person's password and second factor, and let him enrol anew",
            frozenset({_R.ADMINISTRATOR}),
            frozenset({_R.SUPERVISOR}),
        ),
        "key.change": Act(
            "change a key shared with the host",
            frozenset({_R.IT}),
            frozenset({_R.SUPERVISOR}),
        ),
        "key.custody": Act(
            "export, rotate, replace or retire a key of the security module",
            frozenset({_R.IT}),
            frozenset({_R.SUPERVISOR}),
        ),
        ERASE: Act(
            "erase a person's detail from the event log",
            frozenset({_R.ADMINISTRATOR}),
            frozenset({_R.SUPERVISOR}),
        ),
        "release.publish": Act(
            "put a release in force",
            frozenset({_R.IT, _R.ADMINISTRATOR}),
            frozenset({_R.SUPERVISOR}),
        ),
    }
)
"""By name. What carries an act out is handed to the control socket beside this table."""

RIGHTS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "staff.list": frozenset({_R.ADMINISTRATOR, _R.SUPERVISOR, _R.AUDITOR}),
        "staff.leave": frozenset({_R.ADMINISTRATOR}),
        "staff.unlock": frozenset({_R.ADMINISTRATOR}),
        LIST_LOSSES: frozenset({_R.TELLER, _R.SUPERVISOR, _R.ADMINISTRATOR, _R.AUDITOR}),
        CONFIRM: frozenset({_R.TELLER, _R.SUPERVISOR}),
        FORGET_PIN: frozenset({_R.SUPERVISOR}),
        SHOW_CUSTOMER: frozenset({_R.TELLER, _R.SUPERVISOR}),
        ROLL_BACK: frozenset({_R.SUPERVISOR}),
        NOTICE: frozenset({_R.SUPERVISOR}),
        FAX: frozenset({_R.TELLER, _R.SUPERVISOR, _R.ADMINISTRATOR}),
        LIST_PHONES: frozenset({_R.ADMINISTRATOR, _R.SUPERVISOR, _R.AUDITOR, _R.IT}),
        PHONES: frozenset({_R.ADMINISTRATOR}),
        HISTORY: frozenset({_R.SUPERVISOR, _R.AUDITOR}),
        SEE_SEATS: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR, _R.AUDITOR}),
        SEATS: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
        HEAR: frozenset({_R.SUPERVISOR}),
        HEAR_OWN: frozenset({_R.TELLER, _R.SUPERVISOR}),
        SIT: frozenset({_R.TELLER, _R.SUPERVISOR}),
        SERVE: frozenset({_R.TELLER, _R.SUPERVISOR}),
        LOOK: frozenset({_R.TELLER, _R.SUPERVISOR}),
        UNLOCK: frozenset({_R.TELLER, _R.SUPERVISOR}),
        REVIEW: frozenset({_R.AUDITOR}),
        RUNNING: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR, _R.AUDITOR, _R.IT}),
        HOLD: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR}),
        RELEASE_HOLD: frozenset({_R.SUPERVISOR}),
        MATTERS: frozenset({_R.TELLER, _R.SUPERVISOR}),
        SEE_MATTERS: frozenset({_R.SUPERVISOR, _R.AUDITOR}),
        WATCH: frozenset({_R.SUPERVISOR, _R.ADMINISTRATOR, _R.AUDITOR}),
        **dict.fromkeys(FLOOR, frozenset({_R.SUPERVISOR})),
        KNOW: frozenset(Role),
        "approval.list": frozenset(Role),
        "approval.refuse": frozenset({_R.SUPERVISOR}),
    }
)
"""What one person may do alone: these look, or take something away, or wait for a password."""

FOUNDERS = frozenset({_R.ADMINISTRATOR, _R.SUPERVISOR})
"""The first two people, added by the machine's own user: one of each, who add all others."""


def changers() -> frozenset[Role]:
    """Every role that proposes anything."""
    return frozenset().union(*(act.proposes for act in ACTS.values()))


def approvers() -> frozenset[Role]:
    """Every role that approves anything."""
    return frozenset().union(*(act.approves for act in ACTS.values()))


def may(role: Role, right: str) -> bool:
    """Whether the role may do this alone; False for a right that nobody has."""
    return role in RIGHTS.get(right, frozenset())


def names(roles: Collection[Role]) -> str:
    """Roles for people: `a teller or an administrator`."""
    words = [f"{'an' if role[0] in 'aeiou' else 'a'} {spoken(role)}" for role in sorted(roles)]
    return " or ".join(words)


def spoken(role: Role) -> str:
    """A role's word in a sentence."""
    return "IT person" if role is Role.IT else role.value


def first_people(there: Collection[str], role: str) -> str | None:
    """Why the machine's own user may not add somebody in `role` beside those who are there (any
    who ever were); None where he may."""
    if len(there) >= len(FOUNDERS):
        return "login_needed"
    return None if role in FOUNDERS and role not in there else "founders"


def last_of_founders(active: Collection[str], role: str) -> bool:
    """Whether nobody would be left to add people, if one in `role` went."""
    return role in FOUNDERS and list(active).count(role) <= 1


def _check() -> None:
    both = changers() & approvers()
    if both:
        raise AssertionError(f"{sorted(both)} would both propose and approve")


_check()
