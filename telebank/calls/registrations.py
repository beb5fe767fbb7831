"""Desk phones of a node: their secrets are made here and only sealed digests go to the store; the
user agent has all of them in memory, and is given them anew where anything was changed."""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import structlog

from telebank.calls.control.login import Jobs
from telebank.calls.phones import Registered
from telebank.sip.digest import Account, Algorithm
from telebank.sip.registering import PhoneOptions
from telebank.store import desk_phones
from telebank.store.desk_phones import ACTIVE, DeskPhone, PhoneKeys
from telebank.store.sealing import Keyring
from transactions.approval import Actor
from transactions.card import CardNumberError
from transactions.ports import JournalUnavailable, LeaseLost

log = structlog.get_logger("telebank.phones")

SECRET_LENGTH = 24
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Of a secret: none that is taken for another; 24 of them are 139 bits."""
LOOK_S = 10.0
"""Seconds between looks for what other nodes changed."""


class PhoneHouse(Protocol):
    """The node, as far as phones go."""

    def use_phones(self, accounts: Mapping[str, Account]) -> None:
        """Take these phones instead of those before."""
        ...

    def registrations(self) -> Sequence[Registered]:
        """Every contact of every phone."""
        ...


class DeskPhones:
    """Adds, changes and removes phones, and keeps the node's user agent up to date."""

    def __init__(self, options: PhoneOptions, run: Jobs, keys: Keyring) -> None:
        self.options = options
        self._run = run
        self._keys = keys
        self._house: PhoneHouse | None = None
        self._seen: object = None
        self._loading = asyncio.Lock()
        self._looking: asyncio.Task[None] | None = None

    async def start(self, house: PhoneHouse) -> None:
        """Hand the phones to the node, and go on looking for what other nodes change; raises
        `StoreUnavailable`."""
        self._house = house
        if self.options.realm:
            await self.load()
            self._looking = asyncio.ensure_future(self._look())

    async def close(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def load(self) -> None:
        """Hand all phones of the store to the node."""
        async with self._loading:
            self._seen = await self._run(desk_phones.state_of)
            rows = await self._run(desk_phones.everything)
            accounts = await asyncio.to_thread(self._accounts, rows)
            if self._house is not None:
                self._house.use_phones(accounts)

    def registrations(self) -> Mapping[str, list[Registered]]:
        """Contacts at this node, by extension."""
        found: dict[str, list[Registered]] = {}
        for each in self._house.registrations() if self._house is not None else ():
            found.setdefault(each.binding.account, []).append(each)
        return found

    async def add(self, extension: str, name: str, *, md5: bool, by: Actor) -> tuple[str, str]:
        """Add a phone: why not, or an empty text, and its secret, which is nowhere else."""
        keys, secret = self._new_keys(extension, md5=md5)
        most = self.options.phones
        job = partial(desk_phones.add, extension=extension, name=name, keys=keys, by=by, most=most)
        return await self._changed(await self._run(job)), secret

    async def new_secret(self, extension: str, *, md5: bool, by: Actor) -> tuple[str, str]:
        """Give a phone another secret; as `add`."""
        keys, secret = self._new_keys(extension, md5=md5)
        job = partial(desk_phones.new_secret, extension=extension, keys=keys, by=by)
        return await self._changed(await self._run(job)), secret

    async def remove(self, extension: str, by: Actor) -> str:
        """Let a phone register no more; why not, or an empty text."""
        job = partial(desk_phones.remove, extension=extension, by=by)
        return await self._changed(await self._run(job))

    async def _changed(self, reason: str | None) -> str:
        if reason is None:
            await self.load()
        return reason or ""

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if await self._run(desk_phones.state_of) != self._seen:
                    await self.load()
            except JournalUnavailable as error:
                log.warning("phones.unread", error=str(error))
            except LeaseLost:
                return  # the node ends

    # -- secrets ------------------------------------------------------------------------------

    def _new_keys(self, extension: str, *, md5: bool) -> tuple[PhoneKeys, str]:
        secret = "".join(secrets.choice(LETTERS) for _ in range(SECRET_LENGTH))
        algorithms = (Algorithm.SHA_256, Algorithm.MD5) if md5 else (Algorithm.SHA_256,)
        realm = self.options.realm
        account = Account.of_password(extension, realm, secret, algorithms)
        digests = {algorithm.value: ha1 for algorithm, ha1 in account.ha1.items()}
        inside = {"extension": extension, "realm": realm, "ha1": digests}
        sealed = self._keys.seal_digits(json.dumps(inside))
        return PhoneKeys(realm, tuple(digests), sealed), secret

    def _accounts(self, phones: Sequence[DeskPhone]) -> Mapping[str, Account]:
        """Of the phones that may register; one that cannot be read is left out, with a line."""
        found = {}
        for phone in phones:
            if phone.state != ACTIVE or phone.realm != self.options.realm:
                continue
            try:
                found[phone.extension] = self._account(phone)
            except (CardNumberError, ValueError, KeyError, TypeError) as error:
                why = str(error) if isinstance(error, CardNumberError) else type(error).__name__
                log.error("phone.unreadable", extension=phone.extension, error=why)
        return found

    def _account(self, phone: DeskPhone) -> Account:
        inside = json.loads(self._keys.unseal_digits(phone.keys))
        if (inside["extension"], inside["realm"]) != (phone.extension, phone.realm):
            raise ValueError("sealed for another phone")
        digests = {Algorithm(name): str(ha1) for name, ha1 in inside["ha1"].items()}
        return Account(phone.extension, phone.realm, digests)
