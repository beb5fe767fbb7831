"""Logins of staff: tokens in memory only, idle out, bounded, new at each login."""

import hashlib
import math
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from telebank.staff.options import StaffOptions
from telebank.staff.roles import Role

TOKEN_BYTES = 32


@dataclass(slots=True)
class Session:
    """One login. Times are monotonic seconds."""

    person: str
    role: Role
    began: float
    active: float
    """Last act."""
    looked: float = -math.inf
    """When the person's row was last looked at."""
    changed_at: datetime | None = None
    """When the person's row last changed, as the login found it: another time ends the login."""


class Sessions:
    """Every login of this node, oldest activity first. A token is kept only as its SHA-256, so
    that finding one takes the same time whatever it shares with another."""

    def __init__(self, options: StaffOptions) -> None:
        self._options = options
        self._open: OrderedDict[bytes, Session] = OrderedDict()

    def open(self, person: str, role: Role, now: float, changed_at: datetime | None = None) -> str:
        """A new login's token; `changed_at` is that of the person's row."""
        self._sweep(now)
        mine = [key for key, session in self._open.items() if session.person == person]
        for key in mine[: max(0, len(mine) - self._options.sessions_each + 1)]:
            del self._open[key]
        while len(self._open) >= self._options.sessions_max:
            self._open.popitem(last=False)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._open[_key(token)] = Session(person, role, now, now, changed_at=changed_at)
        return token

    def find(self, token: str, now: float, *, act: bool = True) -> Session | None:
        """The login of a token, or None. `act` keeps it from idling out: not for live updates."""
        self._sweep(now)
        key = _key(token)
        session = self._open.get(key)
        if session is not None and act:
            session.active = now
            self._open.move_to_end(key)
        return session

    def close(self, token: str) -> Session | None:
        """End one login; it, where it was one."""
        return self._open.pop(_key(token), None)

    def close_all(self, person: str) -> int:
        """End every login of somebody who left or was given new secrets; how many."""
        mine = [key for key, session in self._open.items() if session.person == person]
        for key in mine:
            del self._open[key]
        return len(mine)

    def people(self, now: float) -> Sequence[str]:
        """Who is logged in."""
        self._sweep(now)
        return sorted({session.person for session in self._open.values()})

    def __len__(self) -> int:
        return len(self._open)

    def _sweep(self, now: float) -> None:
        old = [key for key, session in self._open.items() if self._over(session, now)]
        for key in old:
            del self._open[key]

    def _over(self, session: Session, now: float) -> bool:
        idle, life = now - session.active, now - session.began
        return idle >= self._options.idle_s or life >= self._options.session_s


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
