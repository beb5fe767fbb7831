"""A notice says what was done: every money service has a word of its own, in both languages."""

from datetime import date
from pathlib import Path

import pytest

from telebank.flow.load import load_release
from telebank.flow.options import LANGUAGES
from transactions.journal import Notice
from transactions.money import Money
from transactions.outcome import Value
from transactions.request import Language
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

CONFIG = Path(__file__).resolve().parents[3] / "config"
MONEY = sorted(
    name
    for name, service in load_release(CONFIG).contracts.services.items()
    if service.effect == "money"
)
SPEAKER = Speaker(Catalogue.load(CONFIG / "prompts"), None)


def told(result: str, service: str, language: Language) -> str:
    amount, day = Money.parse("100.00"), date(2026, 1, 20)
    notice = Notice("r1", result, amount, "", "010000000007", day, service)  # type: ignore[arg-type]
    values: dict[str, Value] = {
        "what": notice.what,
        "amount": notice.amount,
        "ref": notice.reference,
        "on": notice.on,
    }
    return SPEAKER.render(f"notice.{result}", values, language).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("result", ["posted", "not_posted", "open"])
def test_notices_of_different_services_say_different_things(
    result: str, language: Language
) -> None:
    said = {told(result, service, language) for service in [*MONEY, "sold.since"]}
    assert len(said) == len(MONEY) + 1


def test_a_notice_names_the_bill_that_was_not_paid() -> None:
    assert "缴费，没有成功" in told("not_posted", "bill.pay", "zh")
    assert told("not_posted", "bill.pay", "en").startswith("Your bill payment of ")
