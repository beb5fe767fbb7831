"""The test customers a kit needs, and the vault that keeps their cards while it runs."""

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core_adapters.profiles.yamlread import Section, read_yaml
from transactions.card import CardNumber, CardNumberError, SealedCard
from transactions.secret import Secret

SCHEMA = 1
MAX_PAYERS = 100
NONCE_BYTES = 12
ROLES = ("payer", "payee", "poor", "hot", "locked", "unknown", "company", "approver")
"""Payers have money; `poor` has none; `hot` was reported lost; `unknown` is no card of the host;
`company` is a company's, `approver` a person's who approves what another of it proposed."""
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class PeopleError(ValueError):
    """A file of test customers that cannot be used: file, line and what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """One test customer; `pin` and `identity` may be empty where no scenario needs them."""

    card: CardNumber
    pin: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)
    details: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, hash=False
    )
    """What scenarios call `@name`: subscribers' numbers at billers, a deposit's, a loan's."""

    def secret(self) -> Secret:
        """The telephone PIN, new each time: the processor wipes what it is given."""
        return Secret(self.pin)


@dataclass(frozen=True, slots=True)
class People:
    """Test customers by role. Payers are taken in turn, so that limits of a day last longer."""

    payers: tuple[Person, ...]
    others: Mapping[str, Person]

    def find(self, role: str, turn: int) -> Person | None:
        """The customer of a role, or None where this host has none."""
        if role == "payer":
            return self.payers[turn % len(self.payers)]
        return self.others.get(role)

    def texts(self) -> tuple[str, ...]:
        """Every card number and PIN: what no report may contain."""
        everyone = (*self.payers, *self.others.values())
        return tuple(
            text
            for one in everyone
            for text in (one.card.digits, one.pin)
            if len(text) > 6  # noqa: PLR2004
        )


def load_people(path: Path) -> People:
    """Read a file of test customers (mode 0600); raises `PeopleError` or `ProfileError`."""
    if path.exists() and path.stat().st_mode & _OTHERS:
        raise PeopleError(f"{path}: others may read it and it has PINs; chmod 600 it")
    top = read_yaml(path)
    if top.take("schema", int) != SCHEMA:
        raise top.error(f"must begin with `schema: {SCHEMA}`", "schema")
    rows = top.take("payers", list)
    if not 0 < len(rows) <= MAX_PAYERS:
        raise top.error(f"1 to {MAX_PAYERS} payers", "payers")
    line = top.line_of("payers")
    payers = tuple(_person(Section(row, top.file, line, "payers")) for row in rows)
    others = {role: _person(top.section(role)) for role in ROLES[1:] if top.has(role)}
    top.done()
    if "payee" not in others:
        raise top.error("needs `payee`: the card that test money goes to")
    return People(payers, others)


def _person(row: Section) -> Person:
    try:
        card = CardNumber(row.take("card", str))
    except CardNumberError as error:
        raise row.error(f"{error}; quote the digits", "card") from None
    pin, identity = row.take("pin", str, ""), row.take("identity", str, "")
    rows = row.section("details") if row.has("details") else None
    details = {str(name): rows.take(name, str) for name in rows} if rows is not None else {}
    row.done()
    return Person(card, pin, identity, MappingProxyType(details))


class KitVault:
    """Seals cards under keys that live as long as the kit; implements `CardVault`."""

    def __init__(self) -> None:
        self._token_key = secrets.token_bytes(32)
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def token(self, card: CardNumber) -> str:
        """HMAC-SHA-256 of the digits, hexadecimal."""
        return hmac.digest(self._token_key, card.digits.encode("ascii"), "sha256").hex()

    def digest(self, text: str) -> str:
        """HMAC-SHA-256 of a text, hexadecimal."""
        return hmac.digest(self._token_key, text.encode(), "sha256").hex()

    def seal(self, card: CardNumber) -> SealedCard:
        """Encrypt under the kit's key."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, card.digits.encode("ascii"), None)
        return SealedCard(self.token(card), card.masked, "kit", sealed)

    def unseal(self, sealed: SealedCard) -> CardNumber:
        """Decrypt; raises `CardNumberError`."""
        nonce, text = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            return CardNumber(self._cipher.decrypt(nonce, text, None).decode("ascii"))
        except InvalidTag:
            raise CardNumberError("sealed under another key") from None


def people_of(rows: Mapping[str, Any]) -> People:
    """From plain values: `payers` a list, the others one each, of (card, pin, identity), and where
    scenarios need them a mapping of details."""
    payers = tuple(_plain(*row) for row in rows["payers"])
    return People(payers, {k: _plain(*v) for k, v in rows.items() if k != "payers"})


def _plain(
    card: str, pin: str, identity: str, details: Mapping[str, str] = MappingProxyType({})
) -> Person:
    return Person(CardNumber(card), pin, identity, details)
