"""Reliable provisional responses: ours to a caller, theirs to us (RFC 3262), and offers and answers
in them and in PRACK (section 5).

One is out at a time, though section 3 allows more once the first has its PRACK: what is sent next
is then never in doubt.
"""

import re
import zlib
from collections.abc import Callable
from typing import Literal

from telebank.sip.core import Core
from telebank.sip.events import CallRinging, OfferAnswered, OfferReceived
from telebank.sip.exchange import Exchange, Talk
from telebank.sip.headers import MAX_CSEQ, SDP_TYPE
from telebank.sip.leg import Early, Leg, LegState
from telebank.sip.message import Request, Response
from telebank.sip.screening import Rejection, refuse_body
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.session_timer import requires, supports
from telebank.sip.transaction import ClientTransaction, ServerTransaction

MAX_WAITING = 8
"""Provisional responses that wait for the PRACK of the one before."""
MAX_EARLY = 8
"""Early dialogs of one INVITE (forks) whose reliable responses are taken."""
_RACK = re.compile(r"([0-9]{1,10})[ \t]+([0-9]{1,10})[ \t]+(\S+)")
_RSEQ = re.compile(r"[0-9]{1,10}")
MAX_RSEQ = 2**32 - 1

Act = Callable[[Leg, float], None]


class ReliableServer:
    """Our 101 to 199 to an INVITE. `free` is called when a PRACK has come: a 200 may wait for it;
    `give_up(leg, status, why, now)` ends an INVITE that cannot go on."""

    def __init__(
        self, core: Core, free: Act, give_up: Callable[[Leg, int, str, float], None]
    ) -> None:
        self.core = core
        self._free = free
        self._give_up = give_up

    def begin(self, leg: Leg, request: Request) -> None:
        """A new INVITE: whether its provisional responses are to be reliable."""
        required = requires(request, "100rel")
        wanted = supports(request, "100rel")
        leg.reliably.cseq = request.cseq
        leg.reliably.required = required
        leg.reliably.wanted = required or (wanted and self.core.options.reliable_always)

    def progress(self, leg: Leg, invite: ServerTransaction, status: int, sdp: bytes, now: float
    ) -> None:  # fmt: skip
        """Say one, now or when the one before has its PRACK."""
        reliably = leg.reliably
        if not reliably.wanted:
            self._plainly(leg, invite, status, sdp, now)
        elif not reliably.unacked:
            self._say(leg, invite, status, sdp, now)
        elif len(reliably.waiting) < MAX_WAITING and (status, sdp) not in reliably.waiting[-1:]:
            reliably.waiting.append((status, sdp))

    def _plainly(
        self, leg: Leg, invite: ServerTransaction, status: int, sdp: bytes, now: float
    ) -> None:
        """Not reliable: its SDP, early media, must be that of the 200 (RFC 3261 13.2.1); an offer
        of ours cannot be in it."""
        body = sdp if leg.exchange.talk is Talk.THEIRS else b""
        headers = self.core.dialog_headers(invite.request)
        self.core.answer(
            invite, status, now, to_tag=leg.local_tag, headers=headers, body=body
        )  # fmt: skip

    def _say(
        self, leg: Leg, invite: ServerTransaction, status: int, sdp: bytes, now: float
    ) -> None:
        core, reliably, exchange = self.core, leg.reliably, leg.exchange
        if exchange.talk is Talk.NEW and not sdp:
            # The first reliable answer to an INVITE without a session has to offer one (RFC 3261
            # 13.2.1): without it there is nothing that such a caller could be told.
            if not reliably.required:
                self._plainly(leg, invite, status, b"", now)
            return
        body = b""
        if sdp and not leg.asked and exchange.talk is Talk.THEIRS:
            exchange.answer(body := sdp)
        elif sdp and exchange.talk is Talk.NEW:
            exchange.offer(body := sdp)
        if not reliably.rseq:  # section 3: at random, so that none is guessed
            reliably.rseq = zlib.crc32(core.token().encode()) % MAX_CSEQ
        reliably.rseq += 1
        reliably.unacked, reliably.described, reliably.repeats = True, bool(body), 0
        headers = [
            ("Require", "100rel"), ("RSeq", str(reliably.rseq)),
            *core.dialog_headers(invite.request),
        ]  # fmt: skip
        core.answer(invite, status, now, to_tag=leg.local_tag, headers=headers, body=body)
        core.timers.start(leg.id, "progress", now + core.options.t1)
        core.timers.start(leg.id, "prack", now + core.options.transaction_timeout)

    def repeat(self, leg: Leg, now: float) -> None:
        """Once more, after T1, then twice as long each time without a bound (section 3)."""
        invite = self.core.layer.servers.get(leg.invite)
        if invite is not None:
            leg.reliably.repeats += 1
            self.core.layer.say(invite, 180, invite.last, now)
            wait = self.core.options.t1 * 2.0**leg.reliably.repeats
            self.core.timers.start(leg.id, "progress", now + wait)

    def unheard(self, leg: Leg, now: float) -> None:
        """No PRACK within 64*T1: the INVITE is refused (section 3)."""
        self._give_up(leg, 504, "no PRACK to our provisional response", now)

    def final(self, leg: Leg) -> None:
        """The final answer is on its way: no repeats, nothing new; a PRACK may still come."""
        leg.reliably.waiting.clear()
        self.core.timers.stop(leg.id, ("progress", "prack"))

    @staticmethod
    def blocks(leg: Leg) -> bool:
        """Whether a 2xx has to wait: a session description has no PRACK yet (section 3)."""
        return leg.reliably.unacked and leg.reliably.described

    # PRACK

    def prack(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        """A PRACK, with an answer or an offer or neither."""
        core, request, reliably = self.core, transaction.request, leg.reliably
        named = _RACK.fullmatch(request.first("rack"))
        if named is None:
            core.answer(transaction, 400, now)
            return
        known = (str(reliably.rseq), str(reliably.cseq), "INVITE")
        said = (str(int(named[1])), str(int(named[2])), named[3])
        if not reliably.unacked or said != known:
            core.answer(transaction, 481, now)
            return
        session = self._session(leg, request)
        if isinstance(session, Rejection):
            core.answer(transaction, session.status, now, headers=session.headers)
            return
        reliably.unacked = False
        core.timers.stop(leg.id, ("progress", "prack"))
        self._acknowledged(leg, transaction, session, now)
        if leg.state is LegState.OFFERED:
            self._next(leg, now)
            self._free(leg, now)

    def _session(self, leg: Leg, request: Request) -> SessionDescription | Rejection | None:
        """What the PRACK holds; refused where offer and answer do not allow it now."""
        rejection = refuse_body(request)
        if rejection is not None:
            return rejection
        answers = leg.exchange.talk is Talk.OURS and leg.reliably.described
        if request.body and not answers:
            if leg.exchange.talk is Talk.OURS or leg.asking:
                return Rejection(491)
            if leg.exchange.talk is not Talk.AGREED or leg.asked:
                return Rejection(500, [("Retry-After", str(round(self.core.chance(0, 10))))])
        try:
            return SessionDescription.parse(request.body) if request.body else None
        except MalformedDescription:
            return Rejection(400)

    def _acknowledged(
        self, leg: Leg, transaction: ServerTransaction, session: SessionDescription | None,
        now: float,
    ) -> None:  # fmt: skip
        core, exchange = self.core, leg.exchange
        if exchange.talk is Talk.OURS and leg.reliably.described:
            if session is None:
                core.answer(transaction, 400, now)
                self._give_up(leg, 500, "no answer in the PRACK", now)
                return
            core.answer(transaction, 200, now)
            exchange.answered(session)
            core.out.append(OfferAnswered(leg.id, session))
        elif session is not None:
            exchange.offered(session)
            leg.asked = transaction.key
            core.timers.start(leg.id, "offer", now + core.options.offer_timeout)
            core.out.append(OfferReceived(leg.id, session))
        else:
            core.answer(transaction, 200, now)

    def _next(self, leg: Leg, now: float) -> None:
        invite = self.core.layer.servers.get(leg.invite)
        if invite is not None and leg.reliably.waiting and leg.final is None:
            self._say(leg, invite, *leg.reliably.waiting.pop(0), now)


class ReliableClient:
    """Their 101 to 199 to our INVITE, in the order of RSeq (section 4)."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def take(
        self, leg: Leg, transaction: ClientTransaction, response: Response,
        opens: Callable[[], Early], now: float,
    ) -> Literal["plain", "taken", "dropped"]:  # fmt: skip
        """`plain` where it is not reliable; `opens` makes the early dialog of its tag."""
        if not requires(response, "100rel") or not response.to.tag:
            return "plain"
        text = response.first("rseq")
        rseq = int(text) if _RSEQ.fullmatch(text) else 0
        early = leg.earlies.get(response.to.tag)
        if not 0 < rseq <= MAX_RSEQ or (early is None and len(leg.earlies) >= MAX_EARLY):
            return "dropped"
        if early is not None and early.rseq and rseq != early.rseq + 1:
            return "dropped"  # it came again, or one before it is missing: no PRACK (section 4)
        if leg.unpracked and described(response) is not None and not leg.opening:
            return "dropped"  # the application answers one offer at a time: it comes again
        early = early or opens()
        early.rseq = rseq
        self._taken(leg, early, transaction, response, now)
        return "taken"

    def _taken(
        self, leg: Leg, early: Early, transaction: ClientTransaction, response: Response,
        now: float,
    ) -> None:  # fmt: skip
        core, exchange, session = self.core, early.exchange, described(response)
        if session is not None and exchange.talk is Talk.NEW:
            exchange.offered(session)
            leg.unpracked, leg.unpracked_tag = transaction.sent.cseq, early.dialog.remote_tag
            core.timers.start(leg.id, "offer", now + core.options.offer_timeout)
            core.out.append(CallRinging(leg.id, response.status, None))
            core.out.append(OfferReceived(leg.id, session))
            return
        if session is not None and exchange.talk is Talk.OURS and not leg.asking:
            exchange.answered(session)
        self._prack(leg, early, transaction.sent.cseq, b"", now)
        leg.early = exchange.theirs or leg.early
        core.out.append(CallRinging(leg.id, response.status, leg.early))

    def answer(self, leg: Leg, sdp: bytes, now: float) -> None:
        """PRACK with our answer to the offer that came."""
        early = leg.earlies[leg.unpracked_tag]
        cseq, leg.unpracked = leg.unpracked, 0
        self.core.timers.stop(leg.id, ("offer",))
        early.exchange.answer(sdp)
        self._prack(leg, early, cseq, sdp, now)

    def _prack(self, leg: Leg, early: Early, cseq: int, sdp: bytes, now: float) -> None:
        lines = [("RAck", f"{early.rseq} {cseq} INVITE")]
        leg.pracking = self.core.request(leg, "PRACK", now, sdp, lines, early=early.dialog).key


def described(response: Response) -> SessionDescription | None:
    """The SDP of a response, None where there is none or it cannot be read."""
    if not response.body or response.content_type != SDP_TYPE:
        return None
    try:
        return SessionDescription.parse(response.body)
    except MalformedDescription:
        return None


def opened(sdp: bytes) -> Exchange:
    """Offer and answer of an INVITE of ours, as each of its dialogs begins."""
    exchange = Exchange()
    if sdp:
        exchange.offer(sdp)
    return exchange
