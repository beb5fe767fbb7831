"""The door of a user agent: trunks, admission and passwords, in front of all that is no part of a
live call."""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from telebank.sip.admission import Admission, AdmissionOptions, Verdict
from telebank.sip.core import Core
from telebank.sip.digest import Account
from telebank.sip.digest_client import DigestClient, GivenUp, Signed
from telebank.sip.digest_server import Challenged, DigestOptions, DigestServer, Why
from telebank.sip.events import SendDatagram
from telebank.sip.failed_attempts import AttemptOptions, FailedAttempts
from telebank.sip.glance import Glance, branch_of_response, glance, refusal
from telebank.sip.headers import MAGIC_COOKIE
from telebank.sip.identities import number_of
from telebank.sip.leg import Leg
from telebank.sip.message import Request, Response
from telebank.sip.screening import Rejection, busy
from telebank.sip.trunks import STRANGERS, Trunk, TrunkOptions, Trunks
from telebank.sip.uri import BadUri, Hop, SipUri

MINUTE_S = 60.0
CHALLENGES = (401, 407)
NOBODY = Trunk(STRANGERS, TrunkOptions(t38="never"), known=False)
"""Strangers that are let in to the menus."""


class Standing(Enum):
    """Who is at a hop."""

    KNOWN = "a trunk, or a phone that showed its password"
    PHONE = "where phones may be"
    STRANGER = "anybody else"
    NOBODY = "anybody else, where such are not to see that there is anything here"


class Callers(Protocol):
    """Who may call though no trunk has their address: desk phones."""

    def screen(self, request: Request, source: Hop, now: float) -> Trunk | Rejection | None:
        """Their rights or their refusal; None: to be treated as a stranger."""
        ...


class Door:
    """Who comes in, and by which trunk."""

    def __init__(
        self, core: Core, trunks: Trunks, options: AdmissionOptions, token: Callable[[], str]
    ) -> None:
        self.trunks = trunks
        self.admission = Admission(options, core.options.scanners)
        self.callers: Callers | None = None
        self.is_phone_place: Callable[[Hop], bool] = _nowhere
        """Whether phones may register from there."""
        self._core = core
        self._secret = token().encode()
        self._placed: dict[str, deque[float]] = {}
        """When calls of the last minute were placed, by trunk."""
        attempts = FailedAttempts(AttemptOptions())
        self._servers: dict[str, tuple[DigestServer, dict[str, Account]]] = {}
        self.clients: dict[str, DigestClient] = {}
        """What calls to a trunk are signed with."""
        for trunk in trunks.by_name.values():
            if trunk.account is None:
                continue
            self.clients[trunk.name] = DigestClient([trunk.account], token)
            if trunk.options.challenge:
                asked = DigestOptions(trunk.options.realm, trunk.options.asked)
                key = "".join(token() for _ in range(4)).encode()
                server = DigestServer(asked, key, attempts)
                self._servers[trunk.name] = server, {trunk.options.user: trunk.account}

    def of(self, source: Hop) -> Trunk | None:
        """The trunk of who sends from there; None: a stranger."""
        return self.trunks.of(source, self._core.layer.streams.get(source, ()))

    def standing(self, hop: Hop, names: tuple[str, ...]) -> Standing:
        """Who is at a hop whose certificate, if any, has these names."""
        if self.trunks.of(hop, names) is not None or self.admission.has_proved(hop):
            return Standing.KNOWN
        if self.is_phone_place(hop):
            return Standing.PHONE
        hidden = self.admission.options.strangers == "drop"
        return Standing.NOBODY if hidden else Standing.STRANGER

    # What comes in, before it is parsed

    def lets(self, data: bytes, source: Hop, now: float) -> bool:
        """Whether a message is to be parsed; a cheap refusal is said here."""
        trunk = self.of(source)
        if data.startswith(b"SIP/2.0"):
            branch, method = branch_of_response(data)
            if ("c", branch, method) in self._core.layer.clients:
                return True
            return self.admission.hears(source, trunk, now)
        seen = glance(data)
        if seen is None:
            heard = self.admission.hears(source, trunk, now)
            if trunk is None and self._is_hidden_from("", source):
                return self._drop("something", source, now, told=heard)
            return heard
        return self._is_live(seen) or self._lets_new(seen, source, trunk, now)

    def _lets_new(self, seen: Glance, source: Hop, trunk: Trunk | None, now: float) -> bool:
        """The same of a request that belongs to nothing yet."""
        if trunk is None and self._is_hidden_from(seen.method, source):
            told = self.admission.judge(seen, source, None, now) is Verdict.PASS
            return self._drop(seen.method, source, now, told=told)
        if seen.method == "ACK":  # of a refusal of which nothing was kept, most of them
            old = not seen.branch.startswith(MAGIC_COOKIE)
            return old and self.admission.hears(source, trunk, now)
        registers = seen.method == "REGISTER" and self.is_phone_place(source)
        verdict = self.admission.judge(seen, source, trunk, now, registers=registers)
        if verdict is Verdict.REFUSE:
            wait = self._core.options.retry_after
            self._core.out.append(SendDatagram(*refusal(seen, source, self._secret, wait)))
        if trunk is None and verdict in (Verdict.HELD, Verdict.SCAN):
            self._core.shut(source)
        return verdict is Verdict.PASS

    def _is_hidden_from(self, method: str, source: Hop) -> bool:
        """Whether a stranger is not to see that there is anything here, whatever he sends; a phone
        may ask to be let in."""
        if self.admission.options.strangers != "drop":
            return False
        asks = method == "REGISTER" or (method == "INVITE" and self.callers is not None)
        return not (asks and self.is_phone_place(source))

    def _drop(self, what: str, source: Hop, now: float, *, told: bool) -> bool:
        self.admission.failed(source, None, now)
        if told:
            self._core.trouble("stranger", f"{what} from no trunk", source)
        self._core.shut(source)
        return False

    def _is_live(self, seen: Glance) -> bool:
        """Whether a request belongs to a live dialog, or to a transaction that is open."""
        core = self._core
        tag = seen.to_tag
        if tag:
            call_id = seen.call_id.decode("utf-8", "surrogateescape")
            if (call_id, tag, seen.from_tag) in core.dialogs:
                return True
        host, port = seen.sent_by
        branch, method = seen.branch, seen.method
        method = "INVITE" if method in ("ACK", "CANCEL") else method
        return ("s", branch, host, str(port), method) in core.layer.servers

    # What was parsed

    def screen(self, request: Request, source: Hop, now: float) -> Trunk | Rejection | None:
        """The trunk that a request outside calls comes by, or its refusal; None: silence. REGISTER
        is the registrar's."""
        trunk = self.of(source)
        if trunk is None:
            return self._stranger(request, source, now)
        if not trunk.may(request.method):
            return Rejection(405, [("Allow", ", ".join(trunk.options.methods))])
        if request.method != "INVITE":
            return trunk
        if self._core.trunk_calls[trunk.name, "in"] >= trunk.options.calls_in:
            return busy(self._core.options)
        if trunk.name in self._servers:
            server, accounts = self._servers[trunk.name]
            answer = server.check(request, source, accounts, now)
            if isinstance(answer, Challenged):
                if answer.why in (Why.WRONG, Why.HELD):
                    self._core.trouble("wrong password", f"trunk {trunk.name}", source)
                return Rejection(answer.status, answer.headers)
        return trunk if trunk.takes(dialled(request.uri)) else Rejection(404)

    def _stranger(self, request: Request, source: Hop, now: float) -> Trunk | Rejection | None:
        policy = self.admission.options.strangers
        if policy == "menu":
            self.admission.succeeded(source, None, now)
            return NOBODY
        if self.callers is not None and request.method == "INVITE":
            screened = self.callers.screen(request, source, now)
            if screened is not None:
                return screened
        self.admission.failed(source, None, now)
        self._core.trouble("stranger", f"{request.method} from no trunk", source)
        if policy == "drop":
            self._core.shut(source)
            return None
        return Rejection(403)

    def failed(self, source: Hop, now: float) -> None:
        """Something that was let in is malformed, or nothing that we know."""
        self.admission.failed(source, self.of(source), now)

    # What goes out

    def places(self, name: str, now: float) -> str:
        """Count a call to a trunk; why it may not be, empty where it may."""
        trunk = self.trunks.by_name.get(name)
        if trunk is None:
            return f"no trunk {name}"
        if self._core.trunk_calls[name, "out"] >= trunk.options.calls_out:
            return "calls_out of the trunk is reached"
        placed = self._placed.setdefault(name, deque())
        while placed and placed[0] <= now - MINUTE_S:
            placed.popleft()
        if len(placed) >= trunk.options.calls_a_minute:
            return "calls_a_minute of the trunk is reached"
        placed.append(now)
        return ""

    def sign(self, leg: Leg, method: str, uri: str) -> Signed | None:
        """A request in a leg over a trunk that has our password, with the credentials that it asked
        for before; None where there is no password."""
        client = self.clients.get(leg.trunk)
        return None if client is None or leg.way == "in" else client.begin(method, uri)

    def sign_again(self, leg: Leg, signed: Signed | None, response: Response) -> Signed | None:
        """The answer to a challenge to a request in the leg; None where there is none."""
        client = self.clients.get(leg.trunk)
        if client is None or signed is None or response.status not in CHALLENGES:
            return None
        again = client.again(signed, response)
        if isinstance(again, GivenUp):
            self._core.trouble("digest", f"trunk {leg.trunk}: {again.why.value}", leg.peer)
            return None
        return again


def _nowhere(source: Hop) -> bool:
    """Without a registrar there is no such place."""
    del source
    return False


def dialled(uri: str) -> str:
    """The called number of a Request-URI without separators, or its user part as it came."""
    number = number_of(uri)
    if number:
        return number
    try:
        return SipUri.parse(uri).user
    except BadUri:
        return ""
