"""The server side of digest authentication: whether a request shows a password of ours, and the
challenge where it does not (RFC 3261 sections 22.1 to 22.4, RFC 7616, RFC 8760).

Whoever has no right password learns nothing: names that are accounts and names that are none get
the same answer after the same steps, held or not.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from telebank.sip.auth_headers import Challenge, Credentials, read_credentials
from telebank.sip.contacts import same_target
from telebank.sip.digest import QOP, Account, Algorithm, algorithm_named, response_to
from telebank.sip.failed_attempts import FailedAttempts
from telebank.sip.message import Request
from telebank.sip.nonces import Nonces
from telebank.sip.statuses import REASONS
from telebank.sip.uri import Hop

_NEVER_ASKED = ("ACK", "CANCEL")


@dataclass(frozen=True, slots=True)
class DigestOptions:
    """What is asked for in one realm: on the phones' side, or of one trunk. It must not depend on
    the user, or the challenge would tell who is one."""

    realm: str
    algorithms: tuple[Algorithm, ...] = (Algorithm.SHA_256,)
    """What is offered, in this order (RFC 8760 section 2.4). MD5 only where it is named here, and
    then only for accounts that have a key for it."""
    without_qop: bool = False
    """Whether old clients may do without nonce counts; the account must allow it too."""
    same_uri: bool = True
    """Whether the URI signed must be the one asked for, so that nobody on the way puts in another
    number; off only behind proxies that rewrite it."""
    proxy: bool = False
    """Whether to ask as a proxy does: 407 and Proxy-Authenticate."""
    nonce_lifetime: float = 300.0
    """How long a nonce is good, seconds."""
    window: int = 64
    """How far a nonce count may be behind the highest, for requests that overtook each other."""
    max_used_nonces: int = 20_000
    """Nonces in use whose counts are kept; above it the oldest are stale before their time."""

    def __post_init__(self) -> None:
        if not self.algorithms:
            raise ValueError("sip digest: name at least one algorithm")
        if self.nonce_lifetime <= 0:
            raise ValueError("sip digest: nonce_lifetime must be above 0 seconds")
        if not (0 < self.window <= 1024 and self.max_used_nonces > 0):  # noqa: PLR2004
            raise ValueError("sip digest: window must be 1 to 1024, max_used_nonces 1 or more")


class Why(Enum):
    """Why a request was challenged. For counting and the audit log, never for the answer."""

    ABSENT = "no credentials for us"
    STALE = "a nonce that is old, used, or not ours"
    WRONG = "not a right password"
    HELD = "too many wrong passwords before"


@dataclass(frozen=True, slots=True)
class Verified:
    """The request comes from the account's owner."""

    account: Account


@dataclass(frozen=True, slots=True)
class Challenged:
    """Answer with this status and these header lines, and keep nothing."""

    status: int
    headers: tuple[tuple[str, str], ...]
    why: Why
    username: str
    """The name that was tried, empty for none: what anybody may write, not an account."""

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return REASONS[self.status]


class DigestServer:
    """Checks requests in one realm. `key` is random and of this run only; `attempts` may be shared
    by servers of several realms."""

    def __init__(self, options: DigestOptions, key: bytes, attempts: FailedAttempts) -> None:
        self.options = options
        self._attempts = attempts
        self._nonces = Nonces(
            key,
            options.realm,
            lifetime=options.nonce_lifetime,
            window=options.window,
            max_used=options.max_used_nonces,
        )
        # Names that are none are checked against keys nobody has the password of.
        decoys = {a: a.hash(f"decoy:{key.hex()}") for a in options.algorithms}
        self._decoy = Account("nobody", options.realm, decoys, options.without_qop)

    def check(
        self, request: Request, source: Hop, accounts: Mapping[str, Account], now: float
    ) -> Verified | Challenged:
        """Check a new request; repeats of it are for the transaction layer, as their count is
        used. ACK and CANCEL cannot be challenged (22.1): asking for them is an error."""
        if request.method in _NEVER_ASKED:
            raise ValueError(f"{request.method} cannot be challenged")
        given = self._given(request)
        if given is None:
            return self.challenge(source, now)
        name = given.username
        if not self._nonces.is_good(given.nonce, given.count, source, now):
            # Said without a look at the password: it must not be a second place to try one.
            return self.challenge(source, now, Why.STALE, name)
        account = accounts.get(name)
        right = self._is_right(given, request, account or self._decoy)
        counted_as = name if account is not None else ""
        if self._attempts.held(counted_as, source, now):
            return self.challenge(source, now, Why.HELD, name)
        if account is None or not right:
            self._attempts.failed(counted_as, source, now)
            return self.challenge(source, now, Why.WRONG, name)
        self._nonces.use(given.nonce, given.count, source, now)
        self._attempts.succeeded(name, source, now)
        return Verified(account)

    def challenge(
        self, source: Hop, now: float, why: Why = Why.ABSENT, username: str = ""
    ) -> Challenged:
        """A challenge for `source`; all its header lines carry one nonce."""
        options, nonce = self.options, self._nonces.make(source, now)
        name = "Proxy-Authenticate" if options.proxy else "WWW-Authenticate"
        stale = why is Why.STALE
        lines = tuple(
            (name, Challenge(options.realm, nonce, a.value, (QOP,), stale=stale).written())
            for a in options.algorithms
        )
        return Challenged(407 if options.proxy else 401, lines, why, username)

    def counts(self) -> dict[str, int]:
        """What is kept."""
        return {"nonces": len(self._nonces), **self._attempts.counts()}

    def _given(self, request: Request) -> Credentials | None:
        """The first credentials for our realm that answer what we ask: one guess a request."""
        name = "proxy-authorization" if self.options.proxy else "authorization"
        for found in read_credentials(request.headers.get(name, ())):
            if found.realm == self.options.realm and self._answers(found):
                return found
        return None

    def _answers(self, given: Credentials) -> bool:
        if given.qop != QOP and (given.qop or not self.options.without_qop):
            return False
        return algorithm_named(given.algorithm) in self.options.algorithms

    def _is_right(self, given: Credentials, request: Request, account: Account) -> bool:
        """Whether the response is the account's. Every step is taken whatever came before."""
        algorithm = algorithm_named(given.algorithm)
        assert algorithm is not None
        decoy = self._decoy.ha1[algorithm]
        expected = response_to(
            algorithm,
            account.ha1.get(algorithm, decoy),
            request.method,
            given.uri,
            given.nonce,
            qop=given.qop,
            nc=given.nc,
            cnonce=given.cnonce,
        )
        equal = hmac.compare_digest(expected.encode(), given.response.encode(errors="replace"))
        allowed = (algorithm in account.ha1) & (given.qop == QOP or account.without_qop)
        signed = same_target(given.uri, request.uri) or not self.options.same_uri
        return equal & allowed & signed
