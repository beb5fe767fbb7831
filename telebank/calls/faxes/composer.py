"""Makes the paper that a caller asked for: its services are asked as the caller, page by page."""

from dataclasses import dataclass, field

import structlog

from fax.documents.compose import MAX_ROWS, ComposeError, Stamp, compose
from fax.documents.formats import FormatError
from fax.documents.kinds import DocumentKind, Part
from fax.documents.paper import Paper
from telebank.calls.services import FaxAsked
from telebank.flow.model import NO_NUMBER
from transactions.answer import Answer
from transactions.contract import Service
from transactions.outcome import Row, Rows, Value, Values

log = structlog.get_logger("telebank.calls")

MAX_PAGES = 100
"""Answers of one list that are taken; a list that goes on is cut there, and the paper says so."""
REGISTERED = "customer.mobile"
"""The service that tells the number which the bank has of a customer."""


@dataclass(frozen=True, slots=True)
class NoPaper:
    """There is none, and why: the exit that the menu takes."""

    exit: str
    """`none`: nothing to print; `not_available`: a service did not answer, or not as agreed;
    `failed`: it could not be printed; `no_number`, `refused`: whose it would be."""
    why: str


@dataclass(slots=True)
class _Answers:
    """What the services of a document gave."""

    values: dict[str, Value]
    rows: list[Rows] = field(default_factory=list)
    cut: set[int] = field(default_factory=set)
    empty: int = 0


async def composed(asked: FaxAsked, stamp: Stamp) -> Paper | NoPaper:
    """The document of `asked`, in the language that `stamp` says.

    Each service is asked under the caller's own authentication, until its list ends or there are
    MAX_ROWS rows. A document of which one part cannot be had is none: half of it would mislead.
    """
    kind = asked.edition.release.documents.get(asked.fax.document)
    if kind is None:
        return _none(asked, "the release has no such document")
    answers = _Answers(dict(asked.fax.values))
    for index, part in enumerate(kind.parts):
        failed = await _ask(asked, part, index, answers)
        if failed is not None:
            return failed
    if kind.parts and answers.empty == len(kind.parts):
        return NoPaper("none", "there is nothing to print")
    return _paper(asked, kind, answers, stamp)


def _paper(asked: FaxAsked, kind: DocumentKind, answers: _Answers, stamp: Stamp) -> Paper | NoPaper:
    known = asked.edition.release.texts[stamp.language]

    def text(name: str) -> str:
        return known[name].text if name in known else ""

    try:
        return compose(kind, answers.values, answers.rows, text, stamp, cut=answers.cut)
    except (ComposeError, FormatError) as error:
        return _none(asked, f"{type(error).__name__}: {error}")


async def _ask(asked: FaxAsked, part: Part, index: int, answers: _Answers) -> NoPaper | None:
    """Ask a part's service for all its pages; None where all went well."""
    contract = asked.edition.contracts[part.service]
    inputs = {name: answers.values[of] for name, of in part.inputs.items() if of in answers.values}
    rows: list[Row] = []
    for page in range(MAX_PAGES):
        answer = await asked.ask(part.service, inputs)
        if answer.exit in part.none:
            answers.empty += page == 0
            break
        if answer.exit not in contract.out_on:
            return _none(asked, f"{part.service} took {answer.exit}")
        rows += _rows_of(answer, part)
        cursor = _next(contract, answer)
        if cursor is None:
            answers.values |= _plain(contract, answer)
            break
        if cursor.items() <= inputs.items():
            return _none(asked, f"{part.service} gives the same page again and again")
        if len(rows) >= MAX_ROWS:
            answers.cut.add(index)
            break
        inputs = {**inputs, **cursor}
    else:
        answers.cut.add(index)
    if len(rows) > MAX_ROWS:  # also by its last page
        answers.cut.add(index)
    answers.rows.append(tuple(rows[:MAX_ROWS]))
    return None


def _rows_of(answer: Answer, part: Part) -> Rows:
    rows = answer.data.get(part.rows, ()) if part.rows else ()
    return rows if isinstance(rows, tuple) else ()


def _next(contract: Service, answer: Answer) -> Values | None:
    """The input that asks for the next page; None after the last."""
    name = contract.last_without
    if name is None or name not in contract.inputs:
        return None
    cursor = answer.data.get(name)
    return None if cursor is None else {name: cursor}


def _plain(contract: Service, answer: Answer) -> Values:
    """The outputs that are no lists: facts of the document."""
    return {name: value for name, value in answer.data.items() if name not in contract.rows}


async def registered_number(asked: FaxAsked) -> str | NoPaper:
    """The number that the bank has of the customer who has proved himself, as digits.

    `no_number` where the bank has none; nobody else has one that is his.
    """
    card = asked.fax.authenticated
    if card is None:
        return NoPaper("refused", "nobody has proved himself")
    answer = await asked.ask(REGISTERED, {"card": card})
    number = answer.data.get("mobile")
    if answer.exit == "ok" and isinstance(number, str) and number.isdigit():
        return number
    if answer.exit == "none":
        return NoPaper(NO_NUMBER, "no number is registered")
    return _none(asked, f"{REGISTERED} took {answer.exit}")


def _none(asked: FaxAsked, why: str) -> NoPaper:
    log.warning("fax.not_composed", call=asked.call, document=asked.fax.document, why=why)
    return NoPaper("not_available", why)
