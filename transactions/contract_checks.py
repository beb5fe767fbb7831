"""Whether a contract can stand: every complaint names file, line and the mend."""

from collections.abc import Mapping

from transactions.contract_people import (
    check_limits,
    check_own,
    check_people,
    check_proof,
    check_told,
)
from transactions.hot_list import BY_VOICE, TELEPHONE, TELLER
from transactions.kinds import Kind
from transactions.proposals import COMPANY, MAKER
from transactions.request import AuthLevel
from transactions.service import (
    MONEY_OUTCOMES,
    STALE,
    TOLD_AT,
    TOLD_ON,
    ContractError,
    Contracts,
    Service,
)


def check(service: Service, contracts: Contracts, where: str) -> None:
    if service.effect == "money":
        _check_money(service, contracts, where)
    if service.source == "own":
        check_own(service, where)
    elif service.effect != "read" and service.recovery == "none":
        raise ContractError(f"{where}: effect {service.effect} needs a recovery")
    if service.effect == "state" and service.recovery == "reverse":
        raise ContractError(f"{where}: a change of state is never reversed; use repeat or person")
    if service.effect == "read" and "unavailable" not in service.outcomes:
        raise ContractError(f"{where}: a read needs the outcome `unavailable`")
    if not set(service.out_on) <= set(service.outcomes):
        raise ContractError(f"{where}: `out_on` names an exit that `outcomes` does not have")
    if service.recovery == "repeat" and "stored" not in service.outcomes:
        raise ContractError(f"{where}: recovery repeat needs the outcome `stored`")
    _check_local(service, where)
    _check_decides(service, where)
    _check_lists(service, where)
    _check_names(service, contracts, where)
    _check_before(service, where)
    check_proof(service, contracts, where)
    check_people(service, contracts, where)
    check_limits(service, contracts, where)
    check_told(service, contracts, where)


def _check_names(service: Service, contracts: Contracts, where: str) -> None:
    """The terms that the contract names are there, and are always given.

    Of what may be left out only an input may be read back, of the quote or of a change of state:
    where the call passes it.
    """
    terms = {**service.inputs, **service.outputs}
    lacking = service.optional | service.optional_out
    may_lack = service.optional if service.effect == "state" else frozenset[str]()
    if service.quoted_by in contracts:
        quote = contracts[str(service.quoted_by)]
        terms |= {**quote.inputs, **quote.outputs}
        lacking |= quote.optional | quote.optional_out
        may_lack = quote.optional - quote.optional_out
        for both in sorted(set(quote.inputs) & set(quote.outputs)):
            raise ContractError(
                f"{where}: {quote.name} takes {both!r} and gives it; give the output another name"
            )
    named = {service.customer, service.hot_lists, *service.guard}
    if service.guard_payer:  # what may be left out of these counts as absent
        named -= set(service.guard) - {service.customer}
        _check_guard(service, terms, where)
    for name in (*named, *service.must_read_back):
        if name is not None and name not in terms:
            raise ContractError(f"{where}: {name!r} is no input or output of it or of its quote")
        if name in lacking and (name in named or name not in may_lack):
            raise ContractError(f"{where}: {name!r} may be left out, so nothing can rest on it")
    for name in () if service.guard_payer else service.guard:
        if name not in (service.customer, *service.must_read_back) and terms[name] != "card_no":
            raise ContractError(
                f"{where}: `must_read_back` leaves out {name!r}, which `guard` names: "
                f"the caller must hear who or what is paid"
            )


def _check_before(service: Service, where: str) -> None:
    """What a change of state reads back is there before it: it has no quote, only its inputs."""
    for name in service.must_read_back if service.effect == "state" else ():
        if name not in service.inputs:
            raise ContractError(f"{where}: {name!r}, read back before it is asked, is no input")


def _check_guard(service: Service, terms: Mapping[str, Kind], where: str) -> None:
    """Payer and payee of a guard may be numbers that nobody reads back: a text of the quote that is
    read back stands for them."""
    from_proposal = {COMPANY, MAKER} if service.approved_by is not None else set[str]()
    for name in service.guard:
        if name not in terms and name not in from_proposal:
            raise ContractError(f"{where}: {name!r} is no input or output of it or of its quote")
    read = {terms[name] for name in service.must_read_back if name in terms}
    if service.guard[-1] not in service.must_read_back or "text" not in read:
        raise ContractError(f"{where}: `must_read_back` names the amount and a text for the payee")


def _check_lists(service: Service, where: str) -> None:
    """One list, of a read; the exit `last` where the contract says what ends the pages."""
    if len(service.rows) > 1:
        raise ContractError(f"{where}: more than one list; give each a service of its own")
    if service.rows and service.effect != "read":
        raise ContractError(f"{where}: only a read gives rows")
    ends = service.last_without
    if ends is not None and ends not in service.optional_out:
        raise ContractError(f"{where}: `last_without` must name an optional output, such as text?")
    if (ends is not None) != ("last" in service.outcomes):
        raise ContractError(f"{where}: `last_without` and the outcome `last` go together")
    if ends is not None and not {"ok", "last"} <= set(service.out_on):
        raise ContractError(f"{where}: write `out_on: [ok, last]`: both give the rows")


def _check_decides(service: Service, where: str) -> None:
    if service.decides is None:
        return
    if service.effect != "state" or service.inputs.get(service.customer or "") != "card_no":
        raise ContractError(
            f"{where}: what decides on a report has effect state, and `customer` names its card"
        )
    if not service.channels or BY_VOICE.intersection(service.channels):
        raise ContractError(
            f"{where}: what decides on a report names its `channels`, and never {TELEPHONE}"
            f" or {TELLER}"
        )


def _check_money(service: Service, contracts: Contracts, where: str) -> None:
    if service.outcomes != MONEY_OUTCOMES:
        raise ContractError(f"{where}: a money service's outcomes are exactly {MONEY_OUTCOMES}")
    if service.quoted_by not in contracts:
        raise ContractError(f"{where}: `quoted_by` must name the read that gives its terms")
    if not service.must_read_back:
        raise ContractError(f"{where}: `must_read_back` must name what the caller confirms")


def _check_local(service: Service, where: str) -> None:
    """What is verified and told here needs somebody whose it is, and tries that are counted."""
    for key, name in (
        ("telephone_pin", service.telephone_pin),
        ("replaces_pin", service.replaces_pin),
    ):
        if name is not None and (service.inputs.get(name) != "secret" or service.customer is None):
            raise ContractError(f"{where}: `{key}` names a secret input, and needs `customer`")
    counted = service.attempts is not None and "wrong_pin" in service.outcomes
    if service.telephone_pin is not None and not counted:
        raise ContractError(f"{where}: `telephone_pin` needs `attempts` and outcome `wrong_pin`")
    if bool(service.last_known) != (STALE in service.outcomes) or STALE in service.out_on:
        raise ContractError(
            f"{where}: outcome `{STALE}` gives what `last_known` lists, and only it"
        )
    if not service.last_known:
        return
    if service.effect != "read" or service.auth is AuthLevel.NONE or service.customer is None:
        raise ContractError(f"{where}: `last_known` is for reads with `auth` and `customer`")
    amounts = {name: kind for name, kind in service.outputs.items() if kind == "money"}
    own = {TOLD_ON: "date", TOLD_AT: "time"}
    told = dict(service.last_known)
    if not own.items() <= told.items() or not told.items() <= {**amounts, **own}.items():
        raise ContractError(
            f"{where}: `last_known` lists money outputs, `{TOLD_ON}: date` and `{TOLD_AT}: time`"
        )
