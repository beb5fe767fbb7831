"""Second factors on both databases: codes by message, tokens, their limits, and their secrecy."""

import asyncio
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyotp
import pytest
from sqlalchemy import insert

from support.customers_kit import MOBILE, open_house, wrong
from support.store_kit import PAYEE, PAYER, FakeClock, rows
from telebank.customers.sender import OUTBOX, FileSender
from telebank.staff import totp
from telebank.store import second_factors as jobs
from telebank.store import tables
from telebank.store.customer_tables import code_sent, code_token
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Approving
from transactions.card import SealedCard
from transactions.request import AuthLevel
from transactions.secret import Secret

NONE = AuthLevel.NONE


async def test_a_code_goes_to_the_number_and_proves_once(place: Path) -> None:
    async with open_house(place) as house:
        sent = await house.send(level=NONE)
        assert (sent.exit, sent.data) == ("ok", {"tail": "8000", "minutes": 3})
        (message,) = house.sent()
        assert message["to"] == MOBILE
        assert (place / OUTBOX).stat().st_mode & 0o777 == 0o600
        code = house.last_code()
        assert (await house.ask("code.verify", code=wrong(code))).exit == "wrong_code"
        other = await house.ask("code.verify", card=PAYEE, code=Secret(code))
        assert other.exit == "expired"
        assert (await house.ask("code.verify", code=Secret(code))).exit == "ok"
        assert (await house.ask("code.verify", code=Secret(code))).exit == "expired"
        told = [event[:2] for event in house.events("code.sent", "code.right", "code.wrong")]
        assert told == [
            ("code.sent", "ok"),
            ("code.wrong", "wrong_code"),
            ("code.wrong", "expired"),
            ("code.right", "ok"),
            ("code.wrong", "expired"),
        ]


async def test_who_enrols_needs_no_pin(place: Path) -> None:
    async with open_house(place) as house:
        await house.send(level=NONE)
        code = Secret(house.last_code())
        answer = await house.ask("enrol.verify", level=NONE, code=code)
        assert answer.exit == "ok"
        assert len(code) == 0  # wiped by the processor


async def test_a_code_is_over_after_three_minutes_and_after_a_restart(place: Path) -> None:
    clock = FakeClock()
    async with open_house(place, clock) as house:
        await house.send()
        clock.forward(180)
        late = await house.ask("code.verify", code=Secret(house.last_code()))
        assert late.exit == "expired"
        await house.send()
    async with open_house(place, clock) as house:
        forgotten = await house.ask("code.verify", code=Secret(house.last_code()))
        assert forgotten.exit == "expired"


async def test_five_codes_an_hour_and_ten_a_day_across_restarts(place: Path) -> None:
    clock = FakeClock()
    exits = []
    for _hour in range(3):
        async with open_house(place, clock) as house:
            exits += [(await house.send()).exit for _ in range(6)]
            assert (await house.send(card=PAYEE)).exit == "ok"
        clock.forward(3600)
    assert exits == (["ok"] * 5 + ["too_many"]) * 2 + ["too_many"] * 6
    clock.forward(86_400)
    async with open_house(place, clock) as house:
        assert (await house.send()).exit == "ok"
        await house.run(jobs.forget_sent)
        assert len(rows(place, code_sent)) == 1


async def test_three_mistakes_lock_the_day(place: Path) -> None:
    async with open_house(place) as house:
        await house.send()
        code = house.last_code()
        exits = [(await house.ask("code.verify", code=wrong(code))).exit for _ in range(4)]
        assert exits == ["wrong_code"] * 3 + ["locked"]
        assert (await house.ask("code.verify", code=Secret(code))).exit == "locked"


@pytest.mark.parametrize("mobile", ["123", "13800138000X", "1380013800013800"])
async def test_what_is_no_number_gets_no_code(tmp_path: Path, mobile: str) -> None:
    async with open_house(tmp_path) as house:
        assert (await house.send(mobile)).exit == "unavailable"
        assert house.sent() == []


async def test_without_a_sender_there_are_no_codes(tmp_path: Path) -> None:
    async with open_house(tmp_path, sms={"sender": "none"}) as house:
        assert (await house.ask("factor.kind")).data == {"factor": "none"}
        assert (await house.send()).exit == "unavailable"


async def test_a_network_that_refuses_leaves_no_code(tmp_path: Path) -> None:
    (tmp_path / "sms").write_text("no folder")
    async with open_house(tmp_path) as house:
        assert (await house.send()).exit == "unavailable"
        ((_, outcome, detail),) = house.events("code.not_sent")
        assert outcome == "unavailable"
        assert "outbox.jsonl" in str(detail["why"])


async def test_a_token_proves_each_step_once(place: Path) -> None:
    clock = FakeClock()
    async with open_house(place, clock) as house:
        assert (await house.ask("factor.kind")).data == {"factor": "sms"}
        assert (await house.ask("token.verify", code=Secret("123456"))).exit == "unavailable"
        seed = totp.new_seed()
        await house.run(_give(house.keys.token(PAYER), house.keys.seal_digits(seed)))
        assert (await house.ask("factor.kind")).data == {"factor": "token"}
        shown = pyotp.TOTP(seed).at(clock.now)
        assert (await house.ask("token.verify", code=wrong(shown))).exit == "wrong_code"
        assert (await house.ask("token.verify", code=Secret(shown))).exit == "ok"
        assert (await house.ask("token.verify", code=Secret(shown))).exit == "wrong_code"
        clock.forward(30)
        later = pyotp.TOTP(seed).at(clock.now)
        assert (await house.ask("token.verify", code=Secret(later))).exit == "ok"
        assert (await house.ask("factor.kind", card=PAYEE)).data == {"factor": "sms"}


def _give(customer: str, seed: SealedCard) -> Callable[[Transaction], None]:
    """The row of a token, without the two people whom the control socket's tests have."""

    def work(part: Transaction) -> None:
        row = {"customer": customer, "step": -1, "added_at": part.now, "added_by": "chen"}
        row |= {"key_id": seed.key_id, "ciphertext": seed.ciphertext}
        part.execute(insert(code_token), row)

    return work


async def test_no_word_of_two_people_no_token(place: Path) -> None:
    async with open_house(place) as house:
        customer, seed = house.keys.token(PAYER), house.keys.seal_digits(totp.new_seed())
        word = Approving("token.add", customer, "0" * 64, Actor("wu", "supervisor", "control"))
        add = partial(jobs.add_token, customer=customer, seed=seed, approving=word)
        assert await house.run(add) == "no_proposal"
        assert await house.run(partial(jobs.token, customer=customer)) is None


async def test_digits_of_a_code_are_in_the_outbox_alone(place: Path) -> None:
    codes = []
    async with open_house(place) as house:
        for service in ("code.verify", "enrol.verify", "code.verify"):
            await house.send()
            codes.append(house.last_code())
            await house.ask(service, code=wrong(codes[-1]), level=AuthLevel.PIN)
            await house.ask(service, code=Secret(codes[-1]), level=AuthLevel.PIN)
    written = "".join(
        str(row) for table in tables.metadata.sorted_tables for row in rows(place, table)
    )
    for path in place.rglob("*"):
        if path.is_file() and path.name != OUTBOX.name:
            written += path.read_bytes().decode("latin-1")
    for code in codes:  # not a part of a longer number, or of a hash
        assert re.search(rf"(?<![0-9a-f.]){code}(?![0-9a-f])", written) is None
    assert all(code in (place / OUTBOX).read_text() for code in codes)


async def test_a_code_goes_to_no_number_that_the_host_did_not_tell(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert (await house.ask("code.send", mobile=MOBILE)).exit == "unavailable"
        await house.ask("customer.mobile")
        assert (await house.ask("code.send", mobile="13900139000")).exit == "unavailable"
        assert (await house.ask("code.send", mobile=MOBILE, call="01-000002")).exit == "unavailable"
        assert house.sent() == []
        assert (await house.ask("code.send", mobile=MOBILE)).exit == "ok"


async def test_the_same_request_again_sends_no_second_code(place: Path) -> None:
    async with open_house(place) as house:
        answers = [await house.send(name="s1") for _ in range(2)]
        assert [(answer.exit, answer.data) for answer in answers] == [
            ("ok", {"tail": "8000", "minutes": 3})
        ] * 2
        assert len(house.sent()) == len(house.events("code.sent")) == 1
        assert (await house.send("13900139001", name="s1")).exit == "unavailable"
        assert (await house.ask("code.verify", code=Secret(house.last_code()))).exit == "ok"


async def test_a_code_that_did_not_go_is_not_said_to_have_gone(tmp_path: Path) -> None:
    (tmp_path / "sms").write_text("no folder")
    async with open_house(tmp_path) as house:
        assert [(await house.send(name="s1")).exit for _ in range(2)] == ["unavailable"] * 2


async def test_a_code_that_is_over_is_not_counted_as_a_mistake(place: Path) -> None:
    clock = FakeClock()
    async with open_house(place, clock) as house:
        await house.send()
        clock.forward(181)
        for _ in range(3):
            late = await house.ask("code.verify", code=Secret(house.last_code()))
            assert late.exit == "expired"
        await house.send()
        assert (await house.ask("code.verify", code=Secret(house.last_code()))).exit == "ok"


async def test_codes_leave_the_outbox_when_they_are_over(tmp_path: Path) -> None:
    path = tmp_path / OUTBOX
    sender = FileSender(path, 180.0)
    old = [{"at": at, "to": "1", "code": "000000"} for at in ("2026-01-01T00:00:00+00:00", 7)]
    path.parent.mkdir()
    path.write_text("".join(f"{json.dumps(line)}\n" for line in old) + "rubbish\n[]\n")
    path.chmod(0o644)
    for code in ("123456", "654321"):
        await sender.send(MOBILE, Secret(code))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["code"] for line in lines] == ["123456", "654321"]
    assert path.stat().st_mode & 0o777 == 0o600
    await FileSender(path, 1e-9).send(MOBILE, Secret("111111"))
    (left,) = path.read_text().splitlines()
    assert json.loads(left)["code"] == "111111"


async def test_two_that_send_at_once_lose_no_code(tmp_path: Path) -> None:
    senders = [FileSender(tmp_path / OUTBOX, 180.0) for _ in range(4)]
    codes = [f"{number:06d}" for number in range(40)]
    work = (senders[n % 4].send(MOBILE, Secret(code)) for n, code in enumerate(codes))
    await asyncio.gather(*work)
    lines = (tmp_path / OUTBOX).read_text().splitlines()
    assert sorted(json.loads(line)["code"] for line in lines) == codes
