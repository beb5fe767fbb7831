"""SRTP and SRTCP of one leg, both ways (RFC 3711, RFC 7714), by libsrtp.

Each direction has a master key of its own and keeps its context as long as that key: its rollover
counter goes on where the same key is agreed again, so no keystream is used twice. A receiving
context learns the peer's rollover counter from the packets, one in 64 is enough.
"""

import errno
from collections.abc import Callable

import pylibsrtp
from pylibsrtp import Policy, Session

from telebank.rtp import HEADER, MAX_PACKET, is_rtcp
from telebank.sip.sdes import SUITES, key_length

MAX_SOURCES = 64
"""SSRCs of one peer's key: each has a context, and a peer that tries out more is not heard."""
MAX_KEYS = 16
"""Keys that we send by in one call; their counters are all kept."""
_RTP_SOURCE = slice(8, 12)
_RTCP_SOURCE = slice(4, 8)

Send = Callable[[memoryview], object]


_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
"""libsrtp's, of `sdes.SUITES`."""


class Srtp:
    """The contexts of one leg; `agree` before anything else."""

    def __init__(self) -> None:
        self._sent_by: dict[tuple[str, bytes], Session] = {}
        self._heard_by: tuple[str, bytes] | None = None
        self._out: Session
        self._in: Session
        self._sources: set[bytes] = set()

    def agree(self, suite: str, send: bytes, receive: bytes) -> None:
        """Master key and salt of each direction from now on; `ValueError` for what is none."""
        if suite not in SUITES:
            raise ValueError(f"SRTP suite {suite!r} is not known: use one of {', '.join(SUITES)}")
        if not len(send) == len(receive) == key_length(suite):
            raise ValueError(f"{suite} takes keys of {key_length(suite)} octets with their salt")
        if send == receive:
            raise ValueError("both directions have the same key: each needs its own")
        self._out = self._sender(suite, send)
        if self._heard_by != (suite, receive):
            self._in = _session(suite, receive, Policy.SSRC_ANY_INBOUND)
            self._heard_by = suite, receive
            self._sources.clear()

    def _sender(self, suite: str, key: bytes) -> Session:
        if (suite, key) not in self._sent_by:
            if len(self._sent_by) >= MAX_KEYS:
                raise ValueError(f"more than {MAX_KEYS} keys to send by in one call")
            self._sent_by[suite, key] = _session(suite, key, Policy.SSRC_ANY_OUTBOUND)
        return self._sent_by[suite, key]

    # -- what we send -------------------------------------------------------------------------

    def sender(self, send: Send) -> Send:
        """What takes packets in the clear and gives them, protected, to `send`."""
        protect = self._out.protect

        def protected(view: memoryview) -> object:
            try:
                return send(memoryview(protect(bytes(view))))
            except pylibsrtp.Error as error:
                raise OSError(errno.EPROTO, f"SRTP: {error}") from error

        return protected

    def protect_rtcp(self, data: bytes) -> bytes:
        """A compound of ours as SRTCP."""
        return self._out.protect_rtcp(data)

    # -- what the peer sends ------------------------------------------------------------------

    def unprotect(self, data: bytes) -> bytes | None:
        """A datagram of the RTP port in the clear; None if it is forged, or came before."""
        if is_rtcp(data):
            return self.unprotect_rtcp(data)
        return self._open(data, data[_RTP_SOURCE], self._in.unprotect)

    def unprotect_rtcp(self, data: bytes) -> bytes | None:
        """One that is SRTCP by its port or its type."""
        return self._open(data, data[_RTCP_SOURCE], self._in.unprotect_rtcp)

    def _open(self, data: bytes, source: bytes, opened: Callable[[bytes], bytes]) -> bytes | None:
        if not HEADER.size <= len(data) <= MAX_PACKET:
            return None
        if source not in self._sources and len(self._sources) >= MAX_SOURCES:
            return None
        try:
            clear = opened(data)
        except pylibsrtp.Error:
            return None
        self._sources.add(source)
        return clear


def _session(suite: str, key: bytes, kind: int) -> Session:
    return Session(Policy(key=key, ssrc_type=kind, srtp_profile=_PROFILES[suite]))
