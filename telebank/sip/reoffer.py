"""Offers of ours within a call: re-INVITE, and UPDATE before the call is answered (RFC 3261 14.1,
RFC 3311 5.1)."""

from collections.abc import Callable

from telebank.sip.core import Core
from telebank.sip.events import OfferAnswered, OfferRefused
from telebank.sip.exchange import Talk
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import Response
from telebank.sip.reliable import described
from telebank.sip.session_timer import SessionTimers
from telebank.sip.statuses import DEAD_DIALOG, GLARE, MULTIPLE_CHOICES, OK, TOO_SMALL
from telebank.sip.transaction import ClientTransaction, IllegalTransition
from telebank.sip.within import EARLY, note_methods


class OurOffers:
    """Of all legs of one user agent. `free` is called when an offer has ended: our own 200 may wait
    for that."""

    def __init__(
        self, core: Core, timers: SessionTimers, free: Callable[[Leg, float], None]
    ) -> None:
        self.core = core
        self._timers = timers
        self._free = free

    def reoffer(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Offer another session; refused at once with 491 while another offer is open, and before
        the final answer also where the other side takes no UPDATE, or where no session is agreed
        (reliably: RFC 3311 5.1)."""
        early = leg.state in EARLY
        if not early and leg.state is not LegState.LIVE:
            raise IllegalTransition(f"no re-INVITE while the leg is {leg.state.name}")
        busy = bool(leg.reoffer or leg.asking or leg.unacked) or self._theirs(leg)
        if early and not busy:
            agreed = leg.exchange.talk is Talk.AGREED and leg.dialog is not None
            held = leg.pracking or leg.reliably.unacked or leg.final is not None
            busy = not agreed or not leg.updates or bool(held)
        if busy:
            self.core.out.append(OfferRefused(leg.id, GLARE, sent=False))
            return
        leg.glares = 0
        self._ask(leg, sdp, now)

    @staticmethod
    def _theirs(leg: Leg) -> bool:
        """Whether what the other side began has to end first."""
        return bool(leg.asked) or leg.ok_cseq >= 0 or leg.exchange.open

    def ask_again(self, leg: Leg, now: float) -> None:
        """The wait after a 491 is over."""
        if leg.asking or self._theirs(leg) or leg.state is LegState.ANSWERED:
            self._wait(leg, now)
        else:
            self._ask(leg, leg.reoffer, now)

    def withdraw(self, leg: Leg, now: float) -> None:
        """Do not make our offer again; one that is out is not made again after a 491."""
        if leg.asking:
            leg.glares = self.core.options.max_glare_retries
        elif leg.reoffer:
            leg.reoffer = b""
            self.core.timers.stop(leg.id, ("glare",))
            if not leg.asked:
                self.core.out.append(OfferRefused(leg.id, GLARE))
            self._free(leg, now)

    def _ask(self, leg: Leg, sdp: bytes, now: float) -> None:
        core, early = self.core, leg.state in EARLY
        leg.reoffer = sdp
        leg.exchange.offer(sdp)
        headers = [] if early else self._timers.ask_within(leg)
        method = "UPDATE" if early else "INVITE"
        leg.asking = core.request(leg, method, now, sdp, headers).key

    def final(
        self, leg: Leg, transaction: ClientTransaction, status: int, response: Response | None,
        now: float,
    ) -> None:  # fmt: skip
        """The final answer to an offer or a refresh of ours; a 2xx to an INVITE has its ACK."""
        refresh = transaction.key == leg.timer.refreshing
        if response is not None and OK <= status < MULTIPLE_CHOICES:
            note_methods(leg, response)
            if refresh:
                self._refreshed(leg, transaction, response, now)
            else:
                self._accepted(leg, transaction, response, now)
        elif refresh:
            self._timers.failed(leg, status, response, now)
        else:
            self._failed(leg, status, response, now)

    def _refreshed(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        if transaction.key == leg.asking:
            leg.asking = ()
            self._timers.answered(leg, response)
        self._timers.refreshed(leg, response, now)

    def _accepted(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        assert leg.dialog is not None
        leg.dialog.refresh(response)
        leg.asking, leg.reoffer = (), b""
        if transaction.sent.method == "INVITE":
            self._timers.accepted(leg, response, now)
        session = described(response)
        if session is not None:
            leg.exchange.answered(session)
            self.core.out.append(OfferAnswered(leg.id, session))
        else:
            leg.exchange.failed()
            self.core.out.append(OfferRefused(leg.id, 488))
        self._free(leg, now)

    def _failed(self, leg: Leg, status: int, response: Response | None, now: float) -> None:
        core = self.core
        leg.asking = ()
        leg.exchange.failed()
        if status == GLARE and leg.glares < core.options.max_glare_retries:
            leg.glares += 1
            self._wait(leg, now)
            return
        if status == TOO_SMALL and response is not None and self._timers.longer(leg, response):
            self._ask(leg, leg.reoffer, now)
            return
        leg.reoffer = b""
        core.out.append(OfferRefused(leg.id, status))
        if status in DEAD_DIALOG and leg.state is LegState.LIVE:
            # 12.2.1.2: the other side does not know the call any more
            core.end(leg, "timeout" if status == 408 else "error", f"{status} to a re-INVITE")  # noqa: PLR2004
            core.bye(leg, now)
        else:
            self._free(leg, now)

    def _wait(self, leg: Leg, now: float) -> None:
        """14.1: the owner of the Call-ID waits longer, so that the two do not meet again."""
        own = leg.invite[:1] == ("c",)
        wait = self.core.chance(2.1, 4.0) if own else self.core.chance(0.0, 2.0)
        self.core.timers.start(leg.id, "glare", now + wait)
