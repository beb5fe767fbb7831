"""A teller's browser in one conversation: rung at the page, answered there, and kept through a
page that is loaded anew."""

import asyncio
from collections.abc import Callable

from telebank.calls.tellers.browser_phone import BrowserPhone, Partner
from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.values import Rung
from telebank.media.client import MediaChannel

PATIENCE_S = 8.0
"""Seconds in which a page that is rung has its audio up, or again; then the call goes elsewhere."""
KEPT_S = 60.0
"""Seconds that a conversation is kept for a teller whose audio is gone."""


class BrowserLine:
    """One use of a `BrowserPhone`, a `Line`."""

    def __init__(
        self,
        phone: BrowserPhone,
        partner: Partner,
        on_gone: Callable[[], None],
        on_moved: Callable[[], None],
        *,
        asked: bool = False,
    ) -> None:
        """`partner`: whose conversation it is; `on_gone`: answered, and its audio did not come
        back; `on_moved`: it has another channel, which is in no mixer; `asked`: its teller wants
        it himself and is not rung."""
        self._phone = phone
        self._partner = partner
        self._on_gone = on_gone
        self._on_moved = on_moved
        self._taken = asked
        """He answered."""
        self._live = self._over = self._rung = False
        self._turn = asyncio.Event()
        self._away_since: float | None = None
        """Since when there is no audio while it is rung."""
        self._losing: asyncio.TimerHandle | None = None

    @property
    def channel(self) -> MediaChannel | None:
        """See `Line`."""
        return self._phone.channel

    @property
    def called(self) -> bool:
        """See `Line`."""
        return False

    @property
    def rings(self) -> bool:
        """See `Line`."""
        return self._rung and not (self._taken or self._over)

    async def ring(self, shown: str, beside: MediaChannel | None, seconds: float) -> Rung:
        """The page shows who calls: nothing of it is sent here."""
        del shown, beside
        if not self._phone.lend(self, self._partner):
            return "busy"
        self._rung = True
        self._away_since = None if self._up else self._phone.now()
        self._phone.show()
        rung = await self._outcome(self._phone.now() + seconds)
        self._rung = False
        self._live = rung == ""
        self._phone.show()
        return rung

    async def _outcome(self, deadline: float) -> Rung:
        while not self._over:
            if self._taken and self._up:
                return ""
            away, now = self._away_since, self._phone.now()
            until = deadline if away is None else min(deadline, away + PATIENCE_S)
            if now >= until:
                return "no_answer" if self._up else "unreachable"
            self._turn.clear()
            waiter = asyncio.ensure_future(self._turn.wait())
            await asyncio.wait({waiter}, timeout=until - now)
            waiter.cancel()
        return "gone"

    @property
    def _up(self) -> bool:
        return self._phone.state == "up"

    def answer(self) -> bool:
        """See `Line`; where its audio is not up yet, the call is taken as soon as it is."""
        if not self.rings:
            return False
        self._taken = True
        self._turn.set()
        self._phone.show()
        return True

    # -- what is done -------------------------------------------------------------------------

    def join(self, place: Place, toward: MediaChannel | None = None) -> None:
        """See `Line`."""
        if (channel := self.channel) is not None:
            channel.join(place.mixer, place.role, toward=toward, sound=place.sound)

    def leave(self) -> None:
        """See `Line`."""
        if (channel := self.channel) is not None:
            channel.leave()

    def hang_up(self) -> None:
        """See `Line`; the phone itself stays up."""
        self._over, self._live = True, False
        self._keep()
        self._turn.set()
        self._phone.give_back(self)

    # -- what becomes of the phone ------------------------------------------------------------

    def moved(self) -> None:
        """Another leg: whoever heard the one before is to hear it."""
        if self._live:
            self._on_moved()

    def turned(self) -> None:
        """Its audio came or went."""
        if self._up:
            self._away_since = None
            self._keep()
        elif self._away_since is None:
            self._away_since = self._phone.now()
        if self._live and self._phone.state == "lost" and self._losing is None:
            self._losing = asyncio.get_running_loop().call_later(KEPT_S, self.closed)
        self._turn.set()

    def _keep(self) -> None:
        if self._losing is not None:
            self._losing.cancel()
            self._losing = None

    def closed(self) -> None:
        """It does not come back."""
        was_live = self._live
        self._over, self._live = True, False
        self._keep()
        self._turn.set()
        if was_live:
            self._on_gone()
