"""A teller's page by hand: what it asks of a node's control socket, and waiting for what comes."""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from support.bank_process import BankProcess

REGISTRAR = {"realm": "bank.example", "md5_networks": ["127.0.0.0/8"]}
PATIENCE_S = 60


async def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := await asyncio.to_thread(look)):
        assert time.monotonic() < end
        await asyncio.sleep(0.2)
    return found


class Page:
    """What the page of a seat asks of the control socket."""

    def __init__(self, bank: BankProcess, session: Path) -> None:
        transport = httpx.HTTPTransport(uds=str(bank.data / "control.sock"))
        token = session.read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(
            transport=transport, base_url="http://node", timeout=10, headers=headers
        )

    def does(self, act: str, **body: object) -> dict[str, Any]:
        """An act of the seat; its row."""
        seat: dict[str, Any] = self.posts(act, **body)["seat"]
        return seat

    def posts(self, path: str, **body: object) -> dict[str, Any]:
        """Anything below the desk's paths; its answer."""
        asked = {"request_id": secrets.token_hex(8), **body}
        answer = self._client.post(f"/v1/desk/{path}", json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def looks(self, path: str, **query: str) -> dict[str, Any]:
        """What stands there."""
        answer = self._client.get(f"/v1/desk/{path}", params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind on the board; the page is there."""
        answer = self._client.get("/v1/desk/board", params={"seat": "1"})
        assert answer.status_code == 200, answer.text
        return [row for row in answer.json()["rows"] if row["type"] == kind]

    def call(self, state: str) -> dict[str, Any]:
        """The call in this state; empty: there is none."""
        return next((row for row in self.rows("CallRow") if row["state"] == state), {})
