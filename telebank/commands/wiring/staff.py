"""Wiring of staff and of two-person acts into a node's control socket."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from telebank.calls.control.acts import AfterApproval, Carrier
from telebank.calls.control.approvals import ApprovalsPart
from telebank.calls.control.desk import Counter
from telebank.calls.control.enrolment import EnrolmentPart
from telebank.calls.control.faxes import FaxesPart, FaxRoom
from telebank.calls.control.history import HistoryPart
from telebank.calls.control.login import StaffDesk
from telebank.calls.control.loss import Decider, LiftAct, LossPart
from telebank.calls.control.notices import NoticesPart
from telebank.calls.control.phones import PhonesPart
from telebank.calls.control.releases import Publish, Publishing, ReleasesPart
from telebank.calls.control.resolve import Resolve
from telebank.calls.control.server import ControlPart
from telebank.calls.control.skills import SkillsPart
from telebank.calls.control.staff import StaffPart
from telebank.calls.notices import Notices
from telebank.calls.registrations import DeskPhones
from telebank.commands.wiring import key_custody
from telebank.commands.wiring.customer_control import CustomersPart
from telebank.commands.wiring.erasing import EraseAct, ErasePart
from telebank.commands.wiring.host_control import ACT as KEY_CHANGE
from telebank.commands.wiring.host_control import KeyChangeAct, KeyedHost
from telebank.commands.wiring.key_custody import ACT as KEY_CUSTODY
from telebank.commands.wiring.pin_control import PinsPart
from telebank.commands.wiring.retention import RetentionPart, RetentionRoom
from telebank.commands.wiring.store_keys import Custody, StoreKeysPart
from telebank.commands.wiring.tellers import Desks
from telebank.flow.release import Release
from telebank.retention import held as is_held
from telebank.staff.options import StaffOptions
from telebank.staff.roles import ERASE
from telebank.store.clock import SystemClock
from telebank.store.releases import ACT as PUBLISH
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.closing import ACT
from transactions.hot_list import LIFT
from transactions.processor import Processor


def open_staff(
    options: StaffOptions,
    store: Store,
    keyring: Keyring,
    processor: Processor,
    stack: contextlib.ExitStack | contextlib.AsyncExitStack,
    more: Mapping[str, Carrier] | None = None,
    keyed: KeyedHost | None = None,
    publishing: Publishing | None = None,
    notices: Notices | None = None,
    faxes: tuple[FaxRoom, Path] | None = None,
    phones: DeskPhones | None = None,
    desks: tuple[Desks, Callable[[], Release]] | None = None,
    retention: RetentionRoom | None = None,
) -> Sequence[ControlPart]:
    """The parts; `more` carries out further acts of `telebank.staff.roles`, by name; `keyed` is
    the host where it exchanges keys, `publishing` what the node does about releases, `notices`
    what new callers hear, `faxes` what the node has for faxes and its data folder, `phones` its
    desk phones, `desks` its tellers and what tells the release of new calls, `retention` who
    deletes what has had its time."""
    desk = StaffDesk(options, store.journal.run, keyring, SystemClock(), store.reader.run)
    stack.callback(desk.close)
    counter = Counter(desk)
    decider = Decider(processor, desk.run, store.journal.zone)
    carriers: dict[str, Carrier] = {
        ACT: Resolve(processor),
        KEY_CUSTODY: Custody(desk, keyring),
        ERASE: EraseAct(desk, is_held),
        LIFT: LiftAct(decider),
        **(more or {}),
    }
    if keyed is not None:
        act = KeyChangeAct(keyed)
        carriers[KEY_CHANGE] = AfterApproval(desk, act.work, act.complaint)
    parts: list[ControlPart] = []
    if publishing is not None:
        carriers[PUBLISH] = Publish(publishing)
        parts.append(ReleasesPart(counter, publishing))
    if notices is not None:
        parts.append(NoticesPart(counter, notices))
    if faxes is not None:
        parts.append(FaxesPart(counter, *faxes))
    if phones is not None:
        parts.append(PhonesPart(counter, phones))
    if desks is not None:
        parts += desks[0].parts(counter, desks[1])
    if retention is not None:
        parts.append(RetentionPart(counter, keyring, retention))
    return [
        *parts,
        StaffPart(counter),
        EnrolmentPart(counter),
        ApprovalsPart(counter, carriers),
        key_custody.CustodiansPart(counter),
        StoreKeysPart(counter, keyring),
        ErasePart(counter, is_held),
        PinsPart(counter, keyring),
        CustomersPart(counter, keyring),
        LossPart(counter, decider),
        SkillsPart(counter),
        HistoryPart(counter, keyring, store.journal.zone),
    ]
