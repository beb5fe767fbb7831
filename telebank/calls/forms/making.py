"""Forms out of a release: each service that a teller may ask for, by its contract and the menus."""

from collections.abc import Mapping
from types import MappingProxyType

from telebank.calls.forms import limits
from telebank.calls.forms.labels import label_of, title_of
from telebank.calls.forms.menus import Menus
from telebank.calls.forms.model import Choice, Field, Form
from telebank.calls.forms.terms import lookups, read_backs
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from transactions.kinds import Kind
from transactions.request import AuthLevel
from transactions.service import Contracts, Service

CHANNEL = "teller"
CURSOR = "cursor"
"""The input that asks for the next page: no person writes it."""
MASKED = "payee_masked"
INSIDE = frozenset(
    {
        *("customer.identify", "customer.mobile", "customer.mail", "pin.locked"),
        *("corp.rights", "factor.kind", "usage.top", "payee.check"),
        *("settings.get", "settings.set"),
    }
)
"""Services that menus ask for other services' sake. What they tell is not for people: numbers and
addresses that nobody is told, words that only a menu uses."""


def why_not(service: Service, contracts: Contracts) -> str | None:
    """Why there is no form for a service, in a word; None: there is.

    `secret`: he keys something that nobody may hear; `channel`: not for tellers; `node`: of this
    node and no customer, `journal`: his unheard results, which the menus tell; `people`: two of a
    company do it themselves, by what the host told of them; `inside`: a part of another.
    """
    asked = contracts[service.quoted_by] if service.quoted_by else service
    if "secret" in asked.inputs.values() or asked.auth is AuthLevel.CODE:
        return "secret"
    if not (service.served_on(CHANNEL) and asked.served_on(CHANNEL)):
        return "channel"
    if service.source == "journal":
        return "journal"
    if service.source == "own" and service.customer is None:
        return "node"
    if service.approved_by or service.proposes or service.told_by:
        return "people"
    quotes = contracts.quoted_money(service.name) is not None
    given = service.name in INSIDE or "card_no" in service.outputs.values()
    return "inside" if quotes or given else None


def forms_of(release: Release) -> Mapping[str, Form]:
    """By service, in the order of the catalogue."""
    menus, contracts = Menus(release), release.contracts
    return MappingProxyType(
        {
            name: _form(service, menus)
            for name, service in contracts.services.items()
            if why_not(service, contracts) is None
        }
    )


def by_business(release: Release, forms: Mapping[str, Form]) -> Mapping[str, str]:
    """The form for what a caller was at when he asked for a person, by the name of the menu: of the
    menu itself, else of the nearest that it leads to; what moves money before what tells it."""
    menus = Menus(release)
    ordered = sorted(forms.values(), key=lambda form: form.effect != "money")
    found: dict[str, str] = {}
    for start in release.flows:
        seen, ring = set[str](), {start}
        while ring and start not in found:
            fit = next((form.service for form in ordered if form.flows & ring), None)
            if fit is not None:
                found[start] = fit
            seen |= ring
            ring = {inner for flow in ring for inner in menus.inside(flow)} - seen
    return MappingProxyType(found)


def _form(service: Service, menus: Menus) -> Form:
    contracts = menus.release.contracts
    asked = contracts[service.quoted_by] if service.quoted_by else service
    words = menus.word_sets((asked.name, service.name))
    own = asked.customer
    names = [name for name in asked.inputs if name not in (own, CURSOR)]
    looks = {name: by for name in names if (by := _told(asked, name, menus))}
    left_out = {*looks, *(name for name in names if _unkeyed(asked, name, menus))}
    pin = service.effect != "read" and service.auth is not AuthLevel.NONE
    backs = tuple(read_backs(menus, service.name, asked.name)) if pin else ()
    fields = [_field(service, asked, name, menus, words) for name in names if name not in left_out]
    return Form(
        service=service.name,
        title=title_of(service.name),
        effect=service.effect,
        level=max(service.auth, asked.auth, key=list(AuthLevel).index),
        pin=pin,
        fields=tuple(fields),
        asks=asked.name,
        customer=own or "",
        looks=MappingProxyType(looks),
        reads=_reads(service, asked),
        backs=backs,
        rows=MappingProxyType(dict(lookups(backs, asked, contracts))),
        words=MappingProxyType(dict(words)),
        flows=frozenset(use.flow.name for use in menus.uses(asked.name)),
    )


def _reads(service: Service, asked: Service) -> tuple[str, ...]:
    """What is read back: what the contract says and, of a form, all that was written."""
    wanted = [*service.must_read_back]
    named = MASKED in wanted  # whose card it is, as the bank says it
    wanted += [
        name
        for name, kind in asked.inputs.items()
        if name not in (asked.customer, CURSOR) and not (named and kind == "card_no")
    ]
    return tuple(dict.fromkeys(wanted)) if service.effect != "read" else ()


def _told(asked: Service, name: str, menus: Menus) -> str:
    """The read that tells an input which nobody keys, of others that somebody writes; empty: none
    does."""
    if name in asked.optional or asked.inputs[name] != "text":
        return ""
    for one in menus.release.contracts.services.values():
        given, of = set(one.inputs) - {one.customer}, set(asked.inputs) - {name}
        if one.effect == "read" and name in one.outputs and given and given <= of:
            return one.name
    return ""


def _unkeyed(asked: Service, name: str, menus: Menus) -> bool:
    """An optional amount that no menu takes is another service's to tell, such as a fee."""
    optional = name in asked.optional and asked.inputs[name] == "money"
    return optional and not menus.entries(asked.name, name)


def _field(
    service: Service, asked: Service, name: str, menus: Menus, words: Mapping[str, str]
) -> Field:
    kind: Kind = asked.inputs[name]
    bounds = limits.bounds_of(kind, menus.entries(asked.name, name))
    choices = _choices(asked.name, name, menus, words) if kind == "word" else ()
    own_name = {use.variable(one): one for use in menus.uses(asked.name) for one in use.node.inputs}
    return Field(
        name=name,
        kind=kind,
        label=label_of(service.name, name),
        help=limits.help_of(kind, bounds),
        optional=name in asked.optional,
        own=kind == "card_no" and asked.customer is None,
        shortest=bounds.shortest,
        longest=bounds.longest,
        luhn=bounds.luhn,
        least=bounds.least,
        most=bounds.most,
        currency=bounds.currency,
        currency_of=own_name.get(bounds.currency_of, bounds.currency_of),
        choices=choices,
    )


def _choices(asked: str, name: str, menus: Menus, words: Mapping[str, str]) -> tuple[Choice, ...]:
    known = menus.words(words[name]) if name in words else ()
    codes = menus.constants(asked, name) or known
    return tuple(Choice(code, *_spoken(menus.release, words.get(name, ""), code)) for code in codes)


def _spoken(release: Release, words: str, code: str) -> tuple[str, str]:
    zh, en = (release.texts[language].get(f"word.{words}.{code}") for language in LANGUAGES)
    return (code if zh is None else zh.text), (code if en is None else en.text)
