"""The transaction layer: which transaction a message belongs to, and what the tables ask for."""

from collections import Counter

from telebank.sip.events import Command, SendDatagram
from telebank.sip.headers import MAGIC_COOKIE
from telebank.sip.message import Request, Response, write_request
from telebank.sip.options import SipOptions
from telebank.sip.places import Places
from telebank.sip.transaction import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    TIMER_NAMES,
    Act,
    ClientTransaction,
    Key,
    Outgoing,
    ServerTransaction,
    Signal,
    State,
    Transaction,
)
from telebank.sip.uri import Hop
from telebank.timers import Timers


class TransactionLayer:
    """All live transactions of one user agent. What is to be sent goes to `out`."""

    def __init__(
        self, places: Places, options: SipOptions, timers: Timers, out: list[Command]
    ) -> None:
        self.places = places
        self.options = options
        self.timers = timers
        self.out = out
        self.servers: dict[Key, ServerTransaction] = {}
        self.clients: dict[Key, ClientTransaction] = {}
        self.shares: Counter[str] = Counter()
        """Server transactions within calls, by trunk."""
        self._merged: dict[Key, Key] = {}
        self._over: dict[Hop, set[Key]] = {}
        """Client transactions by the stream that they use."""
        self.streams: dict[Hop, tuple[str, ...]] = {}
        """Connections that something came over, until they are lost: the names that the peer's
        certificate gave."""

    def __len__(self) -> int:
        return len(self.servers) + len(self.clients)

    # Server side

    def find_server(self, request: Request, method: str | None = None) -> ServerTransaction | None:
        """The transaction a request repeats, acknowledges or (with `method`) cancels."""
        return self.servers.get(server_key(request, method or request.method))

    def is_merged(self, request: Request) -> bool:
        """Whether the same request already came by another way (RFC 3261 8.2.2.2)."""
        return not request.to.tag and _merge_key(request) in self._merged

    def open_server(
        self, request: Request, source: Hop, leg: str, now: float, share: str | None = None
    ) -> ServerTransaction:
        """Start a transaction for a new request; an INVITE is expected to get its 100 next. `share`
        is the trunk of one within a call."""
        invite = request.method == "INVITE"
        key = server_key(request, request.method)
        transaction = ServerTransaction(
            key,
            INVITE_SERVER if invite else SERVER,
            State.PROCEEDING if invite else State.TRYING,
            request.via.reply_to(source),
            leg,
            b"",
            0,
            request,
            source,
            _merge_key(request),
            share,
        )
        self.servers[key] = transaction
        if share is not None:
            self.shares[share] += 1
        self._merged[transaction.merge_key] = key
        return transaction

    def say(self, transaction: ServerTransaction, status: int, data: bytes, now: float) -> None:
        """Answer; raises `IllegalTransition` after a final answer."""
        if status < 200:  # noqa: PLR2004
            signal = Signal.SAY_1XX
        else:
            signal = Signal.SAY_2XX if status < 300 else Signal.SAY_REFUSAL  # noqa: PLR2004
        self._take(transaction, signal, now, data)

    def repeated(self, transaction: ServerTransaction, now: float) -> None:
        """The same request came again."""
        self._take(transaction, Signal.REQUEST_AGAIN, now)

    def acknowledged(self, transaction: ServerTransaction, now: float) -> bool:
        """An ACK came; true where it belongs to a 2xx, which is our user's business."""
        return self._take(transaction, Signal.ACK, now)

    # Client side

    def open_client(
        self, sent: Outgoing, destination: Hop, leg: str, now: float
    ) -> ClientTransaction:
        """Send a request of ours and see to its repetition."""
        invite = sent.method == "INVITE"
        transaction = ClientTransaction(
            ("c", sent.branch, sent.method),
            INVITE_CLIENT if invite else CLIENT,
            State.CALLING if invite else State.TRYING,
            destination,
            leg,
            sent.data,
            0,
            sent,
            {},
        )
        self.clients[transaction.key] = transaction
        if destination.reliable:
            self._over.setdefault(destination, set()).add(transaction.key)
        self._start(transaction, "AB" if invite else "EF", now)
        self.out.append(SendDatagram(sent.data, destination))
        return transaction

    def got(self, response: Response, now: float) -> tuple[ClientTransaction | None, bool]:
        """A response came: its transaction (None: stray), and whether its user must see it."""
        transaction = self.clients.get(("c", response.via.branch, response.method))
        if transaction is None or "," in response.via.rest or len(response.headers["via"]) > 1:
            return None, False
        if response.status < 200:  # noqa: PLR2004
            signal = Signal.GOT_1XX
        else:
            signal = Signal.GOT_2XX if response.status < 300 else Signal.GOT_REFUSAL  # noqa: PLR2004
        called = response.headers["to"][0]
        return transaction, self._take(transaction, signal, now, called=called)

    def lost(self, hop: Hop, now: float) -> list[ClientTransaction]:
        """A connection is gone; returns the requests of ours that will get no answer over it."""
        self.streams.pop(hop, None)
        keys = sorted(self._over.get(hop, ()))
        waiting = [self.clients[key] for key in keys]
        return [one for one in waiting if self._take(one, Signal.LOST, now)]

    def drop(self, transaction: Transaction) -> None:
        """Forget a transaction before its time."""
        transaction.state = State.TERMINATED
        self._forget(transaction)

    # Time

    def fire(self, key: Key, timer: str, now: float) -> ClientTransaction | None:
        """A timer of a transaction ran out; returns it where the other side fell silent."""
        transaction = self.clients.get(key)
        if transaction is not None:
            expired = self._take(transaction, Signal(timer), now)
            return transaction if expired else None
        self._take(self.servers[key], Signal(timer), now)
        return None

    def _take(
        self, transaction: Transaction, signal: Signal, now: float, data: bytes = b"",
        called: str = "",
    ) -> bool:  # fmt: skip
        """Run one row; true where its user has to be told."""
        step = transaction.step(signal)
        if step.stop:
            self.timers.stop(transaction.key, step.stop)
        told = False
        for act in step.acts:
            if act is Act.SEND:
                transaction.last = data
            if act is Act.ACKNOWLEDGE:
                self._send(transaction, self._ack(transaction, called))
            elif act in (Act.SEND, Act.AGAIN):
                if transaction.last:
                    self._send(transaction, transaction.last)
            else:
                told = True
        self._start(transaction, step.start, now)
        if transaction.state is State.TERMINATED:
            self._forget(transaction)
        return told

    def _ack(self, transaction: Transaction, called: str) -> bytes:
        """The ACK for a refusal, same branch as the INVITE (RFC 3261 17.1.1.3)."""
        assert isinstance(transaction, ClientTransaction)
        return follow_up(transaction.sent, "ACK", called, self._via(transaction)).data

    def _via(self, invite: ClientTransaction) -> str:
        return self.places.via(invite.peer, invite.sent.branch)

    def cancel(self, invite: ClientTransaction, now: float) -> None:
        """CANCEL an INVITE of ours that got a provisional response (9.1)."""
        sent = follow_up(invite.sent, "CANCEL", invite.sent.to, self._via(invite))
        self.open_client(sent, invite.peer, "", now)

    def _send(self, transaction: Transaction, data: bytes) -> None:
        """To the peer; a response to what came over a connection that still lives goes back over
        that (18.2.2)."""
        peer = transaction.peer
        if isinstance(transaction, ServerTransaction) and transaction.source in self.streams:
            peer = transaction.source
        self.out.append(SendDatagram(data, peer))

    def _start(self, transaction: Transaction, timers: str, now: float) -> None:
        for timer in timers:
            wait = transaction.duration(timer, self.options)
            if wait == 0:
                self._take(transaction, Signal(timer), now)
            elif wait is not None:
                self.timers.start(transaction.key, timer, now + wait)

    def _forget(self, transaction: Transaction) -> None:
        self.timers.stop(transaction.key, TIMER_NAMES)
        if isinstance(transaction, ServerTransaction):
            known = self.servers.pop(transaction.key, None)
            if known is not None and known.share is not None:
                self.shares[known.share] -= 1
                if not self.shares[known.share]:
                    del self.shares[known.share]
            if self._merged.get(transaction.merge_key) == transaction.key:
                del self._merged[transaction.merge_key]
        else:
            self.clients.pop(transaction.key, None)
            users = self._over.get(transaction.peer)
            if users is not None:
                users.discard(transaction.key)
                if not users:
                    del self._over[transaction.peer]


def server_key(request: Request, method: str) -> Key:
    """RFC 3261 17.2.3: branch, sent-by and method; without the cookie the RFC 2543 way."""
    via = request.via
    method = "INVITE" if method == "ACK" else method
    branch = via.branch
    if branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
        return ("s", branch, via.host.lower(), str(via.port), method)
    return (
        "s", request.uri, request.from_.tag, request.call_id, str(request.cseq),
        request.headers["via"][0], method,
    )  # fmt: skip


def _merge_key(request: Request) -> Key:
    return (request.call_id, request.from_.tag, str(request.cseq), request.method)


def follow_up(sent: Outgoing, method: str, called: str, via: str) -> Outgoing:
    """ACK (for a refusal) or CANCEL of an INVITE: same branch, URI, route and CSeq number."""
    headers = [
        ("Via", via),
        ("Max-Forwards", "70"),
        *(("Route", route) for route in sent.routes),
        ("From", sent.from_),
        ("To", called),
        ("Call-ID", sent.call_id),
        ("CSeq", f"{sent.cseq} {method}"),
    ]
    return Outgoing(
        method, sent.uri, sent.branch, sent.routes, sent.from_, called, sent.call_id, sent.cseq,
        write_request(method, sent.uri, headers),
    )  # fmt: skip
