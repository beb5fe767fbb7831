"""Hostile lines cost as much as they are long, whichever header they are in and whoever sends
them."""

from collections.abc import Callable

import pytest

from support.linear import MOST, cost, line_of, lines
from support.sip_doors import DESK, STRANGER, TRUNK, doors, message
from support.sip_line import SDP
from telebank.sip import DatagramReceived, Hop
from telebank.sip.auth_headers import MAX_LENGTH, read_challenges, read_credentials
from telebank.sip.headers import split_list
from telebank.sip.message import MAX_LINE

HEADERS = (
    "via", "from", "to", "contact", "record_route", "cseq", "call_id", "max_forwards", "require",
    "supported", "accept", "allow", "privacy", "diversion", "history_info", "p_asserted_identity",
    "session_expires", "min_se", "content_type", "content_length", "user_agent", "subject",
)  # fmt: skip
"""All that is taken apart of a call, and one that is not."""
CASES = [
    *(("INVITE", TRUNK, header) for header in HEADERS),
    *(("REGISTER", DESK, header) for header in ("to", "contact", "require", "expires")),
    *(("REGISTER", DESK, header) for header in ("authorization", "proxy_authorization")),
    *(("OPTIONS", STRANGER, header) for header in ("via", "to", "require", "record_route")),
]
WORST = 3
"""Lines of a header that are looked at closely: those that cost most."""


def check(work: Callable[[str], Callable[[], object]], longest: int) -> None:
    """The dearest lines cost at half the length no less than a third."""
    once = {parts: cost(work(line), 1) for parts, line in lines(longest)}
    for parts in sorted(once, key=once.__getitem__)[-WORST:]:
        half, whole = (cost(work(line_of(*parts, octets))) for octets in (longest // 2, longest))
        assert whole <= MOST * half, parts


@pytest.mark.parametrize(("method", "source", "header"), CASES)
def test_a_hostile_line_costs_what_it_is_long(method: str, source: Hop, header: str) -> None:
    body = SDP if method == "INVITE" else ""

    def work(line: str) -> Callable[[], object]:
        data = message(method, source, body, **{header: line})
        return lambda: doors().receive(DatagramReceived(data, source), 0.0)

    check(work, MAX_LINE - len(header) - len(": "))


@pytest.mark.parametrize("read", [read_credentials, read_challenges, split_list])
def test_a_hostile_list_costs_what_it_is_long(read: Callable[[list[str]], object]) -> None:
    check(lambda line: lambda: [read([f"Digest {line}"]) for _ in range(10)], MAX_LENGTH - 7)
