"""What was read back to a caller and waits for his word: a slip, of one seat, one call and one
content. It is carried out once, whatever is pressed how often."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from telebank.calls.forms.model import Form, Pair
from telebank.calls.forms.words import Line, Table
from telebank.flow.commands import Spoken
from transactions.card import CardNumber
from transactions.outcome import Values

State = Literal["open", "pin", "working", "done"]
Kind = Literal["done", "refused", "in_doubt", "not_done"]
"""How a service ended; `in_doubt`: nobody knows."""
SLIP_S = 180.0
"""Seconds in which a slip may be confirmed; that of an entry that has begun counts no more."""
MOST = 512
"""Slips remembered; the oldest goes first."""
EACH = 8
"""Of them, of one seat and call: so one page that asks on and on takes nobody else's place."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a service ended, in words."""

    kind: Kind
    """`in_doubt`: nobody knows, and nobody may do it again."""
    exit: str
    words: Pair
    lines: tuple[Line, ...] = ()
    table: Table | None = None
    reference: str = ""
    cursor: str = ""
    """Asks for the next page."""
    advice: Pair = Pair("", "")  # noqa: RUF009 - it is frozen
    """What the teller does next; not for the caller."""


@dataclass(slots=True)
class Slip:
    """One, from the read-back to its end."""

    id: str
    visit: str
    """Of its request, within the call."""
    seat: str
    call: str
    form: Form
    inputs: Values = field(repr=False)
    """As the service takes them: of money the quote alone."""
    shown: Values = field(repr=False)
    """All terms, for words."""
    card: CardNumber | None
    lines: tuple[Line, ...]
    aloud: Pair
    terms: tuple[Spoken, ...]
    """What the machine reads to the caller before he signs."""
    again: bool
    """The same was done in the last minutes, and the read-back says so."""
    until: float
    """Monotonic seconds."""
    state: State = "open"
    factor: bool = False
    """He signs by a second factor too."""
    entry: str = ""
    """What came of the last PIN that did not confirm it."""
    saying: bool = False
    """The machine tells him the result."""
    result: Result | None = None
    told: bool = False
    """The caller has heard the result."""
    over: bool = False
    """Its call is over: nothing but the result is kept."""

    def ended(self) -> None:
        """It has its result, or its call is over."""
        if self.over and self.state == "done":
            self.card, self.inputs, self.shown = None, {}, {}


class Slips:
    """Of one node."""

    def __init__(self, fresh: Callable[[Slip], Slip], most: int = MOST) -> None:
        """`fresh`: brings one to where its call is."""
        self._fresh = fresh
        self._most = most
        self._slips: OrderedDict[str, Slip] = OrderedDict()

    def keep(self, slip: Slip) -> None:
        """From now on; the oldest of its seat and call goes, or of all."""
        self._slips[slip.id] = slip
        self._drop(self._of(slip.seat, slip.call), EACH)
        self._drop(list(self._slips.values()), self._most)

    def _drop(self, slips: list[Slip], most: int) -> None:
        """Of more than so many the first that nothing is under way by, but for the newest; if
        there is none, the first."""
        if len(slips) > most:
            before = (one for one in slips[:-1] if idle(self._fresh(one)))
            del self._slips[next(before, slips[0]).id]

    def _of(self, seat: str, call: str) -> list[Slip]:
        """In the order in which they came."""
        return [one for one in self._slips.values() if (one.seat, one.call) == (seat, call)]

    def over(self, call: str) -> None:
        """A call is over: what nobody has confirmed goes, and of the rest whose it was and what."""
        for slip in [one for one in self._slips.values() if one.call == call]:
            if slip.state in ("open", "pin"):
                del self._slips[slip.id]
            slip.over = True
            slip.ended()

    def find(self, slip: str, seat: str, call: str) -> Slip | None:
        """The one of this seat and call; None: there is none, or it is somebody else's."""
        found = self._slips.get(slip)
        return found if found is not None and (found.seat, found.call) == (seat, call) else None

    def last(self, seat: str, call: str) -> Slip | None:
        """What a page that is loaded anew shows: the last one of this seat and call."""
        mine = self._of(seat, call)
        return mine[-1] if mine else None


def idle(slip: Slip) -> bool:
    """Whether nothing is under way by it."""
    return slip.state in ("open", "done")
