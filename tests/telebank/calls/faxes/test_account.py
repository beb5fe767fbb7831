"""What is told of a fax when its call is over, from what its line said."""

from pathlib import Path

import pytest

from fax.terminal import Accept, TerminalOptions, Transmit
from telebank.calls.faxes.values import HUNG_UP, NO_PAGE, TOO_FEW, Account, FaxTask
from telebank.faxing.client import Ended, PageConfirmed, PageReceived


def sending(pages: int = 3) -> Account:
    return Account(FaxTask(Transmit(Path("p.tiff")), TerminalOptions(), pages))


def receiving() -> Account:
    return Account(FaxTask(Accept(Path("p.tiff")), TerminalOptions()))


def ended(code: int, reason: str, pages: int, bad_rows: int = 0) -> Ended:
    return Ended(
        code=code,
        reason=reason,
        pages=pages,
        asked=False,
        bad_rows=bad_rows,
        rate=9_600,
        peer_ident="",
        seconds=30.0,
    )


@pytest.mark.parametrize(("pages", "result"), [(0, "failed"), (2, "partial")])
def test_what_is_not_whole_has_no_reason_that_says_all_went_well(pages: int, result: str) -> None:
    account = sending()
    account.note(ended(0, "OK", pages))
    outcome = account.outcome()
    assert (outcome.result, outcome.reason) == (result, TOO_FEW)


def test_nothing_received_says_so() -> None:
    account = receiving()
    account.note(ended(0, "OK", 0))
    assert (account.outcome().result, account.outcome().reason) == ("failed", NO_PAGE)


def test_what_the_terminal_says_is_the_reason_and_ours_goes_before() -> None:
    account = sending()
    account.note(PageConfirmed(pages=2))
    assert account.outcome().reason == HUNG_UP
    account.note(ended(-1, "the last page was refused", 2))
    assert account.outcome().reason == "the last page was refused"
    account.reason = "cancelled"
    assert (account.outcome().result, account.outcome().reason) == ("partial", "cancelled")


def test_damage_is_that_of_all_pages_however_the_fax_ends() -> None:
    account = receiving()
    account.note(PageReceived(pages=1, bad_rows=29))
    account.note(PageReceived(pages=2, bad_rows=0))
    account.note(PageReceived(pages=3, bad_rows=5))
    assert account.outcome().bad_rows == 34
    account.note(ended(0, "OK", 3, 34))
    assert (account.outcome().result, account.outcome().bad_rows) == ("sent", 34)
