"""People of a bank that is measured: two founders, and tellers with skills, phones and logins."""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp

from telebank.ops.control_client import ask

SKILLS = {"general": 5, "loss": 5, "difficult": 5, "expert": 5, "lang.zh": 5, "lang.en": 5}


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who is logged in."""

    name: str
    token: str = field(repr=False)
    phone: str = ""
    secret: str = field(default="", repr=False)
    """Of his phone."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Asks a node at its control socket. Raises `NodeAway` and `Refused`."""

    socket: Path

    async def found(self) -> tuple[Employee, Employee]:
        """The administrator and the supervisor."""
        return await self._first("chen", "administrator"), await self._first("wu", "supervisor")

    async def hire(self, chen: Employee, wu: Employee, name: str, phone: str) -> Employee:
        """A teller with every skill and a desk phone."""
        person = {"name": name, "role": "teller"}
        await self.post("/v1/staff", person, chen)
        approved = await self.post("/v1/staff", person, wu)
        given = await self.post(f"/v1/staff/{name}/code", {}, chen)
        password = _password()
        halves = {"halves": [given["half"], approved["half"]], "password": password}
        enrolled = await self.post(f"/v1/staff/{name}/enrol", halves)
        await self.post(f"/v1/staff/{name}/skills", {"skills": SKILLS}, wu)
        added = await self.post("/v1/phones", {"extension": phone}, chen)
        token = await self._login(name, password, enrolled["otpauth"])
        return Employee(name, token, phone, added["secret"])

    async def post(
        self, path: str, body: Mapping[str, Any], by: Employee | None = None
    ) -> dict[str, Any]:
        """One act."""
        asked = {"request_id": secrets.token_hex(8), **body}
        token = by.token if by is not None else None
        return await asyncio.to_thread(ask, self.socket, "POST", path, asked, token)

    async def get(self, path: str, by: Employee | None = None) -> dict[str, Any]:
        """One look."""
        token = by.token if by is not None else None
        return await asyncio.to_thread(ask, self.socket, "GET", path, None, token)

    async def _first(self, name: str, role: str) -> Employee:
        password = _password()
        body = {"name": name, "role": role, "password": password}
        added = await self.post("/v1/staff", body)
        return Employee(name, await self._login(name, password, added["otpauth"]))

    async def _login(self, name: str, password: str, otpauth: str) -> str:
        code = pyotp.TOTP(pyotp.parse_uri(otpauth).secret).at(datetime.now(UTC))
        body = {"name": name, "password": password, "code": code}
        answer = await asyncio.to_thread(ask, self.socket, "POST", "/v1/login", body)
        return str(answer["token"])


def _password() -> str:
    return f"{secrets.token_urlsafe(18)} bees"
