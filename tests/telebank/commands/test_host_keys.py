"""Keys at a running node: entered by two people who log in, changed by two, read again."""

import asyncio
from pathlib import Path

from aiohttp import web

from core_adapters.hsm.kinds import Algorithm, CheckMethod, KeySpec, KeyState, Usage
from core_adapters.hsm.primitives import check_digits
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.keys.change_types import KeyEvent
from support.corehost_process import CoreHostProcess
from support.hsm_kit import components
from support.iso8583_kit import contracts, quick_options, tb87
from support.key_people import logged_in, people, run
from support.staff_house import Person, open_house
from telebank.calls.control.acts import AfterApproval
from telebank.commands.wiring.host_control import ACT, HostKeysPart, KeyChangeAct
from telebank.store import tables

MAK = KeySpec("tb87.mak", Usage.MAC, Algorithm.AES256, True)
KBPK = KeySpec("tb87.kbpk", Usage.TRANSPORT, Algorithm.AES256, False)


async def test_two_people_change_a_key_with_the_host(tmp_path: Path) -> None:
    with CoreHostProcess.start(tmp_path) as bank:
        module = open_software(bank.keys)
        host = Iso8583Host(tb87(), contracts(), module, quick_options(bank.port))
        await host.start()
        assert await host.wait_signed_on(5.0)
        async with open_house(tmp_path) as house:
            act = KeyChangeAct(host)
            house.carriers[ACT] = AfterApproval(house.desk, act.work, act.complaint)
            _, wu, li = await people(house)
            for one in (wu, li):
                await logged_in(house, one)
            unknown = await run(house, "host", "rotate", "tb87.kbpk", session="it.li")
            assert unknown.exit_code == 2, unknown.output
            assert "tb87.mak, tb87.zpk" in unknown.output
            before = module.check_value("tb87.mak")
            first = await run(house, "host", "rotate", "tb87.mak", session="it.li")
            assert first.exit_code == 0, first.output
            assert "proposed" in first.output
            assert module.check_value("tb87.mak") == before
            second = await run(house, "host", "rotate", "tb87.mak", session="wu")
            assert second.exit_code == 0, second.output
            assert f"check value {module.check_value('tb87.mak')}" in second.output
            assert module.check_value("tb87.mak") != before
            await host.close()
            for session in ("it.li", "wu"):
                last = await run(house, "host", "rotate", "tb87.mak", session=session)
            assert last.exit_code == 1
            assert "the old key stays" in last.output


async def test_custodians_prove_who_they_are(tmp_path: Path) -> None:
    key = bytes(range(40, 72))
    parts = components(Algorithm.AES256, key)
    words = ["keys", "enter", "tb87.kbpk", "--usage", "transport", "--algorithm", "aes-256"]
    async with open_house(tmp_path) as house:
        chen, _, li = await people(house)

        def typed(person: Person, part: bytes) -> str:
            kcv = check_digits(Algorithm.AES256, part, CheckMethod.CMAC).hex()[:6]
            code = person.code(house.clock.now)
            return f"{person.name}\n{person.password}\n{code}\n{part.hex()}\n{kcv}\n"

        wrong = await run(house, *words, keys="chen\n" + "nonsense\n123456\n" * 3)
        assert wrong.exit_code == 1, wrong.output
        house.clock.forward(60)
        done = await run(house, *words, keys=typed(chen, parts[0]) + typed(li, parts[1]))
        assert done.exit_code == 0, done.output
        (info,) = open_software(tmp_path / "keys").list_keys()
        assert info.kcv == check_digits(Algorithm.AES256, key, CheckMethod.CMAC).hex()[:6].upper()
        typed_by = [row for row in house.rows(tables.event) if row.kind == "key.component"]
        assert [(row.actor, row.detail) for row in typed_by] == [
            ("chen", {"key": "tb87.kbpk", "component": "1"}),
            ("it.li", {"key": "tb87.kbpk", "component": "2"}),
        ]
        assert len(house.events("staff.logout")) == 2
        secrets = (chen.password, li.password, parts[0].hex()[:16], key.hex()[:16])
        assert not any(secret in done.output.lower() for secret in secrets)


async def test_one_person_is_not_two_custodians(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        chen, _, _ = await people(house)
        house.clock.forward(60)
        part = bytes(range(32)).hex()
        typed = f"chen\n{chen.password}\n{chen.code(house.clock.now)}\n{part}\n"
        words = ["keys", "enter", "tb87.kbpk", "--usage", "transport", "--algorithm", "aes-256"]
        kcv = check_digits(Algorithm.AES256, bytes.fromhex(part), CheckMethod.CMAC).hex()[:6]
        # The second time his code is spent; that he is no other person is seen before it anyhow.
        done = await run(house, *words, keys=f"{typed}{kcv}\n{typed}{kcv}\n")
        assert done.exit_code == 1, done.output
        assert open_software(tmp_path / "keys").list_keys() == ()


async def test_with_live_keys_a_name_must_be_proved(tmp_path: Path) -> None:
    open_software(tmp_path / "keys", create=True).generate(MAK)
    async with open_house(tmp_path) as house:
        words = ["keys", "enter", "mine.kbpk", "--usage", "transport", "--algorithm", "aes-256"]
        part = bytes(range(32))
        kcv = check_digits(Algorithm.AES256, part, CheckMethod.CMAC).hex()[:6]
        typed = f"alice\n{part.hex()}\n{kcv}\n"
        done = await run(house, *words, keys=typed * 4)
        assert done.exit_code == 1, done.output
    assert len(open_software(tmp_path / "keys").list_keys()) == 1


async def test_a_key_leaves_and_is_replaced_by_two_people(tmp_path: Path) -> None:
    module = open_software(tmp_path / "keys", create=True)
    module.generate(KBPK)
    module.generate(MAK)
    async with open_house(tmp_path) as house:
        chen, wu, li = await people(house)
        for one in (chen, wu, li):
            await logged_in(house, one)
        export = ("keys", "export", "tb87.mak", "--under", "tb87.kbpk")
        nobody = await run(house, *export)
        assert (nobody.exit_code, "staff login" in nobody.output) == (2, True)
        for session in ("wu", "chen"):
            early = await run(house, *export, session=session)
            assert early.exit_code == 1, early.output
        for _ in range(2):
            first = await run(house, *export, session="it.li")
            assert "D0144" not in first.output
        other = await run(house, *export[:-1], "another.kbpk", session="wu")
        assert (other.exit_code, "not what it.li proposed" in other.output) == (1, True)
        second = await run(house, *export, session="wu")
        assert second.exit_code == 0, second.output
        assert second.stdout.startswith("D0144M6AC00N0000")
        assert second.stdout.count("\n") == 1, "a file takes the block alone"
        block = tmp_path / "mak.tr31"
        block.write_text(second.stdout)
        imported = ("keys", "import", "tb87.mak", "--usage", "mac", "--under", "tb87.kbpk")
        imported += ("--rotate", "--file", str(block))
        for words in (
            ("keys", "rotate", "tb87.mak"),
            ("keys", "retire", "tb87.mak", "1"),
        ):
            before = open_software(tmp_path / "keys").list_keys()
            proposed = await run(house, *words, session="it.li")
            assert (proposed.exit_code, "proposed" in proposed.output) == (0, True)
            assert open_software(tmp_path / "keys").list_keys() == before
            done = await run(house, *words, session="wu")
            assert done.exit_code == 0, done.output
            assert open_software(tmp_path / "keys").list_keys() != before
        for session in ("it.li", "wu"):
            done = await run(house, *imported, session=session)
        assert done.exit_code == 0, done.output
        rows = [row for row in house.rows(tables.approval) if row.act == "key.custody"]
        assert {(row.proposed_by, row.decided_by, row.state) for row in rows} == {
            ("it.li", "wu", "approved")
        }
        deeds = [row.detail["do"] for row in sorted(rows, key=lambda row: row.proposed_at)]
        assert sorted(deeds) == ["export", "import", "retire", "rotate"]
        assert ("wu", "supervisor", "approved") in house.events("approval.approved")


async def test_a_node_whose_host_shares_no_keys_says_so() -> None:
    part = HostKeysPart(None)
    (route,) = part.routes()
    assert isinstance(route, web.RouteDef)
    answer = await route.handler(None)  # type: ignore[arg-type]
    assert isinstance(answer, web.Response)
    assert (answer.status, "shares no keys" in str(answer.text)) == (409, True)


async def test_a_reload_sees_what_another_process_did(tmp_path: Path) -> None:
    with CoreHostProcess.start(tmp_path) as bank:
        module = open_software(bank.keys)
        seen: list[KeyEvent] = []
        events = HostEvents(key=seen.append)
        host = Iso8583Host(tb87(), contracts(), module, quick_options(bank.port), events=events)
        other = open_software(bank.keys)
        spec = next(i.spec for i in other.list_keys() if i.spec.name == "tb87.mak")
        made = other.generate(spec, rotate=True)
        mine = other.generate(KeySpec("mine.kbpk", Usage.TRANSPORT, Algorithm.AES256, False))
        other.retire("tb87.mak", 1)
        other.generate(spec, rotate=True)
        assert module.check_value("tb87.mak") != made.kcv
        (route,) = HostKeysPart(host).routes()
        assert isinstance(route, web.RouteDef)
        answer = await route.handler(None)  # type: ignore[arg-type]
        assert answer.status == 200
        assert module.check_value("tb87.mak") != made.kcv
        states = [i.state for i in module.list_keys() if i.spec.name == "tb87.mak"]
        assert states == [KeyState.CURRENT, KeyState.PREVIOUS, KeyState.RETIRED]
        assert [(one.name, one.outcome, one.version) for one in seen] == [
            ("mine.kbpk", "found", 1),
            ("tb87.mak", "retired", 1),
            ("tb87.mak", "found", 2),
            ("tb87.mak", "found", 3),
        ]
        assert (seen[0].kcv, seen[2].kcv) == (mine.kcv, made.kcv)
        await route.handler(None)  # type: ignore[arg-type]
        assert len(seen) == 4
        await host.close()


async def test_a_key_that_another_node_took_is_told_where_it_first_verifies(tmp_path: Path) -> None:
    """Two nodes of one key folder: the other took the host's 101; replies verify here at once."""
    with CoreHostProcess.start(tmp_path) as bank:
        module, other = open_software(bank.keys), open_software(bank.keys)
        seen: list[KeyEvent] = []
        events = HostEvents(key=seen.append)
        host = Iso8583Host(tb87(), contracts(), module, quick_options(bank.port), events=events)
        await host.start()
        assert await host.wait_signed_on(5.0)
        await asyncio.sleep(0)
        spec = next(i.spec for i in other.list_keys() if i.spec.name == "tb87.mak")
        made = other.generate(spec, rotate=True)
        (mac,) = host._driver._macs
        assert mac.verify(b"reply", other.mac("tb87.mak", b"reply"))
        assert [(one.name, one.outcome, one.kcv) for one in seen] == [
            ("tb87.mak", "found", made.kcv)
        ]
        await host.close()
