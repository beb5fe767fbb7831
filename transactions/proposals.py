"""Approval by a second person: what he and the maker must have said alike.

A service that `proposes` a money service stores its terms (made by one person, under a number); the
money service that is `approved_by` such a number is asked for by another person, who had the same
terms quoted and read back to him. Both are compared by one hash.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

from transactions.card import CardVault
from transactions.inputs import canonical
from transactions.outcome import Values
from transactions.service import Contracts, Service

COMPANY, MAKER = "company", "maker"
"""Terms that the proposal adds to the request of the money service: the maker's company and his
operator number there, digits both. The host judges by them."""
PROPOSED_AS = {COMPANY: "company", MAKER: "operator"}
"""The inputs of the service that proposes which they come from."""

ClaimRefusal = Literal["no_proposal", "same_person", "expired", "different_terms"]
"""Why a number approves nothing. `no_proposal`: none of this number is open (any more)."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Who proposed what: the terms that a request gets from a stored proposal."""

    company: str
    maker: str
    """Operator number."""


@dataclass(frozen=True, slots=True)
class ApprovalClaim:
    """A proposal that a request uses up in the very commit that writes its RECORDED.

    Good where the proposal is open at that moment, its terms hash is `terms_hash`, its maker's
    token is not `by`, and its time is not over.
    """

    number: str
    """As the second person gave it."""
    service: str
    """The money service."""
    terms_hash: str
    by: str
    """Token of the card that is authenticated: the second person's."""


def term_names(money: Service, contracts: Contracts) -> tuple[str, ...]:
    """The terms that are compared: all that the quote was asked, what `guard` and
    `must_read_back` name; without the customer, who is another."""
    quote = contracts[str(money.quoted_by)]
    names = {*quote.inputs, *money.guard, *money.must_read_back} - {money.customer, quote.customer}
    return tuple(sorted(names))


def terms_hash(money: Service, contracts: Contracts, values: Values, vault: CardVault) -> str:
    """SHA-256, hexadecimal, of the terms of `money` among `values`: inputs of the service that
    proposes it, or the terms of the second person's quote. What is left out counts as absent."""
    terms = {n: canonical(values[n], vault) for n in term_names(money, contracts) if n in values}
    text = json.dumps([money.name, terms], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
