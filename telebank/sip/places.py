"""Where a user agent is reached, by transport and family."""

from telebank.sip.uri import Hop, host_port


class Places:
    """Our own addresses as peers are told them: one a transport and family, the first is usual.

    A place of a transport that nobody listens on is for requests of ours over it.
    """

    def __init__(self, *hops: Hop) -> None:
        if not hops:
            raise ValueError("a user agent has one place at least")
        self.hops = hops
        self._by_way = {(hop.transport, hop.family): hop for hop in reversed(hops)}

    @property
    def first(self) -> Hop:
        """What is told where nothing better is known."""
        return self.hops[0]

    def has(self, peer: Hop) -> bool:
        """Whether we have the peer's transport in its family."""
        return (peer.transport, peer.family) in self._by_way

    def of(self, peer: Hop) -> Hop:
        """What a peer is told: the place of its transport and family."""
        place = self._by_way.get((peer.transport, peer.family))
        if place is None:
            family = (hop for hop in self.hops if hop.family == peer.family)
            place = next(family, self.first)._replace(transport=peer.transport)
        return place

    def via(self, peer: Hop, branch: str) -> str:
        """The Via value of a request to a peer (RFC 3261 18.1.1; rport: RFC 3581)."""
        place = self.of(peer)
        return f"SIP/2.0/{place.transport.upper()} {host_port(place)};branch={branch};rport"

    def contact(self, peer: Hop, *, secure: bool = False) -> str:
        """The Contact value that a peer is told; `secure`: a sips URI (12.1.1)."""
        place = self.of(peer)
        if secure:
            return f"<sips:{host_port(place)}>"
        named = f";transport={place.transport}" if place.reliable else ""
        return f"<sip:{host_port(place)}{named}>"
