"""Where the desk phones are: bindings of accounts to contacts (RFC 3261 section 10.3).

Who sends a REGISTER is known before it comes here (the digest server), so an account can change
its own bindings only. What comes out are values; the caller makes responses of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, inf

from telebank.sip.contacts import (
    DEFAULT_EXPIRES,
    Contact,
    TooMany,
    read_contacts,
    read_seconds,
    same_uri,
    user_of,
)
from telebank.sip.headers import BadHeader
from telebank.sip.message import Request
from telebank.sip.uri import BadUri, Hop, SipUri
from telebank.timers import Timers

HeaderPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RegistrarOptions:
    """Every limit and time of the registrar."""

    domains: tuple[str, ...] = ()
    """Lower-case host names and addresses we register for; empty for any."""
    min_expires: int = 60
    """Shortest registration, seconds; below it 423 says so."""
    default_expires: int = 3_600
    """Registration of a phone that names no time, seconds."""
    max_expires: int = 7_200
    """Longest registration, seconds; longer ones are cut."""
    max_contacts: int = 5
    """Contacts of one account."""
    replace_oldest: bool = False
    """Whether a contact too many takes the place of the one refreshed longest ago, for phones that
    come back with a new address; otherwise it is refused with 403."""
    max_accounts: int = 10_000
    """Accounts with a contact; above it new ones get 503."""
    max_request_contacts: int = 10
    """Contact values in one request."""
    max_contact_length: int = 256
    """Characters of a contact's URI."""
    max_call_id_length: int = 256
    """Characters of a Call-ID."""
    retry_after: int = 60
    """Retry-After of a 503, seconds."""

    def __post_init__(self) -> None:
        # Refusing an hour or more for being too short is against 10.3 step 7.
        if not 0 < self.min_expires <= DEFAULT_EXPIRES:
            raise ValueError("sip registrar: min_expires must be 1 to 3600 seconds")
        if not self.min_expires <= self.default_expires <= self.max_expires:
            raise ValueError("sip registrar: min_expires <= default_expires <= max_expires")
        if self.max_expires < DEFAULT_EXPIRES:
            raise ValueError("sip registrar: max_expires must be 3600 seconds or more")
        for name in ("max_contacts", "max_accounts", "max_request_contacts"):
            if getattr(self, name) < 1:
                raise ValueError(f"sip registrar: {name} must be 1 or more")


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact of an account."""

    account: str
    uri: str
    source: Hop
    """Where the REGISTER came from: the way to a phone behind address translation."""
    q: float
    call_id: str
    cseq: int
    refreshed_at: float
    expires_at: float
    """Seconds of the caller's clock, as `refreshed_at`."""

    def contact(self, now: float) -> str:
        """The Contact value of a response."""
        q = "" if self.q == 1.0 else f";q={self.q:g}"
        return f"<{self.uri}>{q};expires={max(ceil(self.expires_at - now), 0)}"


@dataclass(frozen=True, slots=True)
class Registered:
    """Answer 200 with these header lines; what changed, for whoever watches the phones. A contact
    that expired and was not yet woken for is among the removed."""

    account: str
    headers: HeaderPairs
    added: tuple[Binding, ...] = ()
    refreshed: tuple[Binding, ...] = ()
    removed: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class RegistrationRefused:
    """Answer with this status, reason and header lines; nothing was changed."""

    status: int
    reason: str
    headers: HeaderPairs = ()


@dataclass(frozen=True, slots=True)
class BindingExpired:
    """A contact was not refreshed in time and is gone."""

    binding: Binding


class _Refuse(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, status: int, reason: str, headers: HeaderPairs = ()) -> None:
        super().__init__(reason)
        self.refusal = RegistrationRefused(status, reason, headers)


class Registrar:
    """All bindings, in memory."""

    def __init__(self, options: RegistrarOptions) -> None:
        self.options = options
        self._bindings: dict[str, tuple[Binding, ...]] = {}
        """Of accounts that have any, the one refreshed longest ago first."""
        self._timers = Timers()

    def __len__(self) -> int:
        return sum(map(len, self._bindings.values()))

    @property
    def wake_at(self) -> float | None:
        """When the next binding ends, None where there is none."""
        at = self._timers.next()
        return None if at == inf else at

    def look(self, request: Request) -> RegistrationRefused | None:
        """What is wrong with a REGISTER whoever sends it: said before anybody is asked for a
        password, it tells nothing about accounts. It has no effect."""
        options = self.options
        if user_of(request.to.uri) is None or user_of(request.from_.uri) is None:
            return RegistrationRefused(400, "To and From are SIP addresses here")
        try:
            read_contacts(
                request.headers.get("contact", ()),
                max_contacts=options.max_request_contacts,
                max_length=options.max_contact_length,
            )
        except TooMany as error:
            return RegistrationRefused(413, str(error))
        except BadHeader as error:
            return RegistrationRefused(400, str(error))
        return None

    def receive(
        self, request: Request, account: str, source: Hop, now: float
    ) -> Registered | RegistrationRefused:
        """Take a REGISTER of the owner of `account`, which is the user part of its address. It is
        done as a whole or not at all."""
        try:
            self._check_address(request, account)
            old = self.bindings(account, now)
            new = self._changed(request, account, source, old, now)
        except _Refuse as refused:
            return refused.refusal
        except TooMany as error:
            return RegistrationRefused(413, str(error))
        except BadHeader as error:
            return RegistrationRefused(400, str(error))
        before = self._bindings.get(account, ())
        self._keep(account, new)
        return _result(account, before, new, now)

    def wake(self, now: float) -> list[BindingExpired]:
        """Drop the bindings whose time is over."""
        gone = []
        while (timer := self._timers.pop(now)) is not None:
            account = str(timer[0])
            every = self._bindings.get(account, ())
            gone += [BindingExpired(b) for b in every if b.expires_at <= now]
            self._keep(account, tuple(b for b in every if b.expires_at > now))
        return gone

    def bindings(self, account: str, now: float) -> tuple[Binding, ...]:
        """The contacts of an account, the one refreshed longest ago first."""
        return tuple(b for b in self._bindings.get(account, ()) if b.expires_at > now)

    def all(self, now: float) -> list[Binding]:
        """The contacts of every account."""
        return [b for each in self._bindings.values() for b in each if b.expires_at > now]

    def uses(self, hop: Hop) -> bool:
        """Whether a contact was registered from there."""
        return any(b.source == hop for each in self._bindings.values() for b in each)

    def accounts(self) -> tuple[str, ...]:
        """The accounts that have a contact, in order of their first."""
        return tuple(self._bindings)

    def forget(self, account: str) -> tuple[Binding, ...]:
        """Drop an account's bindings, because it was closed; returns them."""
        gone = self._bindings.get(account, ())
        self._keep(account, ())
        return gone

    def restore(self, bindings: Iterable[Binding]) -> None:
        """Take up bindings of another run, their times in this one's clock. Those beyond the
        limits are left out; expired ones end with the next `wake`."""
        for binding in bindings:
            kept = self._bindings.get(binding.account, ())
            room = len(self._bindings) < self.options.max_accounts or kept
            if room and len(kept) < self.options.max_contacts:
                self._keep(binding.account, (*kept, binding))

    def _keep(self, account: str, bindings: tuple[Binding, ...]) -> None:
        if bindings:
            self._bindings[account] = bindings
            self._timers.start(account, "expires", min(b.expires_at for b in bindings))
        else:
            self._bindings.pop(account, None)
            self._timers.stop(account, ("expires",))

    def _check_address(self, request: Request, account: str) -> None:
        """Steps 1, 4 and 5 of section 10.3: our domain, and the sender's own address."""
        domains = self.options.domains
        for uri in (request.uri, request.to.uri):
            try:
                host = SipUri.parse(uri).host.lower()
            except BadUri:
                raise _Refuse(404, "no address we register") from None
            if domains and host not in domains:
                raise _Refuse(404, "not a domain of ours")
        if user_of(request.to.uri) != account:
            raise _Refuse(403, "the address of another account")
        if len(request.call_id) > self.options.max_call_id_length:
            raise _Refuse(400, "Call-ID: too long")

    def _changed(
        self,
        request: Request,
        account: str,
        source: Hop,
        old: tuple[Binding, ...],
        now: float,
    ) -> tuple[Binding, ...]:
        """The bindings after the request (steps 6 and 7). Raises `_Refuse` or `BadHeader`."""
        options = self.options
        contacts = read_contacts(
            request.headers.get("contact", ()),
            max_contacts=options.max_request_contacts,
            max_length=options.max_contact_length,
        )
        header = request.headers.get("expires")
        expires = read_seconds(header[0]) if header else None
        if contacts is None:
            if expires != 0:
                raise _Refuse(400, "Contact: * is for Expires: 0")
            for binding in old:
                _check_order(binding, request)
            return ()
        new = list(old)
        for contact in contacts:
            same = [b for b in new if same_uri(b.uri, contact.uri)]
            for binding in same:
                _check_order(binding, request)
                new.remove(binding)
            seconds = self._seconds(contact, expires)
            if seconds:
                uri, call_id, cseq = contact.uri, request.call_id, request.cseq
                new.append(
                    Binding(account, uri, source, contact.q, call_id, cseq, now, now + seconds)
                )
        return self._limited(account, old, new, now)

    def _seconds(self, contact: Contact, expires: int | None) -> int:
        """How long a contact is kept, 0 for taking it out."""
        asked = contact.expires if contact.expires is not None else expires
        if asked is None:
            return self.options.default_expires
        if 0 < asked < self.options.min_expires:
            lines = (("Min-Expires", str(self.options.min_expires)),)
            raise _Refuse(423, "Interval Too Brief", lines)
        return min(asked, self.options.max_expires)

    def _limited(
        self, account: str, old: tuple[Binding, ...], new: list[Binding], now: float
    ) -> tuple[Binding, ...]:
        options = self.options
        over = len(new) - options.max_contacts
        if over > 0:
            replaceable = sum(b in old for b in new)
            if not options.replace_oldest or replaceable < over:
                raise _Refuse(403, f"more than {options.max_contacts} contacts")
            del new[:over]
        if new and account not in self._bindings and len(self._bindings) >= options.max_accounts:
            raise _Refuse(503, "registrar full", (("Retry-After", str(options.retry_after)),))
        return tuple(new)


def _check_order(binding: Binding, request: Request) -> None:
    """A request that overtook another of its Call-ID fails (10.3 step 7)."""
    if binding.call_id == request.call_id and request.cseq <= binding.cseq:
        raise _Refuse(500, "CSeq: not above that of the binding")


def _result(
    account: str, old: tuple[Binding, ...], new: tuple[Binding, ...], now: float
) -> Registered:
    was = {id(b) for b in old}
    written = [b for b in new if id(b) not in was]
    kept = {id(b) for b in new}
    gone = [b for b in old if id(b) not in kept]
    refreshed = tuple(b for b in written if any(same_uri(b.uri, o.uri) for o in gone))
    removed = tuple(o for o in gone if not any(same_uri(o.uri, b.uri) for b in written))
    added = tuple(b for b in written if b not in refreshed)
    headers = tuple(("Contact", b.contact(now)) for b in new)
    return Registered(account, headers, added, refreshed, removed)
