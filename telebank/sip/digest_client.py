"""The client side of digest authentication: our credentials for the challenges of a trunk (RFC 3261
sections 22.2 and 22.3, RFC 7616, RFC 8760)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from telebank.sip.auth_headers import Challenge, Credentials, read_challenges
from telebank.sip.digest import QOP, Account, Algorithm, algorithm_named, response_to
from telebank.sip.message import Response

MAX_TRIES = 4
"""How often one request is sent again with new credentials, stale nonces and all."""
MAX_COUNT = 2**32 - 1
_STATUSES = (401, 407)
_HEADERS = (("www-authenticate", "Authorization"), ("proxy-authenticate", "Proxy-Authorization"))
_ORDER = list(Algorithm)

Place = tuple[str, str]
"""The name of our header and the realm: one set of credentials each (22.3)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as far as its credentials go. Send it with `headers`, with a new CSeq and branch
    (22.2); its ACK has the same `headers` (22.1), its CANCEL none."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    nonces: tuple[tuple[Place, str], ...] = ()
    """The nonce sent to each place."""
    answered: tuple[Place, ...] = ()
    """Places whose challenge to this very request was answered already."""
    tries: int = 0


class GivenUpFor(Enum):
    """Why there is no sense in sending the request again."""

    NO_CHALLENGE = "no digest challenge that can be read"
    NO_ACCOUNT = "no account for a realm that asks"
    NO_ALGORITHM = "only algorithms or protections the account may not use"
    REFUSED = "the credentials were refused"
    TOO_OFTEN = "asked again too often"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The request failed for want of credentials."""

    why: GivenUpFor
    realm: str = ""


@dataclass(slots=True)
class _Session:
    """A challenge that our last credentials answered, and how often."""

    challenge: Challenge
    algorithm: Algorithm
    account: Account
    count: int = 0


class DigestClient:
    """Signs requests to one trunk. `token` gives random text for the client nonces."""

    def __init__(self, accounts: Iterable[Account], token: Callable[[], str]) -> None:
        self._accounts = {account.realm: account for account in accounts}
        self._token = token
        self._sessions: dict[Place, _Session] = {}
        """At most two for each account: only realms of ours come in."""

    def begin(self, method: str, uri: str) -> Signed:
        """A new request, signed for the places that asked before, so that they need not again."""
        return self._sign(method, uri, tuple(self._sessions))

    def again(self, signed: Signed, response: Response) -> Signed | GivenUp:
        """The request once more, for the challenges of a 401 or 407 to it."""
        if response.status not in _STATUSES:
            raise ValueError(f"a {response.status} is no challenge")
        asked = _by_place(response)
        if not asked:
            return GivenUp(GivenUpFor.NO_CHALLENGE)
        if signed.tries >= MAX_TRIES:
            return GivenUp(GivenUpFor.TOO_OFTEN)
        chosen: dict[Place, _Session] = {}
        for place, challenges in asked.items():
            session = self._choose(signed, place, challenges)
            if isinstance(session, GivenUp):
                self._sessions.pop(place, None)
                return session
            chosen[place] = session
        self._sessions |= chosen
        # Other places keep their credentials: a request passes several proxies.
        places = dict.fromkeys((*(place for place, _ in signed.nonces), *chosen))
        return self._sign(
            signed.method,
            signed.uri,
            tuple(place for place in places if place in self._sessions),
            tuple(dict.fromkeys((*signed.answered, *chosen))),
            signed.tries + 1,
        )

    def _choose(
        self, signed: Signed, place: Place, challenges: list[Challenge]
    ) -> _Session | GivenUp:
        realm = place[1]
        account = self._accounts.get(realm)
        if account is None:
            return GivenUp(GivenUpFor.NO_ACCOUNT, realm)
        usable = [c for c in challenges if _may_answer(account, c)]
        if not usable:
            return GivenUp(GivenUpFor.NO_ALGORITHM, realm)
        best = min(usable, key=lambda c: _ORDER.index(_algorithm(c)))
        # Each nonce is tried once. A new one helps where ours was old, or made for an earlier
        # request; after a wrong password servers send new ones for ever.
        again = (place, best.nonce) in signed.nonces
        if again or (place in signed.answered and not best.stale):
            return GivenUp(GivenUpFor.REFUSED, realm)
        return _Session(best, _algorithm(best), account)

    def _sign(
        self,
        method: str,
        uri: str,
        places: tuple[Place, ...],
        answered: tuple[Place, ...] = (),
        tries: int = 0,
    ) -> Signed:
        headers, nonces = [], []
        for place in places:
            session = self._sessions[place]
            if session.count >= MAX_COUNT:
                del self._sessions[place]
                continue
            headers.append((place[0], self._credentials(session, method, uri).written()))
            nonces.append((place, session.challenge.nonce))
        return Signed(method, uri, tuple(headers), tuple(nonces), answered, tries)

    def _credentials(self, session: _Session, method: str, uri: str) -> Credentials:
        challenge, algorithm, account = session.challenge, session.algorithm, session.account
        session.count += 1
        qop, nc, cnonce = "", "", ""
        if challenge.qop:
            qop, nc, cnonce = QOP, f"{session.count:08x}", self._token()
        response = response_to(
            algorithm,
            account.ha1[algorithm],
            method,
            uri,
            challenge.nonce,
            qop=qop,
            nc=nc,
            cnonce=cnonce,
        )
        return Credentials(
            account.username,
            account.realm,
            challenge.nonce,
            uri,
            response,
            # Named as the server did: to RFC 2069 the word is unknown.
            challenge.algorithm,
            qop,
            nc,
            cnonce,
            challenge.opaque,
        )


def _by_place(response: Response) -> dict[Place, list[Challenge]]:
    found: dict[Place, list[Challenge]] = {}
    for theirs, ours in _HEADERS:
        for challenge in read_challenges(response.headers.get(theirs, ())):
            found.setdefault((ours, challenge.realm), []).append(challenge)
    return found


def _may_answer(account: Account, challenge: Challenge) -> bool:
    if QOP not in challenge.qop and (challenge.qop or not account.without_qop):
        return False
    return algorithm_named(challenge.algorithm) in account.ha1


def _algorithm(challenge: Challenge) -> Algorithm:
    algorithm = algorithm_named(challenge.algorithm)
    assert algorithm is not None
    return algorithm
