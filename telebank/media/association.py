"""Keys by DTLS on one leg's media port, behind ICE-lite where the peer speaks ICE.

Nothing is answered before the peer's address is known: with ICE, by a check that it passed; else by
its description, or learnt as that of RTP may be, from where a first ClientHello comes while the
described address is silent. Who is there proves it by its certificate alone.
"""

import socket
from collections.abc import Callable
from contextlib import suppress

from telebank import wire
from telebank.media.dtls import DTLS_TYPES, DtlsFailed, Handshake, Keys
from telebank.media.handshakes import Handshakes
from telebank.media.ice import IceLite
from telebank.media.options import MediaOptions
from telebank.media.stun import STUN_TYPES
from telebank.rtp import Address

LINGER_S = 30.0
"""Seconds after the handshake in which its last words are said again where they were lost."""


class Association:
    """`now` is monotonic seconds. `keys`, `failed` and `path` tell how far it is."""

    def __init__(
        self,
        number: int,
        endpoint: socket.socket,
        desk: Handshakes,
        *,
        options: MediaOptions,
        security: wire.DtlsKeys,
        agreed: Address,
        learn_from: str,
        now: float,
        told: Callable[["Association"], None],
    ) -> None:
        """`number` of the channel; `agreed`: the address of the description, which means nothing
        with ICE; `learn_from`: a host whose ports may be learnt, empty: none; `told` is called when
        `keys`, `failed` or `path` have changed. Raises `ValueError`."""
        self.number = number
        self._endpoint = endpoint
        self._told = told
        self._desk = desk
        self._learn_at = now + options.learn_after_s
        self._host = learn_from
        self._until = now + options.handshake_s
        self._security = security
        self._agreed = agreed
        self._peer: Address | None = None
        """Where DTLS came from last, or goes to."""
        self._begun = False
        self.ice = _ice(security)
        self.failed = ""
        self._handshake: Handshake = desk.begin(
            self,
            security.fingerprint,
            active=security.active,
            proven=self.ice is not None,
            shown=security.shown,
        )
        if self.ice is None and security.active:
            self._begin(agreed)

    @property
    def keys(self) -> Keys | None:
        """Once they are agreed."""
        return self._handshake.keys if not self.failed else None

    @property
    def path(self) -> Address | None:
        """Where media go, once that is proven."""
        if self.ice is not None:
            return self.ice.nominated
        return self._peer if self.keys is not None else None

    def passed(self, address: Address) -> bool:
        """Whether media from there are heard."""
        return address == self.path if self.ice is None else self.ice.passed(address)

    def goes_on(self, security: wire.DtlsKeys, agreed: Address) -> bool:
        """Whether a new description means this association; if so, its ICE restarts."""
        before, ice = self._security, self.ice
        same = (security.fingerprint, security.active) == (before.fingerprint, before.active)
        if self.failed or not same or (ice is None) != (not security.ufrag):
            return False
        if ice is None:
            return agreed == self._agreed
        ice.restart(security.ufrag, security.password, security.peer_ufrag)
        self._security = security
        return True

    def close(self) -> None:
        """Nothing is to be sent any more."""
        self._desk.leave(self)

    # -- datagrams ----------------------------------------------------------------------------

    def receive(self, data: bytes, address: Address, now: float) -> None:
        """One that is no RTP by its first octet."""
        if data[0] in STUN_TYPES and self.ice is not None:
            self._check(self.ice, data, address, now)
        elif data[0] in DTLS_TYPES and self._may(address, now):
            self._desk.hand(self, data, address)

    def _check(self, ice: IceLite, data: bytes, address: Address, now: float) -> None:
        before = ice.nominated
        answer = ice.receive(data, address, now)
        if answer is not None:
            self._send(answer, address)
        if ice.nominated is not None and ice.nominated != before:
            if self._security.active:
                self._begin(ice.nominated)
            self._told(self)

    def _may(self, address: Address, now: float) -> bool:
        if self.ice is not None:
            return self.ice.passed(address)
        if address in (self._agreed, self._peer):
            return True
        learnable = address[0] == self._host and now >= self._learn_at
        return learnable and self._peer is None

    def _begin(self, peer: Address) -> None:
        """Our first word, once, if it is ours to say."""
        if not self._begun:
            self._begun, self._peer = True, peer
            self._handshake.begin()
            self._flush(peer)

    def take(self, data: bytes, address: Address, now: float) -> None:
        """A datagram of DTLS has its turn."""
        if self.failed or not self._may(address, now):
            return
        before = self.keys
        try:
            self._handshake.receive(data, f"{address[0]} {address[1]}")
        except DtlsFailed as error:
            self.failed = str(error)
        if before is None and not self._handshake.listening:
            self._peer = address
        self._flush(self.path or self._peer or address)
        if self.failed or self.keys is not before:
            self._until = now + LINGER_S
            self._told(self)

    def wake(self, now: float) -> None:
        """Send again what may be lost; give up in time, or forget what is done."""
        if self.keys is not None:
            if now >= self._until:
                self._handshake.forget()
                self._desk.done(self)
            return
        try:
            self._handshake.wake()
        except DtlsFailed as error:
            self.failed = str(error)
        if self._peer is not None:
            self._flush(self.path or self._peer)
        if now >= self._until and not self.failed:
            self.failed = "no DTLS handshake in time" if self._peer else "the peer begins no DTLS"
        if self.failed:
            self._desk.done(self)
            self._told(self)

    def _flush(self, to: Address) -> None:
        for datagram in self._handshake.taken():
            self._send(datagram, to)

    def _send(self, data: bytes, address: Address) -> None:
        with suppress(OSError, OverflowError):  # a full buffer, no route: the peer asks again
            self._endpoint.sendto(data, address)


def _ice(security: wire.DtlsKeys) -> IceLite | None:
    if not security.ufrag:
        return None
    return IceLite(security.ufrag, security.password, security.peer_ufrag)
