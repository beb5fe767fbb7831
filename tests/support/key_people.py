"""Commands about keys at a house of staff, and the people who say them."""

import asyncio

from click.testing import CliRunner, Result

from support.staff_house import House, Person
from telebank.main import main


async def run(house: House, *words: str, keys: str = "", session: str = "s") -> Result:
    path = str(house.folder / session)
    environment = {"TELEBANK_DATA": str(house.folder), "TELEBANK_SESSION": path}
    runner = CliRunner(env=environment)
    return await asyncio.to_thread(runner.invoke, main, list(words), input=keys)


async def people(house: House) -> tuple[Person, Person, Person]:
    """An administrator, a supervisor and one of IT."""
    chen = await house.login(await house.found("chen", "administrator"))
    wu = await house.login(await house.found("wu", "supervisor"))
    return chen, wu, await house.hire(chen, wu, "it.li", "it")


async def logged_in(house: House, person: Person) -> None:
    house.clock.forward(30)
    keys = f"{person.password}\n{person.code(house.clock.now)}\n"
    done = await run(house, "staff", "login", person.name, keys=keys, session=person.name)
    assert done.exit_code == 0, done.output
