"""A search as a form says it: read, judged, and without the numbers that were typed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from telebank.store.clock import from_us, to_us
from telebank.store.review.search import Place, Wanted
from telebank.store.review.story import REFERENCE
from transactions.lifecycle import State
from transactions.money import CURRENCIES, Money, MoneyError

MAX_DAYS: Final = 92
"""Of a search without reference or customer."""
USUAL_DAYS: Final = 7
MOST_DAYS: Final = 31
"""Of what is looked through for unusual things."""
FIELDS: Final = (
    *("reference", "teller", "service", "state", "least", "most", "currency"),
    *("since", "until"),
)
MAX_FIELD: Final = 64
TOKEN: Final = re.compile(r"[0-9a-f]{64}")
_AFTER: Final = re.compile(r"([0-9]{1,17})~([0-9]{12})")
_NAME: Final = re.compile(r"[0-9A-Za-z._-]{0,64}")


class BadSearch(ValueError):  # noqa: N818 - reads as what it is
    """What cannot be searched; the text is the code of why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    fields: Mapping[str, str]
    """As they are shown again; no number of a customer."""
    wanted: Wanted
    """Without the customer, whom the node finds."""
    token: str = ""
    card: str = field(default="", repr=False)
    number: str = field(default="", repr=False)

    def of(self, customer: str) -> Wanted:
        """The search of a customer whom the node named."""
        return replace(self.wanted, customer=customer)

    @property
    def named(self) -> bool:
        """Whether a customer is asked for."""
        return bool(self.token or self.card or self.number)

    @property
    def criteria(self) -> dict[str, str]:
        """For the log."""
        told = {name: said for name, said in self.fields.items() if said and name != "token"}
        return told | ({"page": "later"} if self.wanted.after is not None else {})


def usual(now: datetime, zone: tzinfo) -> dict[str, str]:
    """What an empty form says: the last days, to the end of today."""
    today = now.astimezone(zone).date()
    since, until = today - timedelta(days=USUAL_DAYS - 1), today + timedelta(days=1)
    return {
        **dict.fromkeys(FIELDS, ""),
        "currency": "CNY",
        "token": "",
        "since": f"{since.isoformat()}T00:00",
        "until": f"{until.isoformat()}T00:00",
    }


def read(form: Mapping[str, str], zone: tzinfo) -> Asked:
    """A form that was sent. Raises `BadSearch`."""
    given = {name: form.get(name, "").strip() for name in (*FIELDS, "token", "card", "number")}
    if max(map(len, given.values())) > MAX_FIELD or _loose(given):
        raise BadSearch("bad_request")
    card, number = given.pop("card"), given.pop("number")
    if given["token"] and TOKEN.fullmatch(given["token"]) is None:
        raise BadSearch("token")
    if given["reference"] and REFERENCE.fullmatch(given["reference"]) is None:
        raise BadSearch("reference")
    since, until = _time(given["since"], zone), _time(given["until"], zone)
    if since is not None and until is not None and until <= since:
        raise BadSearch("time")
    named = bool(given["token"] or card or number or given["reference"])
    if not named and (since is None or until is None or until - since > timedelta(MAX_DAYS)):
        raise BadSearch("span")
    money = bool(given["least"] or given["most"])
    wanted = Wanted(
        *(since, until, "", given["reference"], given["teller"], given["service"]),
        *(given["state"], _minor(given["least"], given), _minor(given["most"], given)),
        currency=given["currency"] if money else "",
        after=_after(form.get("after", "")),
    )
    return Asked(given, wanted, given["token"], card, number)


def days(query: Mapping[str, str], now: datetime, zone: tzinfo) -> tuple[date, int]:
    """First day and how many, of an address; what cannot be read is today."""
    today = now.astimezone(zone).date()
    try:
        since = date.fromisoformat(query.get("since", ""))
        many = int(query.get("days", "1"))
    except ValueError:
        return today, 1
    known = date(2000, 1, 1) <= since <= today + timedelta(days=1)
    return (since if known else today), max(1, min(many, MOST_DAYS))


def after(place: Place | None) -> str:
    """Where the next page begins, for its form; empty where there is none."""
    return "" if place is None else f"{to_us(place.at)}~{place.reference}"


def _loose(given: Mapping[str, str]) -> bool:
    """Whether something is none of what can be chosen, or no name."""
    return (
        (given["state"] != "" and given["state"] not in set(State))
        or given["currency"] not in {"", *CURRENCIES}
        or any(_NAME.fullmatch(given[name]) is None for name in ("teller", "service"))
    )


def _time(text: str, zone: tzinfo) -> datetime | None:
    if not text:
        return None
    try:
        said = datetime.fromisoformat(text)
        whole = datetime.combine(said.date(), time(said.hour, said.minute), zone)
        return whole.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSearch("time") from None


def _minor(text: str, given: Mapping[str, str]) -> int | None:
    if not text:
        return None
    try:
        return Money.parse(text.replace(",", ""), given["currency"] or "CNY").minor
    except (MoneyError, ValueError, OverflowError):
        raise BadSearch("amount") from None


def _after(text: str) -> Place | None:
    found = _AFTER.fullmatch(text[:MAX_FIELD])
    try:
        return None if found is None else Place(from_us(int(found[1])), found[2])
    except OverflowError:
        return None
