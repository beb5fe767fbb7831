"""What both sides of the user agent share: legs, dialogs, the way out, the end of a leg."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable

from telebank.sip.dialog import Dialog, DialogKey
from telebank.sip.digest_client import Signed
from telebank.sip.events import (
    CallEnded,
    CloseConnection,
    Command,
    EndedBy,
    SendDatagram,
    Trouble,
)
from telebank.sip.headers import ALLOWED, SDP_TYPE
from telebank.sip.layer import TransactionLayer
from telebank.sip.leg import LEG_TIMERS, Leg, LegState
from telebank.sip.message import HeaderLines, Request, write_request, write_response
from telebank.sip.options import SipOptions
from telebank.sip.places import Places
from telebank.sip.transaction import (
    Asked,
    ClientTransaction,
    Key,
    Outgoing,
    ServerTransaction,
    State,
)
from telebank.sip.uri import Hop
from telebank.timers import Timers

CHALLENGES = (401, 407)
LARGE = 1_300
"""Octets; a larger request does not go over UDP where the way is not known (RFC 3261 18.1.1)."""


class Core:
    """The state of one user agent. Commands gather in `out` until `take` empties it."""

    def __init__(self, places: Places, options: SipOptions, token: Callable[[], str]) -> None:
        self.places = places
        self.local = places.first
        self.options = options
        self.token = token
        self.out: list[Command] = []
        self.timers = Timers()
        self.layer = TransactionLayer(places, options, self.timers, self.out)
        self.legs: dict[str, Leg] = {}
        self.dialogs: dict[DialogKey, Leg] = {}
        self.offered: set[str] = set()
        """Ids of legs whose INVITE waits for the application."""
        self.forks: set[str] = set()
        """Ids of legs that only end what another branch of a call of ours answered."""
        self.trunk_calls: Counter[tuple[str, str]] = Counter()
        """Live calls by trunk and `in` or `out`."""
        self.probes: dict[Key, Callable[[int], None]] = {}
        """Who waits for the answer to a request outside calls, and takes its status; nobody is told
        that none came."""
        self.refused: Counter[int] = Counter()
        """INVITEs refused before any leg heard of them, repeats too, by status."""
        self.sign: Callable[[Leg, str, str], Signed | None] = lambda leg, method, uri: None
        """A request in a leg with the credentials that its trunk asked for before; None where it
        has no password of ours."""
        self.may_follow: Callable[[str, str, str], bool] = lambda trunk, called, target: False
        """Whether a call over a trunk, to the URI called, may go on to the target of a 3xx."""
        self.draining = False
        self.contact = places.contact(places.first)
        self.has_tcp: Callable[[Hop], bool] = lambda peer: False
        """Whether a UDP peer is a trunk that takes large requests by TCP at the same port."""
        self.now = 0.0
        """When the current event came; only the log limit reads it."""
        self._second, self._troubles, self._hidden = 0, 0, 0
        self._secret = token().encode()

    def take(self) -> list[Command]:
        """Everything gathered since the last call."""
        out = self.out[:]
        self.out.clear()
        return out

    def trouble(self, kind: str, detail: str, source: Hop) -> None:
        """One log line, unless this second has had its share: a flood must not fill the log."""
        if int(self.now) != self._second:
            self._second, self._troubles = int(self.now), 0
        self._troubles += 1
        if self._troubles > self.options.troubles_per_second:
            self._hidden += 1
            return
        if self._hidden:
            detail, self._hidden = f"{detail} ({self._hidden} more were not logged)", 0
        self.out.append(Trouble(kind, detail, source))

    def chance(self, low: float, high: float) -> float:
        """A number in [low, high] in steps of 10 ms, drawn from the token source."""
        steps = round((high - low) * 100)
        return low + zlib.crc32(self.token().encode()) % (steps + 1) / 100

    def shut(self, source: Hop) -> None:
        """Somebody gets no answer: a connection of his is closed."""
        if source.reliable:
            self.out.append(CloseConnection(source))

    # Answers

    def answer(
        self, transaction: ServerTransaction, status: int, now: float, *, to_tag: str = "",
        reason: str | None = None, headers: HeaderLines = (), body: bytes = b"",
    ) -> None:  # fmt: skip
        """Answer through a transaction."""
        request = transaction.request
        lines = [*self._server_line(), *headers]
        if body:
            lines.append(("Content-Type", SDP_TYPE))
        data = write_response(
            request, status, transaction.source,
            to_tag=to_tag, reason=reason, headers=lines, body=body,
        )  # fmt: skip
        self.layer.say(transaction, status, data, now)

    def answer_once(
        self, request: Request, source: Hop, status: int, headers: HeaderLines = ()
    ) -> None:
        """Answer without keeping anything (RFC 3261 8.2.7): the request's repeat gets the same."""
        if request.method == "INVITE" and status not in CHALLENGES:
            self.refused[status] += 1
        seed = f"{request.call_id}\n{request.from_.tag}\n{request.via.branch}"
        tag = hashlib.blake2s(
            seed.encode("utf-8", "surrogateescape"), key=self._secret[:32], digest_size=8
        ).hexdigest()
        data = write_response(
            request, status, source, to_tag=tag, headers=[*self._server_line(), *headers]
        )
        alive = source in self.layer.streams
        self.out.append(SendDatagram(data, source if alive else request.via.reply_to(source)))

    def dialog_headers(self, request: Request) -> list[tuple[str, str]]:
        """Contact, Allow, Supported and the echoed Record-Route of an answer that makes or keeps a
        dialog."""
        routes = request.headers.get("record-route", ())
        return [
            *(("Record-Route", route) for route in routes),
            ("Contact", self.contact_for(request)),
            ("Allow", ALLOWED),
            ("Supported", self.options.supported),
        ]

    def contact_for(self, request: Request) -> str:
        """Our Contact in an answer; a sips URI where one was asked for (12.1.1)."""
        return self.places.contact(request.source, secure=request.uri[:5].lower() == "sips:")

    def _server_line(self) -> list[tuple[str, str]]:
        return [("Server", self.options.user_agent)] if self.options.user_agent else []

    # Requests

    def compose(
        self, method: str, dialog: Dialog, cseq: int, body: bytes, headers: HeaderLines = (),
        *, to: Hop | None = None,
    ) -> tuple[Outgoing, Hop]:  # fmt: skip
        """A request in `dialog` with a branch of its own, and where it goes: `to`, or as the dialog
        says."""
        hop = to or self.towards(dialog)
        sent = self._written(method, dialog, cseq, body, headers, hop)
        wide = hop._replace(transport="tcp")
        if len(sent.data) > LARGE and not hop.reliable and self.has_tcp(hop):
            sent, hop = self._written(method, dialog, cseq, body, headers, wide), wide
        return sent, hop

    def towards(self, dialog: Dialog) -> Hop:
        """Where the next request of a dialog goes: over the connection its messages came by, while
        that lives and leads to the same host (RFC 5923)."""
        uri, routes, hop = dialog.way()
        peer = dialog.peer
        same = (hop.host, hop.transport) == (peer.host, peer.transport)
        leg = self.dialogs.get(dialog.key)
        if leg is not None and leg.by_flow:
            return peer
        # A sips URI is never reached over anything else: without TLS its requests fail.
        secure = "sips:" in (routes[0] if routes else uri)[:64].lower()
        if (same and peer in self.layer.streams) or not (secure or self.places.has(hop)):
            return peer
        return hop

    def _written(  # noqa: PLR0917 - what `compose` takes
        self, method: str, dialog: Dialog, cseq: int, body: bytes, headers: HeaderLines, hop: Hop
    ) -> Outgoing:
        uri, routes, _ = dialog.way()
        branch = f"z9hG4bK{self.token()}"
        lines = [
            ("Via", self.places.via(hop, branch)),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in routes),
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{cseq} {method}"),
            *headers,
        ]
        if method in ("INVITE", "UPDATE", "REFER", "NOTIFY"):
            secure = uri[:5].lower() == "sips:"
            lines += [("Contact", self.places.contact(hop, secure=secure)), ("Allow", ALLOWED)]
        if self.options.user_agent:
            lines.append(("User-Agent", self.options.user_agent))
        if body and not any(name == "Content-Type" for name, _ in lines):
            lines.append(("Content-Type", SDP_TYPE))
        data = write_request(method, uri, lines, body)
        return Outgoing(
            method, uri, branch, routes, dialog.local, dialog.remote, dialog.call_id, cseq, data
        )

    def request(
        self, leg: Leg, method: str, now: float, body: bytes = b"", headers: HeaderLines = (),
        *, early: Dialog | None = None,
    ) -> ClientTransaction:  # fmt: skip
        """Send a request in the leg's dialog, or in an early one of it."""
        dialog = early or leg.dialog
        assert dialog is not None
        return self._ask(leg, method, Asked(dialog, body, headers), None, now)

    def request_again(
        self, leg: Leg, before: ClientTransaction, signed: Signed, now: float
    ) -> ClientTransaction:
        """The same request once more, with the credentials that were asked for (22.2)."""
        asked, dialog = before.asked, leg.dialog
        assert asked is not None
        if dialog is not None and dialog.key == asked.dialog.key:
            asked = asked._replace(dialog=dialog)  # confirmed meanwhile: its numbers go on
        return self._ask(leg, before.sent.method, asked, signed, now)

    def _ask(
        self, leg: Leg, method: str, asked: Asked, signed: Signed | None, now: float
    ) -> ClientTransaction:
        dialog = asked.dialog
        dialog.local_cseq += 1
        signed = self.signed(leg, method, dialog, signed)
        lines = [*asked.headers, *(signed.headers if signed is not None else ())]
        sent, address = self.compose(method, dialog, dialog.local_cseq, asked.body, lines)
        transaction = self.layer.open_client(sent, address, leg.id, now)
        transaction.asked, transaction.signed = asked, signed
        return transaction

    def signed(
        self, leg: Leg, method: str, dialog: Dialog, again: Signed | None = None
    ) -> Signed | None:
        """A request along the dialog's route with our credentials: `again` if it is for that."""
        uri = dialog.way()[0]
        return again if again is not None and again.uri == uri else self.sign(leg, method, uri)

    def cancel(self, leg: Leg, now: float) -> None:
        """CANCEL the leg's INVITE, once a provisional response has come (9.1)."""
        invite = self.layer.clients.get(leg.invite)
        if invite is None:
            self.forget(leg)
        elif leg.heard:
            self.layer.cancel(invite, now)
            self.timers.start(leg.id, "cancel", now + self.options.transaction_timeout)

    # The life of a leg

    @property
    def calls(self) -> int:
        """Legs that the application has, or had."""
        return len(self.legs) - len(self.forks)

    def open_dialog(self, leg: Leg, dialog: Dialog) -> None:
        leg.dialog = dialog
        self.dialogs[dialog.key] = leg

    def leg_of(self, request: Request) -> Leg | None:
        """The leg whose dialog a request belongs to."""
        return self.dialogs.get((request.call_id, request.to.tag, request.from_.tag))

    def end(self, leg: Leg, by: EndedBy, reason: str) -> None:
        """Tell the application, once, that the leg is gone."""
        if not leg.ended:
            leg.ended = True
            self.out.append(CallEnded(leg.id, by, reason))

    def bye(self, leg: Leg, now: float, reason: str = "") -> None:
        """Send BYE, once; the leg is forgotten when it is answered or times out."""
        if leg.state is LegState.ENDING:
            return
        self.timers.stop(leg.id, LEG_TIMERS)
        self.let_go(leg, now)
        leg.move(LegState.ENDING)
        quoted = reason.replace("\\", "").replace('"', "").replace("\r", "").replace("\n", "")
        headers = [("Reason", f'SIP;cause=200;text="{quoted}"')] if quoted else []
        self.request(leg, "BYE", now, headers=headers)

    def let_go(self, leg: Leg, now: float) -> None:
        """The dialog ends, or gives way to another: nothing that is open in it goes on."""
        self.timers.stop(leg.id, ("offer", "glare", "refresh"))
        self.drop_asked(leg, now)
        leg.let_go()

    def drop_asked(self, leg: Leg, now: float) -> None:
        """Nobody will answer what the other side asked within the call: 487."""
        asked = self.layer.servers.get(leg.asked)
        leg.asked = ()
        if asked is not None and asked.state in (State.PROCEEDING, State.TRYING):
            self.answer(asked, 487, now)

    def forget(self, leg: Leg) -> None:
        """Drop the leg and its dialog; transactions live on for their timers."""
        leg.move(LegState.GONE)
        self.timers.stop(leg.id, LEG_TIMERS)
        if self.legs.pop(leg.id, None) is not None and leg.trunk:
            self.trunk_calls[leg.trunk, leg.way] -= 1
        self.offered.discard(leg.id)
        self.forks.discard(leg.id)
        if leg.dialog is not None:
            self.dialogs.pop(leg.dialog.key, None)
