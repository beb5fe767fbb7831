"""What both sides of the user agent share: legs, dialogs, the way out, the end of a leg."""

import hashlib
import zlib
from collections.abc import Callable

from telebank.sip.dialog import Dialog, DialogKey
from telebank.sip.events import CallEnded, Command, EndedBy, SendDatagram, Trouble
from telebank.sip.layer import TransactionLayer, follow_up
from telebank.sip.leg import LEG_TIMERS, Leg, LegState
from telebank.sip.message import HeaderLines, Request, write_request, write_response
from telebank.sip.options import SipOptions
from telebank.sip.timers import Timers
from telebank.sip.transaction import ClientTransaction, Outgoing, ServerTransaction
from telebank.sip.uri import Address, host_port

ALLOWED = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"
SDP_TYPE = "application/sdp"


class Core:
    """The state of one user agent. Commands gather in `out` until `take` empties it."""

    def __init__(self, local: Address, options: SipOptions, token: Callable[[], str]) -> None:
        self.local = local
        self.options = options
        self.token = token
        self.out: list[Command] = []
        self.timers = Timers()
        self.layer = TransactionLayer(local, options, self.timers, self.out)
        self.legs: dict[str, Leg] = {}
        self.dialogs: dict[DialogKey, Leg] = {}
        self.offered: set[str] = set()
        """Ids of legs whose INVITE waits for the application."""
        self.draining = False
        self.contact = f"<sip:{host_port(local)}>"
        self.now = 0.0
        """When the current event came; only the log limit reads it."""
        self._second, self._troubles, self._hidden = 0, 0, 0
        self._secret = token().encode()

    def take(self) -> list[Command]:
        """Everything gathered since the last call."""
        out = self.out[:]
        self.out.clear()
        return out

    def trouble(self, kind: str, detail: str, source: Address) -> None:
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
        self, request: Request, source: Address, status: int, headers: HeaderLines = ()
    ) -> None:
        """Answer without keeping anything (RFC 3261 8.2.7): the request's repeat gets the same."""
        seed = f"{request.call_id}\n{request.from_.tag}\n{request.via.branch}"
        tag = hashlib.blake2s(
            seed.encode("utf-8", "surrogateescape"), key=self._secret[:32], digest_size=8
        ).hexdigest()
        data = write_response(
            request, status, source, to_tag=tag, headers=[*self._server_line(), *headers]
        )
        self.out.append(SendDatagram(data, request.via.reply_to(source)))

    def dialog_headers(self, request: Request) -> list[tuple[str, str]]:
        """Contact, Allow and the echoed Record-Route of an answer that makes or keeps a dialog."""
        routes = request.headers.get("record-route", ())
        return [
            *(("Record-Route", route) for route in routes),
            ("Contact", self.contact),
            ("Allow", ALLOWED),
        ]

    def _server_line(self) -> list[tuple[str, str]]:
        return [("Server", self.options.user_agent)] if self.options.user_agent else []

    # Requests

    def compose(
        self, method: str, dialog: Dialog, cseq: int, body: bytes, headers: HeaderLines = ()
    ) -> tuple[Outgoing, Address]:
        """A request in `dialog` with a branch of its own, and where it goes."""
        uri, routes, address = dialog.way()
        branch = f"z9hG4bK{self.token()}"
        lines = [
            ("Via", f"SIP/2.0/UDP {host_port(self.local)};branch={branch};rport"),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in routes),
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call_id),
            ("CSeq", f"{cseq} {method}"),
            *headers,
        ]
        if method in ("INVITE", "UPDATE"):
            lines += [("Contact", self.contact), ("Allow", ALLOWED)]
        if self.options.user_agent:
            lines.append(("User-Agent", self.options.user_agent))
        if body:
            lines.append(("Content-Type", SDP_TYPE))
        data = write_request(method, uri, lines, body)
        sent = Outgoing(
            method, uri, branch, routes, dialog.local, dialog.remote, dialog.call_id, cseq, data
        )
        return sent, address

    def request(
        self, leg: Leg, method: str, now: float, body: bytes = b"", headers: HeaderLines = ()
    ) -> ClientTransaction:
        """Send a request in the leg's dialog."""
        assert leg.dialog is not None
        leg.dialog.local_cseq += 1
        sent, address = self.compose(method, leg.dialog, leg.dialog.local_cseq, body, headers)
        return self.layer.open_client(sent, address, leg.id, now)

    def cancel(self, leg: Leg, now: float) -> None:
        """CANCEL the leg's INVITE, once a provisional response has come (9.1)."""
        invite = self.layer.clients.get(leg.invite)
        if invite is None:
            self.forget(leg)
        elif leg.heard:
            cancel = follow_up(invite.sent, "CANCEL", invite.sent.to, self.local)
            self.layer.open_client(cancel, invite.peer, "", now)
            self.timers.start(leg.id, "cancel", now + self.options.transaction_timeout)

    # The life of a leg

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
        """Send BYE; the leg is forgotten when it is answered or times out."""
        self.timers.stop(leg.id, LEG_TIMERS)
        leg.move(LegState.ENDING)
        asked = self.layer.servers.get(leg.asked)
        if asked is not None:
            self.answer(asked, 487, now)
        leg.ok_cseq, leg.asking, leg.asked = -1, (), ()
        quoted = reason.replace("\\", "").replace('"', "").replace("\r", "").replace("\n", "")
        headers = [("Reason", f'SIP;cause=200;text="{quoted}"')] if quoted else []
        self.request(leg, "BYE", now, headers=headers)

    def forget(self, leg: Leg) -> None:
        """Drop the leg and its dialog; transactions live on for their timers."""
        leg.move(LegState.GONE)
        self.timers.stop(leg.id, LEG_TIMERS)
        self.legs.pop(leg.id, None)
        self.offered.discard(leg.id)
        if leg.dialog is not None:
            self.dialogs.pop(leg.dialog.key, None)
