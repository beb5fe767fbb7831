"""Commands as a person of a staff house types them, and three people to type them."""

import asyncio

from click.testing import CliRunner, Result

from support.ledger_world import CARDS
from support.staff_house import House, Person
from telebank.main import main


async def run(house: House, who: Person, *words: str, card: str = CARDS[0].digits) -> Result:
    """One command about a customer; the card is read from standard input."""
    return await say(house, who, "customer", *words, given=f"{card}\n")


async def say(house: House, who: Person, *words: str, given: str = "") -> Result:
    """One command of his; `given` is its standard input."""
    session = house.folder / who.name
    session.touch(mode=0o600)
    session.write_text(who.token)
    runner = CliRunner(env={"TELEBANK_DATA": str(house.folder), "TELEBANK_SESSION": str(session)})
    return await asyncio.to_thread(runner.invoke, main, list(words), input=given)


async def three_people(house: House) -> tuple[Person, Person, Person]:
    """An administrator, a supervisor and a teller."""
    chen = await house.login(await house.found("chen", "administrator"))
    wu = await house.login(await house.found("wu", "supervisor"))
    return chen, wu, await house.hire(chen, wu, "li", "teller")
