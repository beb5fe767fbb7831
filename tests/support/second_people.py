"""Quotes and payments above a tier, and of a company that two people make."""

from support.scripted_bank import CARDS, House
from transactions.money import Money
from transactions.outcome import Approved, Value
from transactions.processor import Answer
from transactions.request import AuthLevel

PIN, BOTH = AuthLevel.PIN, AuthLevel.SECOND_FACTOR
YUAN = Money.parse("0")


async def quote(
    house: House, amount: str, level: AuthLevel = PIN, unit: str = "CNY", to: int = 1
) -> Answer:
    handle = f"Q{len(house.host.asked)}"
    data: dict[str, Value] = {"fee": Money(0, Money.parse("0", unit).currency)}
    data |= {"payee_masked": "*三", "quote": handle}
    house.host.says["transfer.quote"] = lambda _: Approved(data)
    house.host.says["transfer.card_to_card"] = lambda r: Approved({"ref": r.reference})
    terms = {"from": CARDS[0], "to": CARDS[to], "amount": Money.parse(amount, unit)}
    return await house.ask("transfer.quote", 0, level, **terms)


async def post(house: House, quoted: Answer, level: AuthLevel = PIN) -> Answer:
    return await house.ask("transfer.card_to_card", 0, level, quote=quoted.data["quote"])


def register(house: House, payee: int = 1) -> None:
    house.desk.trusted.add(house.vault.token(CARDS[payee]))


TERMS: dict[str, Value] = {
    "sub": "0001",
    "kind": "remote",
    "to": "88001234",
    "bank": "102653000011",
    "payee_masked": "北*司",
    "amount": Money.parse("200000.00"),
    "interest": YUAN,
    "fee": Money.parse("50.00"),
}
MAKER, CHECKER, THIRD, CORP = 4, 5, 3, "corp.pay"


async def pay_quote(house: House, by: int = CHECKER, **other: Value) -> Answer:
    terms = {**TERMS, **other}
    names = ("payee_masked", "interest", "fee")
    given = {name: terms.pop(name) for name in names} | {"quote": f"C{len(house.host.asked)}"}
    house.host.says["corp.pay_quote"] = lambda _: Approved(given)
    house.host.says[CORP] = lambda r: Approved({"ref": r.reference})
    asked = {name: value for name, value in terms.items() if value != ""}
    await house.rights(by)
    return await house.ask("corp.pay_quote", by, PIN, card=CARDS[by], **asked)


async def pay(
    house: House, quoted: Answer, number: str = "100001", by: int = CHECKER, name: str = ""
) -> Answer:
    return await house.ask(CORP, by, PIN, name, quote=str(quoted.data["quote"]), approval=number)


async def other_company(house: House) -> Answer:
    """A person of another company, who had the very terms quoted, gives the number."""
    quoted = await pay_quote(house, THIRD)
    await house.rights(THIRD, company="7002")
    return await pay(house, quoted, by=THIRD)
