"""A loaded menu tree: flows of nodes, as frozen data with the lines they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from transactions.contract import Kind, RowShape
from transactions.money import Currency
from transactions.request import Language

NOT_ON_DUTY, DONE, FULL = "not_on_duty", "done", "full"
QUEUE_EXITS = (NOT_ON_DUTY, DONE, FULL)
"""Exits of a queue: nobody is there; the teller gave the caller back to the menus; it is full. Only
the last may be left out: then he is told so, and goes on as one who was given back."""

DESK_PIN, DESK_CARD, DESK_UNLOCK = "desk_pin", "desk_card", "desk_unlock"
DESK_FLOWS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {DESK_PIN: ("card",), DESK_CARD: (), DESK_UNLOCK: ()}
)
"""Flows that a teller starts beside a caller's own session, with the variables that each is given:
the PIN of the card that he keyed, a card and its PIN, and the unlocking of a PIN that is locked for
today. No menu leads to them."""
DESK_GIVES = "card"
"""The variable that they give: whose PIN was right."""
DESK_SIGNS, SIGNS_PIN, SIGNS_CODE = "signs", "pin", "code"
"""A word that DESK_PIN is given where the customer signs by it what was read to him: by his PIN, or
by his PIN and a second factor. Else it says who he is, and no more."""
DESK_EXITS = (
    *("verified", "wrong", "locked", "given_up"),
    *("first_use", "bad_card", "lost", "unavailable"),
    *("code_wrong", "code_locked", "no_factor"),
    *("unlocked", "not_matched", "not_open", "branch", "no_number", "spent", "refused"),
)
"""How they may end. `wrong`: too often wrong, and not yet locked; `first_use`: right, and to be
changed in the menus before it is good for anything; `no_factor`: the bank knows none of him. Of
DESK_UNLOCK: `branch`: only a branch unlocks it; `spent`: no more today."""

Way = Literal["here", "back", "later", "mail"]
"""How a document goes: by fax in this call, in one of its own at once, or in one at a given time;
or by mail."""
UNCONFIRMED = "unconfirmed"
"""Exit of a fax in the call that may be on paper, and of an order of which nobody knows whether it
was kept: who asks once more may get two."""
_LATER_EXITS = ("accepted", UNCONFIRMED, "refused", "none", "not_available")
READY = "ready"
"""Of the paper of a fax in this call: it is made, and the caller is told to press start."""
FAX_MADE = (READY, "none", "busy", "not_available", "failed")
"""What comes of making that paper; the others than READY are exits of the fax."""
FAX_SENT = ("sent", "partial", "unconfirmed", "failed", "not_available")
"""Exits that such a fax takes once it was to be sent."""
FAX_EXITS: Mapping[Way, tuple[str, ...]] = MappingProxyType(
    {
        "here": ("sent", "partial", "unconfirmed", "failed", "none", "busy", "not_available"),
        "back": _LATER_EXITS,
        "later": _LATER_EXITS,
        "mail": ("accepted", UNCONFIRMED, "none", "not_available"),
    }
)
"""Exits of a fax by its way; it must have all of them, and see NO_NUMBER."""
NO_NUMBER, NO_ADDRESS = "no_number", "no_address"
"""Exits of a fax to the registered number, and of mail to the registered address: the bank has
none."""
FAX_GIVES: Mapping[str, Kind] = MappingProxyType(
    {"fax_pages": "number", "fax_of": "number", "fax_number": "text"}
)
"""Variables that the answer to a fax sets from its data `pages`, `of` and `number` (masked)."""
FAX_SURE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sent": ("fax_pages",),
        "partial": ("fax_pages", "fax_of"),
        "unconfirmed": (),
        "accepted": ("fax_number",),
    }
)
"""Those of them that an exit always sets; mail sets none."""
REGISTERED = "registered"
"""`to` of a fax that goes to the number which the bank has of the customer, or to his address."""

ABILITIES = ("fax_here", "fax_out", "mail_out", "in_writing")
"""Variables of kind word that say what is to be had in this call; nothing in a flow sets them."""
FAX_HERE, FAX_OUT, MAIL_OUT, IN_WRITING = ABILITIES
"""In the call; in a call of its own; by mail; any of these."""
ABLE = "yes"
"""The code of one that is; else it is not set."""
AT_DESK = "proved_at_desk"
"""A word too: `yes` where the caller proved himself while a teller had him, with the card that
`DESK_GIVES` has since. One branch on it spares him one entry; then it is not set any more."""

Check = Literal["none", "luhn"]


@dataclass(frozen=True, slots=True)
class DigitEntry:
    """`min` to `max` digits; `end` closes a shorter entry; `check` is luhn for card numbers."""

    min: int
    max: int
    end: str = "#"
    check: Check = "none"


@dataclass(frozen=True, slots=True)
class MoneyEntry:
    """An amount in major units between `min` and `max`; `point` is the decimal point's key, of no
    meaning in a currency without minor units."""

    min: Decimal
    max: Decimal
    currency: Currency | None
    """None where a variable says it: see `of`."""
    point: str = "*"
    end: str = "#"
    of: str | None = None
    """Variable of kind word whose code is a currency's in small letters (`usd`)."""


@dataclass(frozen=True, slots=True)
class RateEntry:
    """A rate between `min` and `max` with up to six decimals; `point` is the point's key."""

    min: Decimal
    max: Decimal
    point: str = "*"
    end: str = "#"


@dataclass(frozen=True, slots=True)
class DateEntry:
    """Eight digits: year, month, day."""

    end: str = "#"


@dataclass(frozen=True, slots=True)
class TimeEntry:
    """Four digits: hour, minute."""

    end: str = "#"


PointedEntry = MoneyEntry | RateEntry
"""Entries with a decimal point, which only their end key makes whole."""
Entry = DigitEntry | PointedEntry | DateEntry | TimeEntry


@dataclass(frozen=True, slots=True)
class Asking:
    """How a node asks the caller: the flow's defaults with the node's own keys over them.

    Timers are in seconds from the end of the prompt (`first_digit`) or of the last key
    (`inter_digit`). `tries` counts silences and invalid entries together.
    """

    first_digit: float
    inter_digit: float
    tries: int
    barge_in: bool
    noinput: tuple[str, ...]
    invalid: tuple[str, ...]
    exhausted: str
    keys: Mapping[str, str]
    """Keys beside the choices; on a collect `*`, or an entry and its end such as `0#`."""
    removed: frozenset[str] = frozenset()
    """Inherited handling that the node sets to nothing; always refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What every node has; `visits` bounds how often it runs in one stay in its flow.

    An item of `say` is a text's id, or `id@en` to speak it in another language than the caller's.
    """

    name: str
    line: int
    say: tuple[str, ...] = ()
    visits: int | None = None
    over: str | None = None
    """Where it goes when `visits` is passed; else the flow's `exhausted`."""
    each: str | None = None
    """Rows that are spoken first (say and menu), each by the text `row`."""
    row: str | None = None
    """Text of one row: its slots are the row's columns, and `n`, its number from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu(Node):
    """Keys to targets. `default` is taken in place of `exhausted`."""

    asking: Asking
    choices: Mapping[str, str]
    default: str | None = None
    language: Language | None = None
    pick: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Variable to column: keys 1 to 9 choose the row of that number and keep these of it."""
    picked: str | None = None
    """Where a chosen row leads."""
    only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Of ABILITIES to the choices and texts that are offered only where it is to be had."""
    first_key: int = 1
    """Key of the first row. Above 1 the rows come beside the choices, and there may be none."""

    @property
    def usual(self) -> bool:
        """Whether its rows are what this caller uses most, said before what it offers everybody."""
        return bool(self.pick) and self.first_key > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Collect(Node):
    """Takes an entry into a variable; the variable's kind says what is made of it."""

    asking: Asking
    into: str
    entry: Entry
    next: str
    public: bool = False
    same_as: str | None = None
    """Variable that the entry must repeat, as a new PIN; another entry is an invalid one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Node):
    """Reads `reads` back, then takes a key; never interrupted, takes nothing typed ahead."""

    asking: Asking
    reads: tuple[str, ...]
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Node):
    """Says something and goes on (`kind: say`)."""

    next: str
    barge_in: bool = True
    language: Language | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """Asks a service; one exit for each of its outcomes."""

    service: str
    inputs: Mapping[str, str]
    """Contract input to `$variable` or a literal."""
    then: Mapping[str, str]
    guarded_by: str | None = None
    filler: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter(Node):
    """Runs a sub-flow; one exit for each of its `return` exits."""

    flow: str
    then: Mapping[str, str]
    set: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Variables of the sub-flow with their constants; an empty one is unset before it starts."""
    often: str | None = None
    """The code under which its use is counted for a customer who has proved himself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch(Node):
    """Goes on by the code of a word, without a word spoken or a key pressed."""

    on: str
    then: Mapping[str, str]
    """Code to node."""
    other: str
    """Where any other code leads, and a variable that is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace(Node):
    """Sets how long the call waits for keys and how fast it speaks: see `telebank.flow.pace`.

    Each is a code, a `$variable` that holds one, or None: as it was. A code that is none, and a
    variable that is not set, leave it as it was too.
    """

    patience: str | None
    speed: str | None
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Node):
    """Leaves a sub-flow by `exit`."""

    exit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue(Node):
    """Takes the caller to a teller with `skill`, with the values of `carry`."""

    skill: str
    then: Mapping[str, str]
    priority: int = 1
    carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax(Node):
    """Faxes a document, or mails it."""

    document: str
    """Its name in documents.yaml, or `$variable` of kind word that has it."""
    way: Way
    then: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What the document needs to `$variable` or a literal; else the variable of that name."""
    to: str | None = None
    """Of `back` and `later`: `$variable` of kind digits, or REGISTERED; of `mail`: REGISTERED."""
    at: str | None = None
    """Of `later`: `$variable` of kind time; the fax goes the next time that it is so late."""
    filler: str | None = None

    @property
    def exits(self) -> tuple[str, ...]:
        """Those that it must have, and no others."""
        if self.to != REGISTERED:
            return FAX_EXITS[self.way]
        return (*FAX_EXITS[self.way], NO_ADDRESS if self.way == "mail" else NO_NUMBER)

    def sure(self, exit_name: str) -> tuple[str, ...]:
        """Of FAX_GIVES, those that an exit always sets."""
        return () if self.way == "mail" else FAX_SURE.get(exit_name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit(Node):
    """Says goodbye and hangs up."""

    reason: str = "done"


AskingNode = Menu | Collect | Confirm
Silent = Branch | Pace
"""Nodes that neither speak nor wait."""
AnyNode = Menu | Collect | Confirm | Statement | Call | Enter | Silent | Return | Queue | Fax | Exit


@dataclass(frozen=True, slots=True)
class Flow:
    """One file of nodes."""

    name: str
    file: str
    entry: str
    exhausted: str | None
    nodes: Mapping[str, AnyNode]
    vars: Mapping[str, Kind]
    needs: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    budget: float | None = None
    """Seconds that its longest way may be spoken; else the options'."""
    rows: Mapping[str, RowShape] = field(default_factory=lambda: MappingProxyType({}))
    """Columns of the variables that are rows."""
    titles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What people call it, by language; for pictures, where no menu names it alone."""
    lines: Mapping[str, int] = field(default_factory=dict)
    """Lines of the top-level keys."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that must be mended before the data can take calls."""

    file: str
    line: int
    rule: str
    problem: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.rule}] {self.problem}; {self.mend}"


class FlowError(ValueError):
    """Flows, texts or services that cannot take calls; `findings` says what and where."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = sorted(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))
