"""Logins of staff on a node: tries counted before they are verified, tokens in memory.

An unknown name and a wrong password give the same answer for the same work: the same statements,
one password hash, one set of codes. Hashing runs in a thread of its own, so that calls go on.
"""

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from telebank.staff import enrolment, passwords, totp
from telebank.staff.options import StaffOptions
from telebank.staff.roles import Role
from telebank.staff.sessions import Session, Sessions
from telebank.store import enrolling, logins, people
from telebank.store.clock import Clock
from telebank.store.sealing import Keyring
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.secret import Secret

T = TypeVar("T")
LOOK_S = 2.0
"""Forty screens that ask ten times a second would have the store asked so often too."""


class Jobs(Protocol):
    """Runs a job of the store in the node's next commit."""

    def __call__(self, work: Callable[[Transaction], T]) -> Awaitable[T]:
        """See `telebank.store.writer.Writer.run`."""
        ...


class Reads(Protocol):
    """Looks at the store beside its writer."""

    def __call__(self, work: Callable[[Connection], T]) -> Awaitable[T]:
        """See `telebank.store.reader.Reader.run`."""
        ...


class TooBusy(Exception):  # noqa: N818 - reads as what it is
    """So many logins wait that another would wait too long."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new login."""

    token: str
    person: people.Person


class StaffDesk:
    """The logins of one node, and the secrets of its staff on their way to and from the store."""

    def __init__(
        self, options: StaffOptions, run: Jobs, keys: Keyring, clock: Clock, read: Reads
    ) -> None:
        """`read`: looks at the store beside its jobs."""
        self.options = options
        self.run = run
        self.read = read
        self._keys = keys
        self._clock = clock
        self.sessions = Sessions(options)
        self._passwords = passwords.Passwords(options)
        self._nobody = totp.new_seed()
        self._key = secrets.token_bytes(32)
        self._threads = ThreadPoolExecutor(options.verify_parallel, "password")
        self._at_work = 0

    def close(self) -> None:
        """End every login and the hashing threads."""
        self.sessions = Sessions(self.options)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # -- logins -------------------------------------------------------------------------------

    async def login(self, name: str, password: str, code: Secret, origin: str) -> LoggedIn | None:
        """A new token, or None; the event log has why. Raises `TooBusy`, `StoreUnavailable`."""
        with self._room():
            return await self._login(name, password, code, origin)

    async def _login(self, name: str, password: str, code: Secret, origin: str) -> LoggedIn | None:
        knock = logins.Knock(name, self._name_digest(name), origin)
        lock = timedelta(seconds=self.options.lock_s)
        begun = await self.run(
            partial(logins.begin, knock=knock, most=self.options.tries_max, lock=lock)
        )
        hashed = self._hashed(begun.person)
        seed = self._seed(begun.person)
        right = await self._in_thread(self._passwords.verify, hashed, password)
        now = self._clock.read().utc_us / 1e6
        last = begun.person.totp_step if begun.person else 0
        step = totp.step_of(seed, code.reveal(), now, last)
        outcome = _outcome(begun, right, step)
        ended = partial(logins.end, knock=knock, outcome=outcome, step=step or 0, hashed=hashed)
        if await self.run(ended) != "ok" or begun.person is None:
            return None
        person = begun.person
        token = self.sessions.open(person.id, Role(person.role), self._now(), person.changed_at)
        return LoggedIn(token, begun.person)

    async def logout(self, token: str, origin: str) -> None:
        """End a login."""
        session = self.sessions.close(token)
        if session is not None:
            actor = Actor(session.person, session.role, origin)
            await self.run(partial(logins.log_out, actor=actor))

    def session(self, token: str, *, act: bool) -> Session | None:
        """The login of a token; `act` keeps it from idling out."""
        return self.sessions.find(token, self._now(), act=act)

    async def current(self, token: str, *, act: bool) -> Session | None:
        """The login of a token, if its person is as he was when it was made: who left, or was given
        new secrets, is out at every node with his next act, and what his screens show by
        themselves ends within `LOOK_S`. Raises `StoreUnavailable`."""
        now, session = self._now(), self.session(token, act=act)
        if session is None:
            return None
        if not act and now - session.looked < LOOK_S:
            return session
        person = await self.run(partial(people.find, person_id=session.person))
        if person is not None and _same(person, session):
            session.looked = now
            return session
        self.sessions.close(token)
        return None

    def whom_let_in(self, who: str) -> Callable[[Transaction], list[enrolling.LetIn]]:
        """The job that finds whom he proposed or approved lately, and how far they are."""
        now = datetime.fromtimestamp(self._clock.read().utc_us / 1e6, UTC)
        since = now - timedelta(seconds=self.options.told_s)
        return partial(enrolling.let_in, who=who, since=since)

    # -- secrets ------------------------------------------------------------------------------

    async def new_secrets(self, password: str) -> tuple[people.NewSecrets, str]:
        """The hash of a password and a sealed new seed for the store, and the seed to show once.
        Raises `TooBusy`."""
        with self._room():
            hashed = await self._in_thread(self._passwords.hash, password)
        seed = totp.new_seed()
        return people.NewSecrets(hashed, self._keys.seal_digits(seed)), seed

    def invitation(self) -> tuple[enrolling.Invitation, str]:
        """What lets somebody in, for the store, and the approver's half of his code, shown once."""
        half = enrolment.new_half()
        seed = self._keys.seal_digits(totp.new_seed())
        lives = timedelta(seconds=self.options.enrol_s)
        return enrolling.Invitation(enrolment.digest(half), seed, lives), half

    async def enrol(
        self, name: str, halves: Sequence[str], password: str, origin: str
    ) -> tuple[str | None, str]:
        """Take somebody's own password: why not, or None, and his seed, shown once. The same work
        is done for a name that nobody has. Raises `TooBusy`, `StoreUnavailable`."""
        new, seed = await self.new_secrets(password)
        who = enrolling.Enrolling(name, self._name_digest(name), origin, enrolment.digests(halves))
        most = self.options.tries_max
        return await self.run(partial(enrolling.enrol, who=who, new=new, most=most)), seed

    async def change_password(self, by: Actor, old: str, new: str) -> bool:
        """Put a new password in the place of one's own, and end all one's logins; False where the
        old one is wrong or the name is locked. A try counts like a login's. Raises `TooBusy`."""
        knock = logins.Knock(by.id, self._name_digest(by.id), by.origin)
        lock = timedelta(seconds=self.options.lock_s)
        begin = partial(logins.begin, knock=knock, most=self.options.tries_max, lock=lock)
        with self._room():
            begun = await self.run(begin)
            hashed = self._hashed(begun.person)
            right = await self._in_thread(self._passwords.verify, hashed, old)
            if not (begun.open and right):
                why = "wrong_password" if begun.open else "locked"
                await self.run(partial(enrolling.password_refused, by=by, why=why))
                return False
            changed = await self._in_thread(self._passwords.hash, new)
        job = partial(enrolling.change_password, by=by, old=hashed, hashed=changed)
        done = await self.run(job)
        self.sessions.close_all(by.id)
        return done

    def digest(self, raw: bytes) -> bytes:
        """Stands for a body that may hold a password, under a key of this run."""
        return hmac.digest(self._key, raw, "sha256")

    def _hashed(self, person: people.Person | None) -> str:
        """What to verify against; nobody's where there is no password, which takes as long."""
        if person is None or person.state == enrolling.INVITED:
            return self._passwords.nobody
        return person.password

    def _name_digest(self, name: str) -> str:
        return self._keys.digest(f"staff {name}")[:16]

    def _seed(self, person: people.Person | None) -> str:
        sealed = person.seed if person is not None else self._keys.seal_digits(self._nobody)
        return self._keys.unseal_digits(sealed)

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        """One of the places for work with passwords; raises `TooBusy`."""
        if self._at_work >= self.options.verify_waiting:
            raise TooBusy
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *values)

    def _now(self) -> float:
        return self._clock.read().monotonic_us / 1e6


def _same(person: people.Person, session: Session) -> bool:
    """Whether nothing was changed about the person since the login."""
    found = (person.state, person.role, person.changed_at)
    return found == (enrolling.ACTIVE, session.role, session.changed_at)


def _outcome(begun: logins.Try, right: bool, step: int | None) -> logins.LoginOutcome:
    if begun.person is None:
        return "unknown"
    if begun.person.state == enrolling.INVITED:
        return "not_enrolled"
    if begun.person.state != enrolling.ACTIVE:
        return "left"
    if not begun.open:
        return "locked"
    if not right:
        return "wrong_password"
    return "wrong_code" if step is None else "ok"
