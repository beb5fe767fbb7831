"""`GET /v1/host/totals?date=YYYY-MM-DD` of a node's control socket: the host's own totals.

    {"business_date": "2026-11-22", "currencies": {"CNY": {"debits": [99, 1234500],
     "debit_reversals": [1, 100], "credits": [0, 0], "credit_reversals": [0, 0], "fees": 19800}}}

Counts and minor units. 501 where the host has no totals, 503 where it gives none just now.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from aiohttp import web

from transactions.money import MoneyError, currency
from transactions.ports import (
    CurrencyTotals,
    HostAdapter,
    HostTotals,
    Tally,
    TotalsUnavailable,
    Unsupported,
)

PATH = "/v1/host/totals"
TALLIES = ("debits", "debit_reversals", "credits", "credit_reversals")


class HostTotalsPart:
    """Asks the host once at a time: a person's report must not crowd out callers."""

    def __init__(self, host: HostAdapter) -> None:
        self._host = host
        self._one = asyncio.Lock()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The one path."""
        return [web.get(PATH, self._totals)]

    async def _totals(self, request: web.Request) -> web.Response:
        text = request.query.get("date", "")
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return _refused(400, "bad_request", "give ?date=YYYY-MM-DD")
        if self._one.locked():
            return _refused(503, "busy", "the host is being asked already; try again in a minute")
        async with self._one:
            try:
                found = await self._host.reconcile(day)
            except Unsupported as error:
                return _refused(501, "unsupported", str(error))
            except TotalsUnavailable as error:
                return _refused(503, "unavailable", str(error))
        return web.json_response(totals_json(found))


def _refused(status: int, code: str, error: str) -> web.Response:
    text = json.dumps({"code": code, "error": error}, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json")


def totals_json(totals: HostTotals) -> dict[str, Any]:
    """Totals as the socket gives them."""
    return {
        "business_date": totals.business_date.isoformat(),
        "currencies": {
            code: {
                **{name: _pair(getattr(one, name)) for name in TALLIES},
                "fees": one.fees,
            }
            for code, one in totals.by_currency.items()
        },
    }


def _pair(tally: Tally) -> list[int]:
    return [tally.count, tally.minor]


def read_totals(body: Mapping[str, Any]) -> HostTotals:
    """Totals as the socket gave them; raises `ValueError` where they are none."""
    try:
        found = {currency(code).code: _read_one(one) for code, one in body["currencies"].items()}
        return HostTotals(date.fromisoformat(body["business_date"]), found)
    except (KeyError, TypeError, AttributeError, MoneyError) as error:
        raise ValueError(f"the node answered no totals: {error}") from error


def _read_one(body: Mapping[str, Any]) -> CurrencyTotals:
    tallies = {}
    for name in TALLIES:
        count, minor = body[name]
        tallies[name] = Tally(int(count), int(minor))
    return CurrencyTotals(**tallies, fees=int(body["fees"]))
