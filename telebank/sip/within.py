"""Requests of the other side within a call (RFC 3261 12.2.2, 14.2, 15.1.2; RFC 3311 5.2)."""

from telebank.sip.core import Core
from telebank.sip.events import KeyInfoReceived, OfferReceived
from telebank.sip.exchange import Talk
from telebank.sip.headers import ALLOWED, SDP_TYPE
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import Request, Response
from telebank.sip.refer import Transfers
from telebank.sip.reliable import ReliableServer
from telebank.sip.screening import KEY_TYPES, Rejection, key_of, refuse_body
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.session_timer import SessionTimers
from telebank.sip.transaction import ServerTransaction, State
from telebank.sip.uri import Hop

EARLY = (LegState.OFFERED, LegState.CALLING)


class WithinDialog:
    """Takes every request that belongs to a leg."""

    def __init__(
        self, core: Core, reliable: ReliableServer, timers: SessionTimers, transfers: Transfers
    ) -> None:
        self.core = core
        self._timers = timers
        self._acts = {
            "BYE": self._bye,
            "INVITE": self._reinvite,
            "UPDATE": self._update,
            "INFO": self._info,
            "OPTIONS": self._ping,
            "PRACK": reliable.prack,
            "REFER": transfers.asked,
            "NOTIFY": transfers.notified,
        }

    def request(self, leg: Leg, request: Request, source: Hop, now: float) -> None:
        """One that is new and has passed the screening."""
        core, dialog = self.core, leg.dialog
        assert dialog is not None
        transaction = core.layer.open_server(request, source, leg.id, now, leg.trunk)
        if leg.state is LegState.ENDING and request.method != "BYE":
            core.answer(transaction, 481, now)
        elif not dialog.in_order(request):
            core.answer(transaction, 500, now)
        else:
            dialog.heard_from(source)
            self._acts[request.method](leg, transaction, now)

    def _bye(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        core = self.core
        core.answer(transaction, 200, now)
        pending = core.layer.servers.get(leg.invite)
        if pending is not None and pending.state is State.PROCEEDING:
            core.answer(pending, 487, now, to_tag=leg.local_tag)
        core.drop_asked(leg, now)
        if leg.state is LegState.ENDING:
            return  # both hung up at once: our own BYE still waits for its answer
        core.end(leg, "remote", "BYE")
        core.forget(leg)

    def _ping(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        headers = [
            ("Allow", ALLOWED), ("Accept", SDP_TYPE), ("Supported", self.core.options.supported)
        ]  # fmt: skip
        self.core.answer(transaction, 200, now, to_tag=leg.local_tag, headers=headers)

    def _info(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if request.body and request.content_type not in KEY_TYPES:
            self.core.answer(transaction, 415, now, headers=[("Accept", ", ".join(KEY_TYPES))])
            return
        self.core.answer(transaction, 200, now)
        digit = key_of(request) if request.body else ""
        if digit:
            self.core.out.append(KeyInfoReceived(leg.id, digit))

    def _reinvite(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        self.core.answer(transaction, 100, now)
        rejection = self._not_now(leg, transaction.request)
        if rejection is None and leg.state is not LegState.LIVE:
            rejection = self._later()
        self._offered(leg, transaction, rejection, now)

    def _update(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        if request.body:
            self._offered(leg, transaction, self._not_now(leg, request), now)
            return
        # One UPDATE at a time, whatever it holds (RFC 3311 5.2).
        rejection = self._timers.refuse(request) or (self._later() if leg.asked else None)
        if rejection is not None:
            self.core.answer(transaction, rejection.status, now, headers=rejection.headers)
            return
        self.refresh(leg, request)
        self.core.answer(transaction, 200, now, headers=self.kept(leg, request, now))

    def kept(self, leg: Leg, request: Request, now: float) -> list[tuple[str, str]]:
        """Header lines of a 2xx that keeps the dialog; a session that is not there yet has no
        timer."""
        early = leg.state in EARLY
        timed = [] if early else self._timers.accept(leg, request, now)
        return [*self.core.dialog_headers(request), *timed]

    def refresh(self, leg: Leg, request: Request) -> None:
        """The other side's target, and what it takes."""
        assert leg.dialog is not None
        leg.dialog.refresh(request)
        note_methods(leg, request)

    def _later(self) -> Rejection:
        return Rejection(500, [("Retry-After", str(round(self.core.chance(0, 10))))])

    def _not_now(self, leg: Leg, request: Request) -> Rejection | None:
        """Why an offer cannot be taken now (RFC 3261 14.2, RFC 3311 5.2): 491 where one of ours is
        open, 500 where one of theirs is."""
        update = request.method == "UPDATE"
        if leg.asking or (update and leg.exchange.talk is Talk.OURS):
            return Rejection(491)
        if leg.state is LegState.CALLING and not update:
            return Rejection(491)
        if leg.asked or leg.ok_cseq >= 0 or leg.exchange.open or leg.exchange.talk is Talk.NEW:
            return self._later()
        return refuse_body(request) or self._timers.refuse(request)

    def _offered(
        self, leg: Leg, transaction: ServerTransaction, rejection: Rejection | None, now: float
    ) -> None:
        core, request = self.core, transaction.request
        try:
            offer = SessionDescription.parse(request.body) if request.body else None
        except MalformedDescription:
            rejection, offer = rejection or Rejection(400), None
        if rejection is not None:
            core.answer(transaction, rejection.status, now, headers=rejection.headers)
            return
        self.refresh(leg, request)
        if offer is not None:
            leg.exchange.offered(offer)
        leg.asked = transaction.key
        core.timers.start(leg.id, "offer", now + core.options.offer_timeout)
        core.out.append(OfferReceived(leg.id, offer))


def note_methods(leg: Leg, message: Request | Response) -> None:
    """Whether the other side takes UPDATE, as its last Allow says."""
    lines = message.headers.get("allow")
    if lines is not None:
        leg.updates = any(
            "UPDATE" in (method.strip() for method in line.split(",")) for line in lines
        )
