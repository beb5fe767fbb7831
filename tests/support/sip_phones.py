"""A registrar's user agent under a fake clock, and phones that register with it by raw messages.

desk = Desk()                                   # phones 1001 and 1002, realm "bank"
phone = SoftPhone(desk, "1001")
phone.registers()                               # 200, after one challenge
phone.calls("sip:95588@bank")                   # 401, 100 and then what the application says
"""

import re
from dataclasses import dataclass, field

from support.sip_line import PEER, SDP, US, Line, tokens
from telebank.sip import Command, Hop, SipOptions, UserAgent
from telebank.sip.digest import SAFE, Account, Algorithm
from telebank.sip.digest_client import DigestClient, GivenUp, Signed
from telebank.sip.message import Response, parse
from telebank.sip.registering import PhoneOptions

REALM = "bank"
CALLED = "sip:95588@bank"
UNAUTHORIZED = 401
NETWORKS = ("192.0.2.0/24", "2001:db8::/32")


def account(extension: str, secret: str, *more: Algorithm) -> Account:
    return Account.of_password(extension, REALM, secret, (*SAFE[1:], *more))


ACCOUNTS = {
    "1001": account("1001", "one secret"),
    "1002": account("1002", "two secret", Algorithm.MD5),
}


@dataclass
class Desk(Line):
    """The agent with a registrar."""

    phones: PhoneOptions = field(
        default_factory=lambda: PhoneOptions(REALM, NETWORKS, registrations_per_s=1e6)
    )

    def __post_init__(self) -> None:
        self.agent = UserAgent(US, self.options, tokens("t"), phones=self.phones)
        assert self.agent.use_phones(ACCOUNTS) == []

    def told(self, kind: type[Command]) -> list[Command]:
        """What the application was told of that kind."""
        return [each for each in self.commands if isinstance(each, kind)]


@dataclass
class SoftPhone:
    """A phone: one Call-ID, rising CSeq, one address."""

    desk: Desk
    extension: str = "1001"
    secret: str = "one secret"
    source: Hop = PEER
    to: str = ""
    algorithm: Algorithm = Algorithm.SHA_256
    cseq: int = 0
    branch: int = 0
    call_id: str = ""

    def __post_init__(self) -> None:
        known = Account.of_password(self.extension, REALM, self.secret, (self.algorithm,))
        self.client = DigestClient([known], tokens(f"c{self.source.port}n"))
        self.call_id = self.call_id or f"{self.extension}@{self.source.host}"

    def says(self, extra: str = "", *, contact: str | None = None, signed: str = "") -> Response:
        """One REGISTER; its answer."""
        self.cseq += 1
        self.branch += 1
        self.last = self.text(extra, contact=contact, signed=signed)
        before = len(self.desk.sent)
        self.desk.hears(self.last, self.source)
        (answer,) = self.desk.sent[before:]
        found = parse(answer)
        assert isinstance(found, Response)
        return found

    def text(self, extra: str = "", *, contact: str | None = None, signed: str = "") -> str:
        host = f"{self.source.host}:{self.source.port}"
        way = self.source.transport.upper()
        mine = f"<sip:{self.extension}@{host}>" if contact is None else contact
        line = f"Contact: {mine}\r\n" if mine else ""
        who = f"<sip:{self.to or self.extension}@bank>"
        return (
            f"REGISTER sip:bank SIP/2.0\r\nVia: SIP/2.0/{way} {host};branch=z9hG4bK"
            f"{self.extension}{self.source.port}x{self.branch}\r\nMax-Forwards: 70\r\n"
            f"From: {who};tag=f\r\nTo: {who}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self.cseq} REGISTER\r\n{line}{extra}{signed}Content-Length: 0\r\n\r\n"
        )

    def registers(self, extra: str = "", *, contact: str | None = None) -> Response:
        """A REGISTER, and again with the password where it is asked for."""
        begun = self.client.begin("REGISTER", "sip:bank")
        answer = self.says(extra, contact=contact, signed=_lines(begun))
        if answer.status != UNAUTHORIZED:
            return answer
        again = self.client.again(begun, answer)
        if isinstance(again, GivenUp):
            return answer
        return self.says(extra, contact=contact, signed=_lines(again))


@dataclass
class Caller(SoftPhone):
    """A phone that calls, each call with a Call-ID of its own."""

    domain: str = REALM
    body: str = SDP

    def invites(self, uri: str = CALLED, signed: str = "") -> Response:
        """One INVITE; the first answer to it."""
        self.cseq += 1
        self.branch += 1
        host = f"{self.source.host}:{self.source.port}"
        self.last = (
            f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/{self.source.transport.upper()} {host};branch="
            f"z9hG4bKi{self.extension}{self.source.port}x{self.branch}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{self.to or self.extension}@{self.domain}>;tag=f\r\nTo: <{uri}>\r\n"
            f"Call-ID: {self.call_id}-{self.branch}\r\nCSeq: {self.cseq} INVITE\r\n"
            f"Contact: <sip:{self.extension}@{host}>\r\n{signed}"
            f"Content-Type: application/sdp\r\nContent-Length: {len(self.body)}\r\n\r\n{self.body}"
        )
        before = len(self.desk.sent)
        self.desk.hears(self.last, self.source)
        (answer,) = self.desk.sent[before:]
        found = parse(answer)
        assert isinstance(found, Response)
        return found

    def calls(self, uri: str = CALLED) -> Response:
        """An INVITE, and again with the password where it is asked for."""
        begun = self.client.begin("INVITE", uri)
        answer = self.invites(uri, _lines(begun))
        if answer.status != UNAUTHORIZED:
            return answer
        again = self.client.again(begun, answer)
        return answer if isinstance(again, GivenUp) else self.invites(uri, _lines(again))


def _lines(signed: Signed) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in signed.headers)


def same_but_nonce(response: Response) -> list[tuple[str, tuple[str, ...]]]:
    """A challenge without what is new in each."""
    hidden = ("via", "to", "from", "call-id", "cseq")
    kept = {name: lines for name, lines in response.headers.items() if name not in hidden}
    return [
        (name, tuple(re.sub(r'nonce="[^"]*"', "nonce", line) for line in lines))
        for name, lines in sorted(kept.items())
    ]


__all__ = [
    "ACCOUNTS",
    "REALM",
    "Caller",
    "Desk",
    "SipOptions",
    "SoftPhone",
    "account",
    "same_but_nonce",
]
