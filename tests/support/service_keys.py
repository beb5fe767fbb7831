"""What customers press to get at a service, out of the menu trees themselves.

The keys are those of docs/menus.md (`telebank.flow.keymap`), so that a test goes the way that a
caller is told, and a menu that is rearranged moves the test with it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from core_adapters.corehost.seed import SeedCard
from support.money_caller import LANGUAGE_KEYS
from telebank.flow.keymap import Route, routes
from telebank.flow.load import load_release
from telebank.settings import seed_dir

NOTHING: Mapping[str, str] = MappingProxyType({})
NOTHING_WAITED: Mapping[int | str, str] = MappingProxyType({})

PROOF = frozenset({"CARD", "PIN"})
"""Entries that every way to an account asks for."""


@cache
def known_routes() -> Sequence[Route]:
    """Every route of the shipped menus."""
    return tuple(routes(load_release(seed_dir())))


def route(what: str, entries: Mapping[str, str] = NOTHING) -> Route:
    """The route to a service (`bill.pay biller=water`) on which just these entries are asked for,
    beside card and PIN."""
    named = [one for one in known_routes() if one.what == what]
    fit = [one for one in named if _asked(one) == set(entries) - PROOF]
    assert len(fit) == 1, (
        f"{len(fit)} ways to {what} asking {sorted(entries)}; {[sorted(_asked(o)) for o in named]}"
    )
    return fit[0]


def _asked(one: Route) -> set[str]:
    return {_name(key) for key in one.keys if key[0].isupper()} - PROOF


def _name(key: str) -> str:
    return key.rstrip("#")


def script(
    way: Sequence[str],
    who: SeedCard | None,
    language: str,
    entries: Mapping[str, str] = NOTHING,
    waits: Mapping[int | str, str] = NOTHING_WAITED,
) -> str:
    """A language and all keys of a way after it, typed ahead but for those before which the caller
    waits for a prompt; `waits` names them (`ROW`), or counts them from the end, -1 is the last."""
    known = dict(entries)
    if who is not None:
        known = {"CARD": who.card, "PIN": who.pin} | known
    keys = (LANGUAGE_KEYS[language], *way)
    words: list[str] = []
    for place, key in enumerate(keys, -len(keys)):
        waited = waits.get(place) or waits.get(_name(key))
        if waited:
            words.append(f"@{waited}")
        words.append(f"!{_typed(key, known)}")
    return " ".join(words)


def _typed(key: str, known: Mapping[str, str]) -> str:
    if not key[0].isupper():
        return key
    return known[_name(key)].replace(".", "*") + ("#" if key.endswith("#") else "")
