"""The keys to every service, as the menus tell them; docs/menus.md is what the command writes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from telebank.flow.keymap import key_names, menu_pages, routes, untold
from telebank.flow.load import load_release
from telebank.flow.model import Call
from telebank.main import main

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = load_release(ROOT / "config")


def test_the_page_is_as_the_menus_are() -> None:
    written = CliRunner().invoke(main, ["flow", "menus"])
    assert written.exit_code == 0
    page = (ROOT / "docs" / "menus.md").read_text(encoding="utf-8")
    assert page == written.output, "run: telebank flow menus > docs/menus.md"


def test_every_key_of_every_menu_is_told_in_both_languages() -> None:
    assert untold(SHIPPED) == []


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("账户查询，请按一。返回，请按星号键。", "zh", {"1": "账户查询", "*": "返回"}),
        ("余额{a|money}。确认请按一，取消请按星号键。", "zh", {"1": "确认", "*": "取消"}),
        (
            "For your bills, press one. Today's rates, two. To go back, press star.",
            "en",
            {"1": "Your bills", "2": "Today's rates", "*": "Go back"},
        ),
        ("Thank you for calling. Goodbye.", "en", {}),
    ],
)
def test_what_a_key_is_called_is_read_out_of_the_text(
    text: str, language: str, names: dict[str, str]
) -> None:
    assert key_names(text, "zh" if language == "zh" else "en") == names


def test_a_caller_who_knows_the_keys_has_his_balance_by_card_pin_one_one() -> None:
    (balance,) = [route for route in routes(SHIPPED) if route.service == "card.balance"]
    assert balance.keys == ("1", "1", "CARD#", "PIN#", "1", "1")


def test_every_service_of_the_menus_is_found_but_what_is_asked_on_the_way() -> None:
    nodes = [node for flow in SHIPPED.flows.values() for node in flow.nodes.values()]
    asked = {node.service for node in nodes if isinstance(node, Call)}
    found = {route.service for route in routes(SHIPPED)} & asked
    quotes = {SHIPPED.contracts[name].quoted_by for name in asked} - {None, "bill.enquiry"}
    assert asked - found == quotes | PROOFS | FIRST | STEPS | STAFF | DESK


PROOFS = {"pin.verify", "factor.kind", "code.send", "code.verify", "token.verify"}
FIRST = {"settings.get", "notice.next", "usage.top"}
STEPS = {
    *("customer.identify", "enrol.verify", "payee.check", "payee.use"),
    *("corp.rights", "corp.recall", "hours.state"),
}
"""What is asked before something that a caller wants, or when no teller is there."""
DESK = {"pin.locked", "pin.unlock"}
"""What a teller does for a caller, beside his menus."""
STAFF = {"notice.enter", "notice.record", "notice.keep"}
"""Behind a key that no menu tells."""


def test_constants_lead_to_rows_of_their_own() -> None:
    found = {route.what for route in routes(SHIPPED)}
    assert {"bill.pay biller=pager", "deposit.place kind=time term=y5"} <= found
    drawn = [r for r in routes(SHIPPED) if r.what == "deposit.draw kind=time"]
    assert sorted("PART#" in route.keys for route in drawn) == [False, True]


def test_a_menu_page_has_the_shortest_way_and_what_every_key_is_called() -> None:
    pages = {page.title: page for page in menu_pages(SHIPPED)}
    assert pages["main.menu"].keys == ("1", "1", "CARD#", "PIN#")
    assert pages["main.front"].choices["0"] == {"zh": "人工服务", "en": "A teller"}
    assert "balance.after" not in pages
