"""A PKCS#11 token and its session; its failures become errors of ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pkcs11
from pkcs11 import Attribute, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error, UserAlreadyLoggedIn

from core_adapters.hsm.errors import (
    ModuleAwayError,
    NotSupportedError,
    UnknownKeyError,
)


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """Which token, and how it is used."""

    library: str
    """Path of the token's PKCS#11 library."""
    token: str
    """The token's label."""
    pin: str = field(repr=False)
    """The user PIN of the token; from a file or a prompt, never from a command line."""


class Session:
    """A session and the object handles it knows."""

    def __init__(self, raw: pkcs11.Session) -> None:
        self.raw = raw
        self._objects: dict[str, Any] = {}

    def find(self, label: str) -> Any:
        """The key object of this label; raises `UnknownKeyError`."""
        found = self._objects.get(label)
        if found is None:
            wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: label}
            found = next(iter(list(self.raw.get_objects(wanted))), None)
            if found is None:
                raise UnknownKeyError(f"the token has no key {label}; somebody removed it")
            self._objects[label] = found
        return found

    def forget(self) -> None:
        """Look everything up again."""
        self._objects.clear()


class Token:
    """The logged-in token. One operation at a time: the binding initialises libraries without
    locking of their own (C_Initialize with no arguments), and they break under two threads.
    So a process has one `Token` to a library."""

    def __init__(self, options: TokenOptions) -> None:
        self.name = options.token
        self._lock = threading.Lock()
        with _failures("open"):
            token = pkcs11.lib(options.library).get_token(token_label=options.token)
            self._mechanisms = frozenset(token.slot.get_mechanisms())
            self._session = Session(_log_in(token, options.pin))

    def require(self, mechanism: Mechanism, work: str) -> Mechanism:
        """The mechanism; raises `NotSupportedError` where the token has it not."""
        if mechanism not in self._mechanisms:
            raise NotSupportedError(
                f"token {self.name} has no {mechanism.name}, so it cannot {work}"
            )
        return mechanism

    @contextmanager
    def session(self, work: str) -> Iterator[Session]:
        """The session, for one operation; failures of the token become `ModuleAwayError`."""
        with self._lock:
            try:
                with _failures(work):
                    yield self._session
            except ModuleAwayError:
                self._session.forget()
                raise

    def forget(self) -> None:
        """Look every object up again."""
        with self._lock:
            self._session.forget()

    def close(self) -> None:
        """Log out."""
        with self._lock, _failures("close"):
            self._session.raw.close()

    def __repr__(self) -> str:
        return f"Token({self.name})"


@contextmanager
def _failures(work: str) -> Iterator[None]:
    try:
        yield
    except PKCS11Error as error:
        # The name of the return value says all; some libraries put more into the text.
        raise ModuleAwayError(f"the token failed to {work}: {type(error).__name__}") from None
    except RuntimeError:
        raise ModuleAwayError(f"the token failed to {work}: its library cannot be loaded") from None


def _log_in(token: pkcs11.Token, pin: str) -> pkcs11.Session:
    """A session that is logged in, or one beside that of another module in this process."""
    try:
        return token.open(rw=True, user_pin=pin)
    except UserAlreadyLoggedIn:
        return token.open(rw=True)
