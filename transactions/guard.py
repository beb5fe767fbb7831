"""What makes two requests the same to a person, and what a limit reserves."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from transactions.card import CardNumber, CardVault, SealedCard
from transactions.contract import ContractError, Contracts, Service
from transactions.inputs import canonical, card_token
from transactions.journal import GuardKey, Hold
from transactions.money import Money
from transactions.outcome import Values
from transactions.quotes import quote_name


def guard_key(money: Service, terms: Values, vault: CardVault) -> GuardKey | None:
    """Payer, payee or bill, and amount, by the names in the contract's `guard` (rule 13).

    The payer is the term that is the customer; the amount is the term that is money; all others
    together are the payee. The payer's text has the service too, since a number or an amount alone
    does not say which: into securities is not out of them. All ways from card to card are one.

    A contract that says who the payer is, and who the payee, is taken at its word: a company pays
    the same whichever of its people asks. What may be left out and is counts as absent.
    """
    amount = guarded_amount(money, terms)
    if amount is None:
        return None
    if money.guard_payer:
        payee = money.guard[len(money.guard_payer) : -1]
        payer = "|".join((money.name, *_texts(money.guard_payer, terms, vault)))
        return GuardKey(payer, "|".join(_texts(payee, terms, vault)), amount)
    payer = canonical(terms[money.customer], vault) if money.customer else ""
    others = [n for n in money.guard if n != money.customer and terms[n] is not amount]
    if not any(isinstance(terms[n], CardNumber | SealedCard) for n in others):
        payer = f"{money.name}|{payer}"
    return GuardKey(payer, "|".join(canonical(terms[n], vault) for n in others), amount)


def _texts(names: Sequence[str], terms: Values, vault: CardVault) -> list[str]:
    return [canonical(terms[name], vault) if name in terms else "" for name in names]


def guarded_amount(money: Service, terms: Values) -> Money | None:
    """The amount among the guarded terms."""
    for name in money.guard:
        value = terms.get(name)
        if isinstance(value, Money):
            return value
    return None


def own_limit(money: Service) -> str | None:
    """The limit that is counted by the customer alone: his day's use of the service."""
    return next((name for name in money.limits if name not in money.limit_by), None)


def holds(
    money: Service, terms: Values, customer: str, limits: Mapping[str, Money], vault: CardVault
) -> Sequence[Hold]:
    """What the request reserves under each limit of its contract (rule 11)."""
    amount = guarded_amount(money, terms)
    if amount is None:
        return ()
    return tuple(
        _hold(money, name, terms, customer, Hold(name, customer, amount, limits[name]), vault)
        for name in money.limits
    )


def _hold(  # noqa: PLR0917 - all that a limit is counted by
    money: Service, name: str, terms: Values, customer: str, plain: Hold, vault: CardVault
) -> Hold:
    """With whom it is counted for: the customer, or by `limit_by` all of several terms."""
    by = money.limit_by.get(name)
    if by is None:
        return replace(plain, owner=customer)
    counted = hashlib.sha256("|".join(canonical(terms[n], vault) for n in by).encode()).hexdigest()
    others = [terms[n] for n in by if n != money.customer]
    cards = [card_token(v, vault) for v in others if isinstance(v, CardNumber | SealedCard)]
    if money.customer not in by or len(cards) != 1:
        return replace(plain, customer=counted)
    return replace(plain, customer=counted, owner=customer, payee=cards[0])


def foreign_limit(money: Service, terms: Values, limits: Mapping[str, Money]) -> str | None:
    """The limit whose currency is not the amount's, which nothing can be counted under."""
    amount = guarded_amount(money, terms)
    for name in money.limits:
        if amount is not None and limits[name].currency != amount.currency:
            return name
    return None


def check_settings(contracts: Contracts, limits: Mapping[str, Money]) -> None:
    """Raise `ContractError` where a contract cannot work with these settings."""
    for service in contracts.services.values():
        for name in service.limits:
            if name not in limits:
                raise ContractError(
                    f"{service.name}: limit {name!r} has no ceiling; set it in [limits]"
                )
        if service.effect == "money":
            _check_terms(service, contracts)


def _check_terms(money: Service, contracts: Contracts) -> None:
    quote = contracts[str(money.quoted_by)]
    kinds = {**quote.outputs, **quote.inputs}
    if not any(name in quote.outputs for name in money.inputs):
        raise ContractError(f"{money.name}: no input of it is an output of {quote.name}")
    if kinds.get(quote_name(money, contracts)) != "text":
        raise ContractError(f"{money.name}: the quote it takes from {quote.name} must be text")
    amounts = [name for name in money.guard if kinds.get(name) == "money"]
    if (money.guard or money.limits) and len(amounts) != 1:
        raise ContractError(f"{money.name}: `guard` must name exactly one amount of money")
