"""The server side: requests of others, and calls that come in (RFC 3261 sections 8.2, 9.2, 13.3).

What comes within a call is in `telebank.sip.within`.
"""

from telebank.sip.core import Core
from telebank.sip.crowding import Crowding
from telebank.sip.dialog import for_server
from telebank.sip.door import NOBODY, Door
from telebank.sip.events import (
    CallConfirmed,
    CallOffered,
    OfferAnswered,
)
from telebank.sip.exchange import Talk
from telebank.sip.headers import ALLOWED, SDP_TYPE
from telebank.sip.identities import read_identities
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import HeaderLines, Request
from telebank.sip.refer import Transfers
from telebank.sip.registering import Registering
from telebank.sip.reliable import ReliableServer
from telebank.sip.screening import (
    Rejection,
    busy,
    is_scanner,
    refuse_body,
    refuse_early,
)
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.session_timer import SessionTimers
from telebank.sip.statuses import UNAVAILABLE
from telebank.sip.transaction import IllegalTransition, ServerTransaction, State
from telebank.sip.trunks import Trunk
from telebank.sip.uri import Hop
from telebank.sip.within import WithinDialog, note_methods


class ServerSide:
    """Takes every request that comes in."""

    def __init__(
        self, core: Core, door: Door | None, phones: Registering | None,
        timers: SessionTimers, transfers: Transfers,
    ) -> None:  # fmt: skip
        """Without `door` everybody is let in, without `phones` no REGISTER is."""
        self.core = core
        self._door = door
        self._phones = phones
        self.reliable = ReliableServer(core, self.free, self.give_up)
        self._timers = timers
        self._within = WithinDialog(core, self.reliable, timers, transfers)
        self._crowding = Crowding(core)

    def request(self, request: Request, source: Hop, now: float) -> None:
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
            self.core.shut(source)
        elif request.method == "CANCEL":
            self._cancel(request, source, now)
        else:
            self._new(request, source, now)

    def _new(self, request: Request, source: Hop, now: float) -> None:
        leg = self.core.leg_of(request) if request.to.tag else None
        if leg is not None:
            self._inside(leg, request, source, now)
            return
        phones, door, trunk = self._phones, self._door, NOBODY
        if door is not None and request.method != "REGISTER":
            screened = door.screen(request, source, now)
            if not isinstance(screened, Trunk):
                if screened is not None:
                    self.core.answer_once(request, source, *screened)
                return
            trunk = screened
        registers = phones is not None
        rejection = refuse_early(request, self.core.options.supported, registers=registers)
        rejection = rejection or self._full()
        if rejection is not None:
            self.core.answer_once(request, source, *rejection)
            if door is not None:
                door.failed(source, now)
        elif phones is not None and request.method == "REGISTER":
            phones.request(request, source, now)
        elif request.to.tag or request.method not in ("INVITE", "OPTIONS"):
            self.core.answer_once(request, source, 481)
        else:
            self._outside(request, source, trunk, now)

    def _full(self) -> Rejection | None:
        """503 where not one transaction more is opened."""
        room = len(self.core.layer) < 2 * self.core.options.max_transactions
        return None if room else busy(self.core.options)

    # Within calls

    def _inside(self, leg: Leg, request: Request, source: Hop, now: float) -> None:
        core, ends = self.core, request.method == "BYE"
        rejection = refuse_early(request, core.options.supported, registers=False)
        rejection = rejection or (None if ends else self._full())
        if rejection is not None:
            core.answer_once(request, source, *rejection)
        elif self._crowding.lets(leg, request, now):
            self._within.request(leg, request, source, now)
        else:
            core.answer_once(request, source, *busy(core.options))
            if self._crowding.enough(leg):
                self._crowded(leg, source, now)

    def _crowded(self, leg: Leg, source: Hop, now: float) -> None:
        """End a call in which far too much is asked. One of ours that is not answered yet goes on:
        what it brings is refused without a trace."""
        why = "too many requests within the call"
        if leg.ended or leg.state is LegState.CALLING:
            return
        self.core.trouble("crowded call", why, source)
        if leg.state is LegState.OFFERED:
            self.give_up(leg, 500, why, now)
            return
        self.core.end(leg, "error", why)
        if leg.state is LegState.LIVE:  # else BYE waits for the ACK
            self.core.bye(leg, now)

    # New calls

    def _outside(self, request: Request, source: Hop, trunk: Trunk, now: float) -> None:
        rejection = self._refuse_outside(request)
        if rejection is not None:
            self.core.answer_once(request, source, *rejection)
        elif request.method == "OPTIONS":
            contact = self.core.contact_for(request)
            headers = [("Allow", ALLOWED), ("Accept", SDP_TYPE), ("Contact", contact)]
            headers.append(("Supported", self.core.options.supported))
            self.core.answer_once(request, source, 200, headers)
        else:
            self._offered(request, source, trunk, now)

    def _refuse_outside(self, request: Request) -> Rejection | None:
        core, options = self.core, self.core.options
        if request.method == "INVITE" and core.layer.is_merged(request):
            return Rejection(482)
        if core.draining or core.calls >= options.max_calls:
            return busy(options)
        if request.method == "OPTIONS":
            return None
        if len(core.layer) >= options.max_transactions or len(core.offered) >= options.max_pending:
            return busy(options)
        return refuse_body(request) or self._timers.refuse(request)

    def _offered(self, request: Request, source: Hop, trunk: Trunk, now: float) -> None:
        core = self.core
        try:
            offer = SessionDescription.parse(request.body) if request.body else None
        except MalformedDescription as error:
            core.answer_once(request, source, 400)
            core.trouble("malformed offer", str(error), source)
            return
        tag = core.token()
        leg = Leg(core.token(), LegState.OFFERED, tag, source)
        leg.trusted = trunk.options.trusted
        if self._door is not None:
            leg.trunk = trunk.name
            core.trunk_calls[trunk.name, leg.way] += 1
        transaction = core.layer.open_server(request, source, leg.id, now)
        leg.invite = transaction.key
        core.legs[leg.id] = leg
        core.offered.add(leg.id)
        core.open_dialog(leg, for_server(request, tag, source))
        self.reliable.begin(leg, request)
        note_methods(leg, request)
        if offer is not None:
            leg.exchange.offered(offer)
        core.timers.start(leg.id, "ring", now + core.options.ring_timeout)
        core.answer(transaction, 100, now)
        who = read_identities(request, trusted=trunk.options.trusted)
        core.out.append(
            CallOffered(
                leg.id,
                request.call_id,
                who.caller.uri,
                who.caller.display,
                request.uri,
                offer,
                source,
                core.layer.streams.get(source, ()),
                leg.trunk,
                who,
            )
        )

    def _cancel(self, request: Request, source: Hop, now: float) -> None:
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
            core.drop_asked(leg, now)
            core.end(leg, "cancel", "cancelled by the caller")
            core.forget(leg)
        elif leg.asked == invite.key:
            self._closed(leg)
            leg.exchange.failed()

    # What the application says

    def progress(self, leg: Leg, status: int, sdp: bytes, now: float) -> None:
        """A provisional response with the tag of the dialog to be, reliable where wanted."""
        waits = leg.final is not None and leg.state is LegState.OFFERED
        if not waits:  # else the final answer is decided: it comes too late
            self.reliable.progress(leg, self._open_invite(leg), status, sdp, now)

    def accept(self, leg: Leg, sdp: bytes, now: float) -> None:
        """200 to the first INVITE, as soon as what is open before it is done."""
        self._open_invite(leg)
        if leg.final is not None:
            raise IllegalTransition("the INVITE has its answer already")
        leg.final = sdp
        self.free(leg, now)

    def free(self, leg: Leg, now: float) -> None:
        """Send the 200 that waits, if nothing has to come before it: the PRACK of a session
        (RFC 3262 section 3), the answer to an offer in PRACK or UPDATE."""
        invite = self.core.layer.servers.get(leg.invite)
        if leg.final is None or leg.state is not LegState.OFFERED or invite is None:
            return
        if self.reliable.blocks(leg) or leg.asked or leg.asking or leg.reoffer:
            return
        self.reliable.final(leg)
        self.core.timers.stop(leg.id, ("ring",))
        self.core.offered.discard(leg.id)
        leg.move(LegState.ANSWERED)
        self._say_ok(leg, invite, leg.final, now)

    def accept_again(self, leg: Leg, sdp: bytes, now: float) -> None:
        """200 to a re-INVITE, UPDATE or PRACK; nothing where it was cancelled meanwhile."""
        asked = self.core.layer.servers.get(leg.asked)
        self._closed(leg)
        if asked is None:
            return
        if asked.request.method == "INVITE":
            leg.refreshed = True
            self._say_ok(leg, asked, sdp, now)
            return
        leg.exchange.answer(sdp)
        update = asked.request.method == "UPDATE"
        headers = self._within.kept(leg, asked.request, now) if update else ()
        self.core.answer(asked, 200, now, headers=headers, body=sdp)
        self.free(leg, now)

    def refuse(
        self, leg: Leg, status: int, now: float, reason: str | None, headers: HeaderLines
    ) -> None:
        """Refuse the call; whoever says 503 says when to come back (RFC 3261 21.5.4)."""
        core = self.core
        if status == UNAVAILABLE and not headers:
            headers = busy(core.options).headers
        invite = self._open_invite(leg)
        core.drop_asked(leg, now)
        core.answer(invite, status, now, to_tag=leg.local_tag, reason=reason, headers=headers)
        core.end(leg, "local", f"refused with {status}")
        core.forget(leg)

    def refuse_again(
        self, leg: Leg, status: int, now: float, reason: str | None, headers: HeaderLines
    ) -> None:
        """Refuse the re-INVITE, UPDATE or PRACK that is open."""
        asked = self.core.layer.servers.get(leg.asked)
        self._closed(leg)
        if asked is not None:
            leg.exchange.failed()
            self.core.answer(asked, status, now, reason=reason, headers=headers)
            self.free(leg, now)

    def give_up(self, leg: Leg, status: int, why: str, now: float) -> None:
        """The INVITE cannot be brought to an end."""
        self.core.end(leg, "timeout" if status == 504 else "error", why)  # noqa: PLR2004
        if leg.state is LegState.OFFERED:
            self.refuse(leg, status, now, None, ())

    def _open_invite(self, leg: Leg) -> ServerTransaction:
        invite = self.core.layer.servers.get(leg.invite)
        if leg.state is not LegState.OFFERED or invite is None:
            raise IllegalTransition(f"no INVITE to answer: the leg is {leg.state.name}")
        return invite

    def _say_ok(self, leg: Leg, invite: ServerTransaction, sdp: bytes, now: float) -> None:
        """A 200 to an INVITE, repeated until its ACK comes (13.3.1.4)."""
        core, request, exchange = self.core, invite.request, leg.exchange
        leg.late = exchange.talk is not Talk.THEIRS and not request.body
        if exchange.talk is Talk.THEIRS:
            exchange.answer(sdp)
        elif leg.refreshed or exchange.talk is Talk.NEW:
            exchange.offer(sdp)
        else:  # agreed in a reliable provisional response: no session is in the 200
            leg.late, sdp = False, b""
        leg.ok_cseq, leg.ok_repeats = request.cseq, 0
        headers = self._within.kept(leg, request, now)
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

    def _ack(self, request: Request, source: Hop, now: float) -> None:
        leg = self.core.leg_of(request)
        if leg is None or leg.ok_cseq != request.cseq:
            return
        leg.ok_cseq, leg.unacked = -1, ()
        self.core.timers.stop(leg.id, ("ok", "ack"))
        answer = self._answer_in(request, source) if leg.late and not leg.ended else None
        if answer is not None:
            leg.exchange.answered(answer)
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

    def _answer_in(self, request: Request, source: Hop) -> SessionDescription | None:
        if request.content_type != SDP_TYPE:
            return None
        try:
            return SessionDescription.parse(request.body)
        except MalformedDescription as error:
            self.core.trouble("malformed ACK", str(error), source)
            return None
