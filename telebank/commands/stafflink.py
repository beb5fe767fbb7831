"""Wiring of staff and of two-person acts into a node's control socket."""

import contextlib
from collections.abc import Mapping, Sequence

from telebank.calls.control import ControlPart
from telebank.calls.control_acts import Carrier
from telebank.calls.control_approvals import ApprovalsPart
from telebank.calls.control_desk import Counter
from telebank.calls.control_login import StaffDesk
from telebank.calls.control_resolve import Resolve
from telebank.calls.control_staff import StaffPart
from telebank.staff.options import StaffOptions
from telebank.store.clock import SystemClock
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.closing import ACT
from transactions.processor import Processor


def open_staff(
    options: StaffOptions,
    store: Store,
    keyring: Keyring,
    processor: Processor,
    stack: contextlib.ExitStack | contextlib.AsyncExitStack,
    more: Mapping[str, Carrier] | None = None,
) -> Sequence[ControlPart]:
    """The parts; `more` carries out further acts of `telebank.staff.roles`, by name."""
    desk = StaffDesk(options, store.journal.run, keyring, SystemClock())
    stack.callback(desk.close)
    counter = Counter(desk)
    carriers: dict[str, Carrier] = {ACT: Resolve(processor), **(more or {})}
    return [StaffPart(counter), ApprovalsPart(counter, carriers)]
