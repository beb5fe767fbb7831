"""The client side: requests of ours and what comes back (RFC 3261 8.1, 9.1, 13.2, 14.1, 15.1.1)."""

from telebank.sip.core import SDP_TYPE, Core
from telebank.sip.dialog import Dialog, for_client
from telebank.sip.events import (
    CallAnswered,
    CallRefused,
    CallRinging,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    SendDatagram,
)
from telebank.sip.leg import Leg, LegState
from telebank.sip.message import REASONS, Response
from telebank.sip.session_description import MalformedDescription, SessionDescription
from telebank.sip.transaction import ClientTransaction, IllegalTransition
from telebank.sip.uri import Address, SipUri

OK = 200
MULTIPLE_CHOICES = 300
DEAD_DIALOG = (408, 481)
GLARE = 491


class ClientSide:
    """Takes every response that comes in, and places calls."""

    def __init__(self, core: Core) -> None:
        self.core = core

    # Acts of the application

    def invite(
        self, target: str, caller: str, sdp: bytes | None, destination: Address, now: float
    ) -> str:
        """Place a call; returns the new leg's id. Raises `BadUri`."""
        core = self.core
        for uri in (target, caller):
            SipUri.parse(uri)
        tag = core.token()
        leg = Leg(core.token(), LegState.CALLING, tag, destination)
        if len(core.legs) >= core.options.max_calls:
            core.out.append(CallRefused(leg.id, 503, "too many calls here"))
            return leg.id
        call_id = f"{core.token()}@{core.local[0]}"
        draft = Dialog(
            call_id, tag, "", f"<{caller}>;tag={tag}", f"<{target}>", target, (), 1, -1,
            destination,
        )  # fmt: skip
        sent, _ = core.compose("INVITE", draft, 1, sdp or b"", [("Accept", SDP_TYPE)])
        core.legs[leg.id] = leg
        leg.invite = core.layer.open_client(sent, destination, leg.id, now).key
        leg.late = not sdp
        core.timers.start(leg.id, "ring", now + core.options.ring_timeout)
        return leg.id

    def give_up(self, leg: Leg, now: float) -> None:
        """CANCEL, now or as soon as a provisional response has come."""
        self.core.timers.stop(leg.id, ("ring",))
        leg.move(LegState.ENDING)
        self.core.cancel(leg, now)

    def reoffer(self, leg: Leg, sdp: bytes, now: float) -> None:
        """re-INVITE; refused at once with 491 while another offer is open."""
        if leg.state is not LegState.LIVE:
            raise IllegalTransition(f"no re-INVITE while the leg is {leg.state.name}")
        busy = leg.asked or leg.asking or leg.reoffer or leg.ok_cseq >= 0 or leg.unacked
        if busy:
            self.core.out.append(OfferRefused(leg.id, GLARE))
            return
        leg.glares = 0
        self._ask(leg, sdp, now)

    def ask_again(self, leg: Leg, now: float) -> None:
        """The wait after a 491 is over."""
        if leg.asked or leg.ok_cseq >= 0:
            self._wait(leg, now)
        else:
            self._ask(leg, leg.reoffer, now)

    def _ask(self, leg: Leg, sdp: bytes, now: float) -> None:
        leg.reoffer = sdp
        leg.asking = self.core.request(leg, "INVITE", now, sdp).key

    def answer_in_ack(self, leg: Leg, sdp: bytes, now: float) -> None:
        """Our answer to the offer in the 200 to our INVITE without SDP."""
        invite = self.core.layer.clients.get(leg.unacked)
        leg.unacked = ()
        if invite is not None:
            self._send_ack(leg, invite, sdp)
        else:
            self.core.end(leg, "timeout", "answered too late for the ACK")
            self.core.bye(leg, now)

    # Responses

    def response(self, response: Response, source: Address, now: float) -> None:
        """Any response, to its transaction and on; never answered but by ACK."""
        transaction, wanted = self.core.layer.got(response, now)
        if transaction is None:
            self.core.trouble("stray response", "no transaction of ours has its branch", source)
        elif wanted:
            self._wanted(transaction, response, now)

    def expired(self, transaction: ClientTransaction, now: float) -> None:
        """No final response came in time; treated as 408 (8.1.3.1)."""
        leg = self.core.legs.get(transaction.leg)
        if leg is not None:
            self._failed(leg, transaction, 408, REASONS[408], now)

    def _wanted(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        leg = self.core.legs.get(transaction.leg)
        invite = transaction.sent.method == "INVITE"
        if invite and OK <= response.status < MULTIPLE_CHOICES:
            self._accepted(leg, transaction, response, now)
        elif leg is None:
            return
        elif response.status < OK:
            if transaction.key == leg.invite:
                self._provisional(leg, response, now)
        elif response.status >= MULTIPLE_CHOICES or transaction.sent.method == "BYE":
            self._failed(leg, transaction, response.status, response.reason, now)

    def _provisional(self, leg: Leg, response: Response, now: float) -> None:
        first, leg.heard = not leg.heard, True
        if leg.state is LegState.ENDING:
            if first:
                self.core.cancel(leg, now)  # hung up before anything came back
        elif leg.state is LegState.CALLING and response.status > 100:  # noqa: PLR2004
            leg.early = _session(response) or leg.early
            self.core.out.append(CallRinging(leg.id, response.status, leg.early))

    def _failed(
        self, leg: Leg, transaction: ClientTransaction, status: int, reason: str, now: float
    ) -> None:
        core = self.core
        if transaction.key == leg.invite:
            if not leg.ended:
                leg.ended = True
                core.out.append(CallRefused(leg.id, status, reason))
            core.forget(leg)
        elif transaction.sent.method == "BYE":
            core.forget(leg)
        elif transaction.key == leg.asking:
            self._offer_failed(leg, status, now)

    def _offer_failed(self, leg: Leg, status: int, now: float) -> None:
        core = self.core
        leg.asking = ()
        if status == GLARE and leg.glares < core.options.max_glare_retries:
            leg.glares += 1
            self._wait(leg, now)
            return
        leg.reoffer = b""
        core.out.append(OfferRefused(leg.id, status))
        if status in DEAD_DIALOG:  # 12.2.1.2: the other side does not know the call any more
            core.end(leg, "timeout" if status == 408 else "error", f"{status} to a re-INVITE")  # noqa: PLR2004
            core.bye(leg, now)

    def _wait(self, leg: Leg, now: float) -> None:
        """14.1: the owner of the Call-ID waits longer, so that the two do not meet again."""
        own = leg.invite[:1] == ("c",)
        wait = self.core.chance(2.1, 4.0) if own else self.core.chance(0.0, 2.0)
        self.core.timers.start(leg.id, "glare", now + wait)

    # 2xx to an INVITE

    def _accepted(
        self, leg: Leg | None, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        sent = transaction.acknowledged.get(response.to.tag)
        if sent is not None:
            self.core.out.append(SendDatagram(*sent))  # our ACK was lost (13.2.2.4)
        elif leg is not None and transaction.key == leg.asking:
            self._offer_accepted(leg, transaction, response)
        elif leg is not None and leg.state is LegState.CALLING:
            self._call_accepted(leg, transaction, response, now)
        elif leg is not None and leg.unacked == transaction.key and _same(leg, response):
            return  # comes again while the application makes its answer
        else:
            self._unwanted(leg, transaction, response, now)

    def _call_accepted(
        self, leg: Leg, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        core = self.core
        core.open_dialog(leg, self._dialog(transaction, response, leg.local_tag))
        core.timers.stop(leg.id, ("ring",))
        leg.move(LegState.LIVE)
        session = _session(response) or (None if leg.late else leg.early)
        if leg.late and session is not None:
            leg.unacked = transaction.key
            core.out.append(OfferReceived(leg.id, session))
            return
        self._send_ack(leg, transaction)
        if session is None:
            core.end(leg, "error", "no usable session in the 200")
            core.bye(leg, now)
        else:
            core.out.append(CallAnswered(leg.id, session))

    def _offer_accepted(self, leg: Leg, transaction: ClientTransaction, response: Response) -> None:
        assert leg.dialog is not None
        leg.dialog.refresh(response)
        leg.asking, leg.reoffer = (), b""
        self._send_ack(leg, transaction)
        session = _session(response)
        if session is not None:
            self.core.out.append(OfferAnswered(leg.id, session))
        else:
            self.core.out.append(OfferRefused(leg.id, 488))

    def _unwanted(
        self, leg: Leg | None, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """A 2xx after our CANCEL, or of another branch of a forked call: ACK and BYE."""
        core = self.core
        if leg is None or leg.state is not LegState.ENDING or leg.dialog is not None:
            leg = Leg(core.token(), LegState.LIVE, _tag(transaction), transaction.peer)
            leg.ended = True
            core.legs[leg.id] = leg
        core.open_dialog(leg, self._dialog(transaction, response, _tag(transaction)))
        self._send_ack(leg, transaction)
        if leg.state is LegState.ENDING:
            core.timers.stop(leg.id, ("cancel",))
            core.request(leg, "BYE", now)
        else:
            core.bye(leg, now)

    def _dialog(self, transaction: ClientTransaction, response: Response, local_tag: str) -> Dialog:
        sent = transaction.sent
        return for_client(
            response, local_tag, sent.from_,
            target=sent.uri, cseq=sent.cseq, peer=transaction.peer,
        )  # fmt: skip

    def _send_ack(self, leg: Leg, transaction: ClientTransaction, sdp: bytes = b"") -> None:
        """ACK to a 2xx: a request in the dialog, kept to be sent again (13.2.2.4)."""
        assert leg.dialog is not None
        ack, address = self.core.compose("ACK", leg.dialog, transaction.sent.cseq, sdp)
        transaction.acknowledged[leg.dialog.remote_tag] = (ack.data, address)
        self.core.out.append(SendDatagram(ack.data, address))


def _same(leg: Leg, response: Response) -> bool:
    return leg.dialog is not None and leg.dialog.remote_tag == response.to.tag


def _tag(transaction: ClientTransaction) -> str:
    return transaction.sent.from_.rpartition(";tag=")[2]


def _session(response: Response) -> SessionDescription | None:
    """The SDP of a response, None where there is none or it cannot be read."""
    if not response.body or response.content_type != SDP_TYPE:
        return None
    try:
        return SessionDescription.parse(response.body)
    except MalformedDescription:
        return None
