"""Connections of nobody that is known, trunk or phone: they leave where others need the room."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from telebank.sip import Hop


@dataclass(frozen=True, slots=True)
class _Guest:
    leave: Callable[[], None]
    stranger: bool


class Guests:
    """The one that said nothing longest first. `in_use` says whether a call needs a connection."""

    def __init__(self, in_use: Callable[[Hop], bool]) -> None:
        self.strangers = 0
        """Those from where no phones are either."""
        self._in_use = in_use
        self._there: OrderedDict[Hop, _Guest] = OrderedDict()

    def __contains__(self, hop: Hop) -> bool:
        return hop in self._there

    def add(self, hop: Hop, leave: Callable[[], None], *, stranger: bool) -> None:
        """One came, which `leave` ends."""
        self.gone(hop)
        self._there[hop] = _Guest(leave, stranger)
        self.strangers += stranger

    def heard(self, hop: Hop) -> None:
        """It said something."""
        if hop in self._there:
            self._there.move_to_end(hop)

    def gone(self, hop: Hop) -> None:
        """It is over, or known now."""
        guest = self._there.pop(hop, None)
        if guest is not None:
            self.strangers -= guest.stranger

    def push_out(self, *, strangers: bool = False) -> bool:
        """End the one idle longest, of all or of strangers; false where calls need all of them."""
        for hop, guest in self._there.items():
            if (guest.stranger or not strangers) and not self._in_use(hop):
                self.gone(hop)
                guest.leave()
                return True
        return False
