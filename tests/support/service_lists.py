"""How the tables of `service_*` say what is typed, listed and read back."""

from collections.abc import Callable, Mapping, Sequence

from core_adapters.corehost.seed import SeedCard
from support.service_books import PAGE, Books, Posted, Values
from support.service_calls import (
    NO_VALUES,
    Case,
    Money,
    Passage,
)

MORE, END = ("list.more", NO_VALUES), ("list.end", NO_VALUES)
BACK = ("sys.back", NO_VALUES)
Heard = Callable[[Books, SeedCard], list[Passage]]


def typed(**entries: str) -> Callable[[Books, SeedCard], Mapping[str, str]]:
    """The same entries whoever calls."""
    return lambda _books, _who: entries


def listed(prompt: str, rows: Sequence[Values]) -> list[Passage]:
    """A list as it is read out: page by page, each followed by its menu."""
    pages = [rows[at : at + PAGE] for at in range(0, len(rows), PAGE)]
    ends = [MORE] * (len(pages) - 1) + [END]
    return [[*((prompt, row) for row in page), end] for page, end in zip(pages, ends, strict=True)]


def turned(pages: int) -> str:
    """The keys that ask for each further page."""
    return " ".join(["@list.more !1"] * (pages - 1))


def picked(prompt: str, rows: Sequence[Values]) -> list[Passage]:
    """A list to choose from: its rows by number, then the way back."""
    return [[*((prompt, {**row, "n": n}) for n, row in enumerate(rows, 1)), BACK]]


def confirmed(
    row: str,
    what: str,
    money: Money,
    quote: str,
    heard: Heard | None = None,
    *,
    entries: Callable[[Books, SeedCard], Mapping[str, str]] | None = None,
    before: tuple[str, ...] = (),
    first: Case | None = None,
) -> Case:
    """An order that is read back; `before` is what is asked on the way to its quote, of which
    `heard` is a list to choose from."""
    return Case(
        row,
        what,
        entries=entries or typed(),
        waits={"ROW": "sys.back"} if heard else {},
        heard=heard or (lambda _books, _who: []),
        asked=(*before, f"{quote} ok", f"{money.service} ok"),
        money=money,
        first=first,
    )


def paid_from(who: SeedCard, posted: Posted, to: str) -> Mapping[str, int]:
    """From the card to another account, and the fee to the bank."""
    legs = {who.account: -posted.minor - posted.fee, to: posted.minor}
    return legs | ({"fees:CNY": posted.fee} if posted.fee else {})


def fen_of(yuan: str) -> int:
    """`12.5` yuan in fen."""
    whole, _, rest = yuan.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)


def rates(rows: Sequence[tuple[str, object]]) -> list[Values]:
    """Words with their rates, as rows."""
    return [{"what": what, "rate": rate} for what, rate in rows]
