"""Approval by a second person: what he and the maker must have said alike.

A service that `proposes` a money service stores its terms (made by one person, under a number); the
money service that is `approved_by` such a number is asked for by another person, who had the same
terms quoted and read back to him. Both are compared by one hash.
"""

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

ClaimRefusal = Literal[
    "no_proposal", "other_company", "same_person", "expired", "different_terms", "older_rules"
]
"""Why a number approves nothing. `no_proposal`: none of this number is open (any more).
`older_rules`: it was made under another release, whose terms are compared otherwise: to be made
again."""
RELEASE_CHARS, DIGEST_CHARS = 12, 48
"""Of a terms hash: how much of the release that it was made under, and of the keyed digest."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Who proposed what: the terms that a request gets from a stored proposal."""

    company: str
    maker: str
    """Operator number."""


@dataclass(frozen=True, slots=True)
class ApprovalClaim:
    """A proposal that a request uses up in the very commit that writes its RECORDED.

    Good where the proposal is open at that moment, is `company`'s, its terms hash is `terms_hash`
    (`refused_terms`), its maker's token is not `by`, and its time is not over.
    """

    number: str
    """As the second person gave it."""
    service: str
    """The money service."""
    terms_hash: str
    by: str
    """Token of the card that is authenticated: the second person's."""
    company: str
    """His company, as the host told it."""


def term_names(money: Service, contracts: Contracts) -> tuple[str, ...]:
    """The terms that are compared: all that the quote was asked, what `guard` and
    `must_read_back` name; without the customer, who is another, and what a proposal adds."""
    quote = contracts[str(money.quoted_by)]
    names = {*quote.inputs, *money.guard, *money.must_read_back}
    return tuple(sorted(names - {money.customer, quote.customer, COMPANY, MAKER}))


def terms_hash(
    money: Service, contracts: Contracts, values: Values, vault: CardVault, release: str
) -> str:
    """`RELEASE:DIGEST`: the beginning of the release whose `contracts` these are, and of the
    vault's keyed digest of the terms of `money` among `values`: inputs of the service that proposes
    it, or the terms of the second person's quote. What is left out counts as absent."""
    terms = {n: canonical(values[n], vault) for n in term_names(money, contracts) if n in values}
    text = json.dumps([money.name, terms], sort_keys=True, ensure_ascii=False)
    return f"{release[:RELEASE_CHARS]}:{vault.digest(text)[:DIGEST_CHARS]}"


def refused_terms(kept: str, said: str) -> ClaimRefusal | None:
    """Whether two terms hashes are of the same terms. Where they are not and the releases differ,
    it may be the rules: so too for a plain hash of before, which has no release."""
    made, found, digest = kept.rpartition(":")
    under, _, other = said.rpartition(":")
    if found and digest == other:
        return None
    return "different_terms" if found and made == under else "older_rules"
