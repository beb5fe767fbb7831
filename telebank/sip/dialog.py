"""Dialogs: Call-ID and both tags, sequence numbers, route set and target (RFC 3261 section 12)."""

from dataclasses import dataclass

from telebank.sip.headers import BadHeader, first_name_addr, split_list
from telebank.sip.message import Headers, Request, Response
from telebank.sip.uri import BadUri, Hop, SipUri, hop_of

DialogKey = tuple[str, str, str]
MAX_ROUTES = 20


@dataclass(slots=True)
class Dialog:
    """One dialog as we see it; `local` and `remote` are From and To values with their tags."""

    call_id: str
    local_tag: str
    remote_tag: str
    local: str
    remote: str
    target: str
    """Remote target: the URI of the other side's Contact."""
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int
    """Highest CSeq number heard, -1 before the first request."""
    peer: Hop
    """Where the other side was heard from; used where target or route name no IP address."""

    @property
    def key(self) -> DialogKey:
        return (self.call_id, self.local_tag, self.remote_tag)

    def in_order(self, request: Request) -> bool:
        """Take the sequence number of a request; false where it is out of order (12.2.2)."""
        if request.cseq <= self.remote_cseq:
            return False
        self.remote_cseq = request.cseq
        return True

    def heard_from(self, source: Hop) -> None:
        """The other side has another connection now; of UDP nothing is learnt so."""
        if source.reliable:
            self.peer = source

    def refresh(self, message: Request | Response) -> None:
        """Target refresh by a Contact (12.2.1.2, 12.2.2)."""
        self.target = _readable(message.headers)[0] or self.target

    def way(self) -> tuple[str, tuple[str, ...], Hop]:
        """Request-URI, Route values and address of the next request (12.2.1.1)."""
        if not self.routes:
            return self.target, (), hop_of(self.target, self.peer)
        first = _uri(self.routes[0])
        address = hop_of(first, self.peer)
        if _loose(first):
            return self.target, self.routes, address
        return first, (*self.routes[1:], f"<{self.target}>"), address


def for_server(request: Request, local_tag: str, source: Hop) -> Dialog:
    """The dialog an INVITE received opens (12.1.1). Raises `BadHeader` for a bad Contact."""
    return Dialog(
        request.call_id,
        local_tag,
        request.from_.tag,
        f"{request.headers['to'][0]};tag={local_tag}",
        request.headers["from"][0],
        contact_of(request.headers) or request.from_.uri,
        routes_of(request.headers),
        0,
        request.cseq,
        source,
    )


def for_client(
    response: Response, local_tag: str, local: str, *, target: str, cseq: int, peer: Hop
) -> Dialog:
    """The dialog a 2xx to our INVITE opens (12.1.2). A Contact or Record-Route nobody can read
    counts as absent: the call has to be acknowledged, and ended, all the same."""
    contact, routes = _readable(response.headers)
    return Dialog(
        response.call_id,
        local_tag,
        response.to.tag,
        local,
        response.headers["to"][0],
        contact or target,
        routes[::-1],
        cseq,
        -1,
        peer,
    )


def _readable(headers: Headers) -> tuple[str, tuple[str, ...]]:
    try:
        return contact_of(headers), routes_of(headers)
    except BadHeader:
        return "", ()


def contact_of(headers: Headers) -> str:
    """URI of the first Contact, empty where there is none. Raises `BadHeader`."""
    lines = headers.get("contact")
    if not lines or lines[0] == "*":
        return ""
    return first_name_addr(lines[0], "Contact")[0].uri


def routes_of(headers: Headers) -> tuple[str, ...]:
    """Record-Route values in their order. Raises `BadHeader` where they are too many."""
    lines = headers.get("record-route")
    routes = split_list(lines) if lines else []
    if len(routes) > MAX_ROUTES:
        raise BadHeader("Record-Route: too many values")
    for route in routes:
        first_name_addr(route, "Record-Route")
    return tuple(routes)


def _uri(route: str) -> str:
    return first_name_addr(route, "Route")[0].uri


def _loose(uri: str) -> bool:
    try:
        return SipUri.parse(uri).loose
    except BadUri:
        return True
