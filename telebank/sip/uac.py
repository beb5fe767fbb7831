"""The client side: requests of ours and what comes back (RFC 3261 8.1, 9.1, 13.2, 14.1, 15.1.1)."""

from telebank.sip.core import Core
from telebank.sip.dialog import Dialog, for_client
from telebank.sip.digest_client import Signed
from telebank.sip.door import Door
from telebank.sip.events import (
    CallAnswered,
    CallRedirected,
    CallRefused,
    CallRinging,
    OfferReceived,
    SendDatagram,
)
from telebank.sip.exchange import Talk
from telebank.sip.headers import SDP_TYPE, param, parse_name_addr, split_list
from telebank.sip.leg import LEG_TIMERS, Early, Leg, LegState
from telebank.sip.message import Response
from telebank.sip.refer import Transfers
from telebank.sip.reliable import ReliableClient, described, opened
from telebank.sip.reoffer import OurOffers
from telebank.sip.session_timer import SessionTimers
from telebank.sip.statuses import MULTIPLE_CHOICES, OK, REASONS, TOO_SMALL
from telebank.sip.transaction import ClientTransaction, Key
from telebank.sip.uri import Hop, SipUri, hop_of, host_port, scheme_of
from telebank.sip.within import note_methods

REDIRECTS = (300, 301, 302)
MAX_TAGS = 8
"""To tags of 2xx to one INVITE that are acknowledged; of what comes under more nothing is kept."""


class ClientSide:
    """Takes every response that comes in, and places calls."""

    def __init__(
        self, core: Core, door: Door | None, timers: SessionTimers, transfers: Transfers,
        offers: OurOffers,
    ) -> None:  # fmt: skip
        self.core = core
        self._door = door
        self.reliable = ReliableClient(core)
        self._timers = timers
        self._transfers = transfers
        self._offers = offers

    # Acts of the application

    def invite(
        self, target: str, caller: str, sdp: bytes | None, destination: Hop, now: float,
        *, trusted: bool = False, trunk: str = "", by_flow: bool = False,
    ) -> str:  # fmt: skip
        """Place a call; returns the new leg's id. Raises `BadUri`."""
        core = self.core
        for uri in (target, caller):
            SipUri.parse(uri)
        tag = core.token()
        leg = Leg(core.token(), LegState.CALLING, tag, destination, trusted=trusted)
        leg.by_flow = by_flow
        if core.calls >= core.options.max_calls:
            core.out.append(CallRefused(leg.id, 503, "too many calls here"))
            return leg.id
        if trunk and self._door is not None:
            why = self._door.places(trunk, now)
            if why:
                core.out.append(CallRefused(leg.id, 503, why))
                return leg.id
            leg.trunk, leg.way = trunk, "out"
            leg.trusted = trusted or self._door.trunks.by_name[trunk].options.trusted
            core.trunk_calls[trunk, "out"] += 1
        call_id = f"{core.token()}@{core.local[0]}"
        draft = Dialog(
            call_id, tag, "", f"<{caller}>;tag={tag}", f"<{target}>", target, (), 1, -1,
            destination,
        )  # fmt: skip
        core.legs[leg.id] = leg
        leg.opening = sdp or b""
        self._send(leg, draft, destination, now)
        core.timers.start(leg.id, "ring", now + core.options.ring_timeout)
        return leg.id

    def _send(
        self, leg: Leg, draft: Dialog, destination: Hop, now: float, again: Signed | None = None
    ) -> None:
        core, signed = self.core, self.core.signed(leg, "INVITE", draft, again)
        lines = [("Accept", SDP_TYPE), ("Supported", core.options.supported)]
        lines += [*self._timers.ask(leg), *(signed.headers if signed is not None else ())]
        sent, hop = core.compose(
            "INVITE", draft, draft.local_cseq, leg.opening, lines, to=destination
        )
        leg.exchange = opened(leg.opening)
        transaction = core.layer.open_client(sent, hop, leg.id, now)
        leg.invite, transaction.signed, transaction.trunk = transaction.key, signed, leg.trunk

    def _again(
        self, leg: Leg, before: ClientTransaction, target: str, destination: Hop, now: float,
        *, signed: Signed | None = None,
    ) -> None:  # fmt: skip
        """The INVITE once more, changed (8.1.3.4, 8.1.3.5): same Call-ID, To and From."""
        sent = before.sent
        self.core.let_go(leg, now)
        self._no_dialog(leg)
        leg.earlies.clear()
        leg.heard, leg.early = False, None
        draft = Dialog(
            sent.call_id, leg.local_tag, "", sent.from_, sent.to, target, (), sent.cseq + 1, -1,
            destination,
        )  # fmt: skip
        self._send(leg, draft, destination, now, signed)

    def options(self, hop: Hop, now: float) -> Key:
        """Ask a peer whether it is there (11.1); its answer goes to `Core.probes`."""
        core, tag = self.core, self.core.token()
        uri = f"sip:{host_port(hop)}" + (f";transport={hop.transport}" if hop.reliable else "")
        ours = f"<sip:{host_port(core.local)}>;tag={tag}"
        draft = Dialog(
            f"{core.token()}@{core.local.host}", tag, "", ours, f"<{uri}>", uri, (), 1, -1, hop
        )
        sent, way = core.compose("OPTIONS", draft, 1, b"", [("Accept", SDP_TYPE)], to=hop)
        return core.layer.open_client(sent, way, "", now).key

    def give_up(self, leg: Leg, now: float) -> None:
        """CANCEL, now or as soon as a provisional response has come."""
        self.core.timers.stop(leg.id, LEG_TIMERS)
        self.core.let_go(leg, now)
        leg.move(LegState.ENDING)
        self.core.cancel(leg, now)

    def answer_in_ack(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Our answer to the offer in the 200 to our INVITE without SDP."""
        invite = self.core.layer.clients.get(leg.unacked)
        leg.unacked = ()
        if sdp:
            leg.exchange.answer(sdp)
        if invite is not None:
            self._send_ack(leg, invite, sdp)
        else:
            self.core.end(leg, "timeout", "answered too late for the ACK")
            self.core.bye(leg, now)

    # Responses

    def response(self, response: Response, source: Hop, now: float) -> None:
        """Any response, to its transaction and on; never answered but by ACK."""
        transaction, wanted = self.core.layer.got(response, now)
        if transaction is None:
            self.core.trouble("stray response", "no transaction of ours has its branch", source)
        elif wanted:
            probe = self.core.probes.pop(transaction.key, None)
            if probe is not None:
                probe(response.status)
            self._wanted(transaction, response, now)

    def expired(self, transaction: ClientTransaction, now: float) -> None:
        """No final response came in time; treated as 408 (8.1.3.1)."""
        self._unanswered(transaction, 408, now)

    def lost(self, transaction: ClientTransaction, now: float) -> None:
        """The connection that the request went over is gone; treated as 503 (8.1.3.1)."""
        self._unanswered(transaction, 503, now)

    def _unanswered(self, transaction: ClientTransaction, status: int, now: float) -> None:
        leg = self.core.legs.get(transaction.leg)
        if leg is not None:
            self._final(leg, transaction, status, None, now)
        self.core.probes.pop(transaction.key, None)

    def _wanted(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        leg = self.core.legs.get(transaction.leg)
        invite = transaction.sent.method == "INVITE"
        if invite and OK <= response.status < MULTIPLE_CHOICES:
            self._accepted(leg, transaction, response, now)
        elif leg is None:
            return
        elif response.status < OK:
            if transaction.key == leg.invite:
                self._provisional(leg, transaction, response, now)
        else:
            self._final(leg, transaction, response.status, response, now)

    def _provisional(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        first, leg.heard = not leg.heard, True
        if leg.state is LegState.ENDING:
            if first:
                self.core.cancel(leg, now)  # hung up before anything came back
        elif leg.state is LegState.CALLING and response.status > 100:  # noqa: PLR2004
            how = self.reliable.take(
                leg, transaction, response, lambda: self._early(leg, transaction, response), now
            )
            if how == "plain":
                leg.early = described(response) or leg.early
                self.core.out.append(CallRinging(leg.id, response.status, leg.early))

    def _early(self, leg: Leg, transaction: ClientTransaction, response: Response) -> Early:
        """The early dialog that a reliable response opens (12.1.2). The first is the leg's, until
        another one is answered."""
        dialog = self._dialog(leg, transaction, response)
        exchange = leg.exchange if leg.dialog is None else opened(leg.opening)
        early = leg.earlies[response.to.tag] = Early(dialog, exchange)
        if leg.dialog is None:
            note_methods(leg, response)
            self.core.open_dialog(leg, dialog)
        return early

    def _final(
        self, leg: Leg, transaction: ClientTransaction, status: int, response: Response | None,
        now: float,
    ) -> None:  # fmt: skip
        """A final answer, or none in time (`response` None); no 2xx to an INVITE is among them."""
        key, method = transaction.key, transaction.sent.method
        if key == leg.invite:
            self._refused(leg, transaction, status, response, now)
        elif response is not None and self._signed_again(leg, transaction, response, now):
            return
        elif method == "BYE":
            self.core.forget(leg)
        elif key in (leg.asking, leg.timer.refreshing):
            self._offers.final(leg, transaction, status, response, now)
        elif key == leg.pracking:
            leg.pracking = ()
        elif method == "REFER":
            self._transfers.answered(leg, status, response)

    def _signed_again(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> bool:
        """A request within the call was challenged: send it again with credentials, unless nobody
        waits for it any more."""
        key, method, timer = transaction.key, transaction.sent.method, leg.timer
        waited_for = {
            "BYE": leg.state is LegState.ENDING,
            "INVITE": key == leg.asking,
            "UPDATE": key in (leg.asking, timer.refreshing),
        }
        alive = leg.state is not LegState.ENDING
        if self._door is None or not waited_for.get(method, alive):
            return False
        signed = self._door.sign_again(leg, transaction.signed, response)
        if signed is None:
            return False
        again = self.core.request_again(leg, transaction, signed, now).key
        leg.asking = again if leg.asking == key else leg.asking
        leg.pracking = again if leg.pracking == key else leg.pracking
        timer.refreshing = again if timer.refreshing == key else timer.refreshing
        return True

    def _refused(
        self, leg: Leg, transaction: ClientTransaction, status: int, response: Response | None,
        now: float,
    ) -> None:  # fmt: skip
        core = self.core
        if response is not None and leg.state is LegState.CALLING:
            if status == TOO_SMALL and self._timers.longer(leg, response):
                self._again(leg, transaction, transaction.sent.uri, transaction.peer, now)
                return
            signed = None
            if self._door is not None:
                signed = self._door.sign_again(leg, transaction.signed, response)
            if signed is not None:
                uri, peer = transaction.sent.uri, transaction.peer
                self._again(leg, transaction, uri, peer, now, signed=signed)
                return
            target = redirect_of(response) if leg.trusted and not leg.redirected else ""
            if target and not core.may_follow(leg.trunk, transaction.sent.uri, target):
                core.trouble("redirection", "a 3xx leads where the call may not go", leg.peer)
            elif target:
                leg.redirected = True
                core.out.append(CallRedirected(leg.id, target, leg.trunk))
                self._again(leg, transaction, target, hop_of(target, transaction.peer), now)
                return
        core.drop_asked(leg, now)
        if not leg.ended:
            leg.ended = True
            reason = response.reason if response is not None else REASONS[status]
            core.out.append(CallRefused(leg.id, status, reason))
        core.forget(leg)

    # 2xx to an INVITE

    def _accepted(
        self, leg: Leg | None, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        sent = transaction.acknowledged.get(response.to.tag)
        if sent is not None:
            self.core.out.append(SendDatagram(*sent))  # our ACK was lost (13.2.2.4)
        elif leg is not None and transaction.key == leg.asking:
            self._send_ack(leg, transaction)
            self._offers.final(leg, transaction, response.status, response, now)
        elif leg is not None and leg.state is LegState.CALLING:
            self._call_accepted(leg, transaction, response, now)
        elif leg is not None and leg.unacked == transaction.key and _same(leg, response):
            return  # comes again while the application makes its answer
        elif len(transaction.acknowledged) < MAX_TAGS:
            self._unwanted(leg, transaction, response, now)

    def _call_accepted(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        core, session = self.core, described(response)
        self._confirm(leg, transaction, response, now)
        exchange = leg.exchange
        if exchange.talk is Talk.NEW and session is not None:
            exchange.offered(session)
            leg.unacked = transaction.key
            self._timers.accepted(leg, response, now)
            core.out.append(OfferReceived(leg.id, session))
            return
        early = leg.early if leg.opening else None
        if exchange.talk is Talk.OURS and not leg.asking and (session or early) is not None:
            exchange.answered(session or early)  # type: ignore[arg-type]
        self._send_ack(leg, transaction)
        if exchange.theirs is None:
            core.end(leg, "error", "no usable session in the 200")
            core.bye(leg, now)
        else:
            self._timers.accepted(leg, response, now)
            core.out.append(CallAnswered(leg.id, exchange.theirs))

    def _confirm(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """The dialog of a 2xx is the leg's, whichever was early (13.2.2.4)."""
        core, early = self.core, leg.earlies.get(response.to.tag)
        if leg.dialog is not None and leg.dialog.remote_tag != response.to.tag:
            core.let_go(leg, now)
            leg.exchange = early.exchange if early is not None else opened(leg.opening)
        self._no_dialog(leg)
        core.open_dialog(leg, self._dialog(leg, transaction, response))
        core.timers.stop(leg.id, ("ring",))
        note_methods(leg, response)
        leg.move(LegState.LIVE)
        leg.confirmed = True

    def _no_dialog(self, leg: Leg) -> None:
        if leg.dialog is not None:
            self.core.dialogs.pop(leg.dialog.key, None)
            leg.dialog = None

    def _unwanted(
        self, leg: Leg | None, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """A 2xx after our CANCEL, or of another branch of a forked call: ACK and BYE."""
        core = self.core
        if leg is None or leg.state is not LegState.ENDING or leg.confirmed:
            earlies = leg.earlies if leg is not None else {}
            leg = Leg(core.token(), LegState.LIVE, _tag(transaction), transaction.peer)
            leg.ended, leg.earlies = True, earlies
            leg.trunk, leg.way = transaction.trunk, "fork"
            core.legs[leg.id] = leg
            core.forks.add(leg.id)
            core.trunk_calls[leg.trunk, leg.way] += bool(leg.trunk)
        self._no_dialog(leg)
        leg.confirmed = True
        core.open_dialog(leg, self._dialog(leg, transaction, response))
        self._send_ack(leg, transaction)
        if leg.state is LegState.ENDING:
            core.timers.stop(leg.id, ("cancel",))
            core.request(leg, "BYE", now)
        else:
            core.bye(leg, now)

    def _dialog(self, leg: Leg, transaction: ClientTransaction, response: Response) -> Dialog:
        sent, early = transaction.sent, leg.earlies.get(response.to.tag)
        dialog = for_client(
            response, leg.local_tag, sent.from_,
            target=sent.uri, cseq=sent.cseq, peer=transaction.peer,
        )  # fmt: skip
        if early is not None:  # the numbers go on, route and target are those of the 2xx
            dialog.local_cseq = early.dialog.local_cseq
            dialog.remote_cseq = early.dialog.remote_cseq
        return dialog

    def _send_ack(self, leg: Leg, transaction: ClientTransaction, sdp: bytes = b"") -> None:
        """ACK to a 2xx: a request in the dialog, kept to be sent again (13.2.2.4)."""
        assert leg.dialog is not None
        signed = transaction.signed  # the INVITE's credentials (22.1)
        lines = signed.headers if signed is not None else ()
        ack, address = self.core.compose("ACK", leg.dialog, transaction.sent.cseq, sdp, lines)
        transaction.acknowledged[leg.dialog.remote_tag] = (ack.data, address)
        self.core.out.append(SendDatagram(ack.data, address))


def _same(leg: Leg, response: Response) -> bool:
    return leg.dialog is not None and leg.dialog.remote_tag == response.to.tag


def _tag(transaction: ClientTransaction) -> str:
    return transaction.sent.from_.rpartition(";tag=")[2]


def redirect_of(response: Response) -> str:
    """Where a 3xx leads: the Contact with the highest q (20.10) that is a sip URI without headers;
    empty where there is none."""
    if response.status not in REDIRECTS:
        return ""
    best, found = 0.0, ""
    for value in split_list(response.headers.get("contact", [])):
        try:
            contact = parse_name_addr(value, "Contact")
            q = float(param(contact.params, "q") or 1)
            plain = not SipUri.parse(contact.uri).headers
        except ValueError:
            continue
        if plain and scheme_of(contact.uri) == "sip" and q > best:
            best, found = q, contact.uri
    return found
