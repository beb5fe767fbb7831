"""The server side: requests of others (RFC 3261 sections 8.2, 9.2, 12.2.2, 13.3, 14.2, 15.1.2)."""

from telebank.sip.core import ALLOWED, SDP_TYPE, Core
from telebank.sip.dialog import for_server
from telebank.sip.events import (
    CallConfirmed,
    CallOffered,
    KeyInfoReceived,
    OfferAnswered,
    OfferReceived,
)
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import HeaderLines, Request
from telebank.sip.screening import (
    KEY_TYPES,
    Rejection,
    busy,
    is_scanner,
    key_of,
    refuse_body,
    refuse_early,
)
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.transaction import IllegalTransition, ServerTransaction, State
from telebank.sip.uri import Address


class ServerSide:
    """Takes every request that comes in."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._in_dialog = {
            "BYE": self._bye,
            "INVITE": self._reinvite,
            "UPDATE": self._update,
            "INFO": self._info,
            "OPTIONS": self._ping,
        }

    def request(self, request: Request, source: Address, now: float) -> None:
        """Any request, new or repeated."""
        layer = self.core.layer
        known = layer.find_server(request)
        if request.method == "ACK":
            if known is None or layer.acknowledged(known, now):
                self._ack(request, source, now)
        elif known is not None:
            layer.repeated(known, now)
        elif is_scanner(request, self.core.options):
            self.core.trouble("scanner", "dropped without an answer", source)
        elif request.method == "CANCEL":
            self._cancel(request, source, now)
        else:
            self._new(request, source, now)

    def _new(self, request: Request, source: Address, now: float) -> None:
        rejection = refuse_early(request)
        leg = self.core.leg_of(request) if request.to.tag else None
        room = len(self.core.layer) - 2 * self.core.options.max_transactions
        if rejection is None and room >= 0:
            rejection = busy(self.core.options)
        if rejection is not None:
            self.core.answer_once(request, source, *rejection)
        elif leg is not None:
            self._within(leg, request, source, now)
        elif request.to.tag or request.method not in ("INVITE", "OPTIONS"):
            self.core.answer_once(request, source, 481)
        else:
            self._outside(request, source, now)

    # New calls

    def _outside(self, request: Request, source: Address, now: float) -> None:
        rejection = self._refuse_outside(request)
        if rejection is not None:
            self.core.answer_once(request, source, *rejection)
        elif request.method == "OPTIONS":
            headers = [("Allow", ALLOWED), ("Accept", SDP_TYPE), ("Contact", self.core.contact)]
            self.core.answer_once(request, source, 200, headers)
        else:
            self._offered(request, source, now)

    def _refuse_outside(self, request: Request) -> Rejection | None:
        core, options = self.core, self.core.options
        if request.method == "INVITE" and core.layer.is_merged(request):
            return Rejection(482)
        if core.draining or len(core.legs) >= options.max_calls:
            return busy(options)
        if request.method == "OPTIONS":
            return None
        if len(core.layer) >= options.max_transactions or len(core.offered) >= options.max_pending:
            return busy(options)
        return refuse_body(request)

    def _offered(self, request: Request, source: Address, now: float) -> None:
        core = self.core
        try:
            offer = SessionDescription.parse(request.body) if request.body else None
        except MalformedDescription as error:
            core.answer_once(request, source, 400)
            core.trouble("malformed offer", str(error), source)
            return
        tag = core.token()
        leg = Leg(core.token(), LegState.OFFERED, tag, source)
        transaction = core.layer.open_server(request, source, leg.id, now)
        leg.invite = transaction.key
        core.legs[leg.id] = leg
        core.offered.add(leg.id)
        core.open_dialog(leg, for_server(request, tag, source))
        core.timers.start(leg.id, "ring", now + core.options.ring_timeout)
        core.answer(transaction, 100, now)
        caller = request.from_
        core.out.append(
            CallOffered(
                leg.id, request.call_id, caller.uri, caller.display, request.uri, offer, source
            )
        )

    def _cancel(self, request: Request, source: Address, now: float) -> None:
        core = self.core
        invite = core.layer.find_server(request, "INVITE")
        leg = core.legs.get(invite.leg) if invite is not None else None
        if invite is None:
            core.answer_once(request, source, 481)
            return
        own = core.layer.open_server(request, source, invite.leg, now)
        core.answer(own, 200, now, to_tag=leg.local_tag if leg else "")
        if leg is None or invite.state is not State.PROCEEDING:
            return  # the final answer was faster: CANCEL has no effect (9.2)
        core.answer(invite, 487, now, to_tag=leg.local_tag)
        if leg.state is LegState.OFFERED:
            core.end(leg, "cancel", "cancelled by the caller")
            core.forget(leg)
        else:
            self._closed(leg)

    # What the application says

    def ring(self, leg: Leg, now: float) -> None:
        """180 with the tag of the dialog to be."""
        invite = self._open_invite(leg)
        headers = self.core.dialog_headers(invite.request)
        self.core.answer(invite, 180, now, to_tag=leg.local_tag, headers=headers)

    def accept(self, leg: Leg, sdp: bytes, now: float) -> None:
        """200 to the first INVITE."""
        invite = self._open_invite(leg)
        self.core.timers.stop(leg.id, ("ring",))
        self.core.offered.discard(leg.id)
        leg.move(LegState.ANSWERED)
        self._say_ok(leg, invite, sdp, now)

    def accept_again(self, leg: Leg, sdp: bytes, now: float) -> None:
        """200 to a re-INVITE or UPDATE; nothing where it was cancelled meanwhile."""
        asked = self.core.layer.servers.get(leg.asked)
        self._closed(leg)
        if asked is None:
            return
        if asked.request.method == "INVITE":
            leg.refreshed = True
            self._say_ok(leg, asked, sdp, now)
        else:
            headers = self.core.dialog_headers(asked.request)
            self.core.answer(asked, 200, now, headers=headers, body=sdp)

    def refuse(
        self, leg: Leg, status: int, now: float, reason: str | None, headers: HeaderLines
    ) -> None:
        """A final refusal to whatever INVITE or UPDATE is open."""
        core = self.core
        if leg.state is LegState.OFFERED:
            invite = self._open_invite(leg)
            core.answer(invite, status, now, to_tag=leg.local_tag, reason=reason, headers=headers)
            core.end(leg, "local", f"refused with {status}")
            core.forget(leg)
            return
        asked = core.layer.servers.get(leg.asked)
        self._closed(leg)
        if asked is not None:
            core.answer(asked, status, now, reason=reason, headers=headers)

    def _open_invite(self, leg: Leg) -> ServerTransaction:
        invite = self.core.layer.servers.get(leg.invite)
        if leg.state is not LegState.OFFERED or invite is None:
            raise IllegalTransition(f"no INVITE to answer: the leg is {leg.state.name}")
        return invite

    def _say_ok(self, leg: Leg, invite: ServerTransaction, sdp: bytes, now: float) -> None:
        """A 200 to an INVITE, repeated until its ACK comes (13.3.1.4)."""
        core, request = self.core, invite.request
        leg.late = not request.body
        leg.ok_cseq, leg.ok_repeats = request.cseq, 0
        headers = core.dialog_headers(request)
        core.answer(invite, 200, now, to_tag=leg.local_tag, headers=headers, body=sdp)
        leg.unacked = invite.key
        core.timers.start(leg.id, "ok", now + core.options.t1)
        core.timers.start(leg.id, "ack", now + core.options.transaction_timeout)

    def repeat_ok(self, leg: Leg, now: float) -> None:
        """The 200 once more: no ACK yet."""
        options = self.core.options
        invite = self.core.layer.servers.get(leg.unacked)
        if invite is not None:
            leg.ok_repeats += 1
            self.core.layer.say(invite, 200, invite.last, now)
            wait = min(options.t1 * 2.0**leg.ok_repeats, options.t2)
            self.core.timers.start(leg.id, "ok", now + wait)

    def no_ack(self, leg: Leg, now: float) -> None:
        """The ACK never came: the call is over (13.3.1.4)."""
        self.core.end(leg, "timeout", "no ACK to our 200")
        self.core.bye(leg, now)

    def _closed(self, leg: Leg) -> None:
        leg.asked = ()
        self.core.timers.stop(leg.id, ("offer",))

    # Within a dialog

    def _ack(self, request: Request, source: Address, now: float) -> None:
        leg = self.core.leg_of(request)
        if leg is None or leg.ok_cseq != request.cseq:
            return
        leg.ok_cseq, leg.unacked = -1, ()
        self.core.timers.stop(leg.id, ("ok", "ack"))
        answer = self._answer_in(request, source) if leg.late and not leg.ended else None
        if leg.state is LegState.ANSWERED:
            leg.move(LegState.LIVE)
        if leg.ended:
            self.core.bye(leg, now)  # hung up while the ACK was on its way (15)
        elif leg.late and answer is None:
            self.core.end(leg, "error", "no usable answer in the ACK")
            self.core.bye(leg, now)
        elif not leg.refreshed:
            self.core.out.append(CallConfirmed(leg.id, answer))
        elif answer is not None:
            self.core.out.append(OfferAnswered(leg.id, answer))
        leg.refreshed = False

    def _answer_in(self, request: Request, source: Address) -> SessionDescription | None:
        if request.content_type != SDP_TYPE:
            return None
        try:
            return SessionDescription.parse(request.body)
        except MalformedDescription as error:
            self.core.trouble("malformed ACK", str(error), source)
            return None

    def _within(self, leg: Leg, request: Request, source: Address, now: float) -> None:
        core, dialog = self.core, leg.dialog
        assert dialog is not None
        transaction = core.layer.open_server(request, source, leg.id, now)
        if leg.state is LegState.ENDING and request.method != "BYE":
            core.answer(transaction, 481, now)
        elif not dialog.in_order(request):
            core.answer(transaction, 500, now)
        else:
            self._in_dialog[request.method](leg, transaction, now)

    def _bye(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        core = self.core
        core.answer(transaction, 200, now)
        for key in (leg.invite, leg.asked):
            pending = core.layer.servers.get(key)
            if pending is not None and pending.state in (State.PROCEEDING, State.TRYING):
                core.answer(pending, 487, now, to_tag=leg.local_tag)
        if leg.state is LegState.ENDING:
            return  # both hung up at once: our own BYE still waits for its answer
        core.end(leg, "remote", "BYE")
        core.forget(leg)

    def _ping(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        headers = [("Allow", ALLOWED), ("Accept", SDP_TYPE)]
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
        self._renegotiate(leg, transaction, now)

    def _update(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        if transaction.request.body:
            self._renegotiate(leg, transaction, now)
        else:
            self._refresh(leg, transaction.request)
            headers = self.core.dialog_headers(transaction.request)
            self.core.answer(transaction, 200, now, headers=headers)

    def _renegotiate(self, leg: Leg, transaction: ServerTransaction, now: float) -> None:
        """An offer inside the call, or the reason why not now (14.2, RFC 3311 5.2)."""
        core, request = self.core, transaction.request
        again = [("Retry-After", str(round(core.chance(0, 10))))]
        rejection = refuse_body(request)
        if leg.asking or leg.state is LegState.CALLING:
            rejection = Rejection(491)
        elif leg.asked or leg.ok_cseq >= 0 or leg.state is not LegState.LIVE:
            rejection = Rejection(500, again)
        try:
            offer = SessionDescription.parse(request.body) if request.body else None
        except MalformedDescription:
            rejection, offer = rejection or Rejection(400), None
        if rejection is not None:
            core.answer(transaction, rejection.status, now, headers=rejection.headers)
            return
        self._refresh(leg, request)
        leg.asked = transaction.key
        core.timers.start(leg.id, "offer", now + core.options.offer_timeout)
        core.out.append(OfferReceived(leg.id, offer))

    def _refresh(self, leg: Leg, request: Request) -> None:
        assert leg.dialog is not None
        leg.dialog.refresh(request)
