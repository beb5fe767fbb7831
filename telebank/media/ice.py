"""Our end of ICE, lite (RFC 8445 section 2.5): checks are answered, none are sent.

The peer, which is in control, checks our one address from each of its own and nominates one; where
it does so again from another, as it does when its network changes, that is the one from then on.
Its later checks are its asking for consent (RFC 7675), answered alike.
"""

from telebank.media import stun
from telebank.rtp import Address

MAX_PATHS = 16
"""Addresses that passed a check and are still known."""
ANSWERS_A_SECOND = 50
"""To checks that are authentic: a check each 50 ms of two pairs is what ICE has at most."""
REFUSALS_A_SECOND = 5
_KNOWN = frozenset({stun.USERNAME, stun.PRIORITY, stun.USE_CANDIDATE})


class Allowance:
    """So many a second."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = -1
        self._spent = 0

    def take(self, now: float) -> bool:
        """Whether there is one more in this second."""
        if int(now) != self._second:
            self._second, self._spent = int(now), 0
        self._spent += 1
        return self._spent <= self._most


class IceLite:
    """One channel's; no I/O and no clock: `now` is monotonic seconds."""

    def __init__(self, ufrag: str, password: str, peer_ufrag: str) -> None:
        self.restart(ufrag, password, peer_ufrag)
        self._answers = Allowance(ANSWERS_A_SECOND)
        self._refusals = Allowance(REFUSALS_A_SECOND)
        self._paths: dict[Address, None] = {}
        self.nominated: Address | None = None
        """Where to send to; it stays while a restart is under way."""

    def restart(self, ufrag: str, password: str, peer_ufrag: str) -> None:
        """Other credentials are agreed (section 9), or the same."""
        self._username = f"{ufrag}:{peer_ufrag}".encode()
        self._password = password.encode()

    def passed(self, address: Address) -> bool:
        """Whether the peer proved that it is there."""
        return address in self._paths

    def receive(self, data: bytes, address: Address, now: float) -> bytes | None:
        """A datagram that is STUN by its first octet; what to answer, if anything."""
        try:
            message = stun.parse(data)
        except stun.MalformedStun:
            return None
        if message.kind != stun.BINDING_REQUEST:
            return None  # an indication, or the answer to a question that we never ask
        refused = self._refuse(message)
        if refused is not None:
            return refused if self._refusals.take(now) else None
        if not self._answers.take(now):
            return None
        self._prove(message, address)
        place = {stun.XOR_MAPPED_ADDRESS: stun.xor_address(address, message.transaction)}
        return stun.build(stun.BINDING_SUCCESS, message.transaction, place, self._password)

    def _refuse(self, message: stun.Message) -> bytes | None:
        """The error response, or None to a check that is good (RFC 8489 section 9.1.3)."""
        if message.integrity is None or stun.USERNAME not in message.attributes:
            return _error(message, 400, "Bad Request")
        if message.attributes[stun.USERNAME] != self._username:
            return _error(message, 401, "Unauthenticated")
        if not message.authentic(self._password):
            return _error(message, 401, "Unauthenticated")
        if unknown := message.unknown(_KNOWN):
            listed = b"".join(kind.to_bytes(2, "big") for kind in unknown)
            more = {stun.UNKNOWN_ATTRIBUTES: listed}
            return _error(message, 420, "Unknown Attribute", self._password, more)
        if stun.ICE_CONTROLLED in message.attributes:  # a lite agent never has control
            return _error(message, 487, "Role Conflict", self._password)
        return None

    def _prove(self, message: stun.Message, address: Address) -> None:
        self._paths.pop(address, None)
        self._paths[address] = None
        if stun.USE_CANDIDATE in message.attributes:
            self.nominated = address
        while len(self._paths) > MAX_PATHS:
            oldest = next(each for each in self._paths if each != self.nominated)
            del self._paths[oldest]


def _error(
    message: stun.Message,
    code: int,
    words: str,
    password: bytes | None = None,
    more: dict[int, bytes] | None = None,
) -> bytes:
    attributes = {stun.ERROR_CODE: stun.error(code, words), **(more or {})}
    return stun.build(stun.BINDING_ERROR, message.transaction, attributes, password)
