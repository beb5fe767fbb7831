"""Whatever a caller keys: the desk answers it, and everybody else in the same commit."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core_adapters.corehost.counter import Counter
from core_adapters.corehost.desk import Desk
from core_adapters.corehost.faults import FaultPlan
from core_adapters.corehost.hall import Teller
from core_adapters.corehost.house import House, findings, open_house
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.parrot import Parrot
from core_adapters.corehost.products.end_of_day.run import EndOfDay
from core_adapters.corehost.products.orders import Offer
from core_adapters.corehost.rules import EVERY_DAY, Rules
from core_adapters.corehost.seed import trial_set
from core_adapters.corehost.server import Server, ServerOptions
from core_adapters.corehost.services import SERVICES
from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.format.message import Message
from support.corehost_client import tb87
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
CARDS = {one.state: one.card for one in reversed(trial_set())}
COMPANY = next(one.card for one in trial_set() if one.company)
OPEN = next(one.card for one in trial_set() if one.state == "open")
STANS = count(1)
FAILED = "96"

EXTREMES = (
    "",
    "0",
    "1",
    "-1",
    "٣",
    "99991201",
    "99991231",
    "00010101",
    "00000000",
    "20260231",
    "20260201",
    "99999999",
    "999999999999",
    "0999999999999999999999",
    "9" * 40,
)
GOOD = {
    "sub": ("0001", "0003", "6001", "7001", "8001"),
    "kind": ("time", "notice", "transfer", "remote", "draft", "repay"),
    "term": ("m3", "y5", "d7", "m9999999999"),
    "range": ("today", "recent", "unposted", "securities", "corporate", "remittances"),
    "from": ("usd", "cny", "jpy"),
    "to": ("cny", "jpy", "usd"),
    "limit": ("2" + "70400", "0" + "9" * 11, "9" + "0" * 10 + "1"),
    "other_limit": ("2" + "70000", "0" + "9" * 11),
    "days": ("1", "9", "9999"),
    "biller": ("water", "gas"),
    "issue": ("saving_y3",),
    "unit": ("usd", "jpy"),
    "leaves": ("l25",),
    "first": ("10020001", "00000000"),
    "last": ("10020025", "99999999"),
    "cheque": ("10020001",),
    "month": ("20260201",),
}
TAGS_48 = (*GOOD, "customer_number", "order", "interest", "gets", "company", "maker", "identity")
TAGS_48 += ("bank_code", "area", "topic", "report", "account_name", "new_pin_block")
FIELDS: dict[int, Sequence[str]] = {
    4: ("", "000000000000", "000000000001", "000000010000", "999999999999"),
    28: ("", "D00000000", "D99999999", "C99999999"),
    49: ("", "156", "840", "392", "000", "999"),
    73: ("", "000000", "991231", "999999", "000101"),
    91: ("", "1", "2", "3", "9"),
    103: ("", OPEN, "6001", "0" * 28, "9" * 28),
    2: (OPEN, COMPANY, *CARDS.values(), "0" * 19),
    52: ("", "0" * 16, "F" * 16, "nothing hexadecimal"),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    opened = open_house(folder, Rules(market_days=EVERY_DAY), NOON, test_data=True)
    yield opened
    assert findings(opened.folder) == []
    opened.close()


@pytest.fixture(scope="module")
def desk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    keys = tmp_path_factory.mktemp("keys")
    share_demo_keys(keys / "ours", keys / "own", "tb87")
    module = open_software(keys / "own")
    yield Desk(house.db, house.bank, tb87(), module)
    module.close()


def message(mti: str, processing: str, fields: dict[int, str]) -> Message:
    common = {3: f"{processing:0<6}", 7: "0228120000", 11: f"{next(STANS):06d}", 41: "TB090001"}
    all_of = common | {37: f"09{next(STANS):010d}"} | fields
    return Message(mti, {number: text for number, text in all_of.items() if text})


def balance() -> Message:
    return message("0200", "3100", {2: OPEN, 49: "156"})


def one_of(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from((*GOOD.get(name, ()), *EXTREMES))


SUBS = st.fixed_dictionaries({name: one_of(name) for name in TAGS_48})
OUTER = st.fixed_dictionaries({number: st.sampled_from(of) for number, of in FIELDS.items()})


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(SERVICES)),
    OUTER,
    SUBS,
    st.tuples(st.sampled_from(EXTREMES), st.sampled_from(EXTREMES)),
)
def test_every_service_answers_every_extreme_and_nobody_else_hears_of_it(
    desk: Desk,
    service: tuple[str, str],
    outer: dict[int, str],
    subs: dict[str, str],
    references: tuple[str, str],
) -> None:
    join, (kind, processing), (cursor, quote) = tb87().join, service, references
    fields = dict(outer)
    fields[48] = join(48, {name: text for name, text in subs.items() if text})
    fields[62] = join(62, {"cursor": cursor}) if cursor else ""
    fields[61] = join(61, {"quote": quote}) if quote else ""
    asked = message(f"{kind}00" if kind != "03" else "0302", processing, fields)
    with capture_logs() as logs:
        before, extreme, after = desk.answer([balance(), asked, balance()], NOON)
    assert extreme.fields[39] != FAILED, logs
    assert (before.fields[39], after.fields[39]) == ("00", "00")
    assert "batch_failed" not in {one["event"] for one in logs}


def one_by_one(service: tuple[str, str]) -> Iterator[Message]:
    """Each subfield at each of its extremes, everything else as a caller has it."""
    join, (kind, processing) = tb87().join, service
    usual = {name: good[0] for name, good in GOOD.items()}
    outer = {4: "000000010000", 28: "D00000000", 49: "156", 103: OPEN}
    for said in GOOD["range"] if processing == "3800" else ("today",):
        for card in (OPEN, COMPANY, CARDS["operator"]):
            for name in TAGS_48:
                for text in EXTREMES:
                    subs = {**usual, "range": said, name: text}
                    carried = join(48, {tag: sub for tag, sub in subs.items() if sub})
                    fields = {**outer, 2: card, 48: carried}
                    yield message(f"{kind}00" if kind != "03" else "0302", processing, fields)


@pytest.mark.parametrize("service", sorted(SERVICES), ids="-".join)
def test_every_subfield_at_every_extreme(desk: Desk, service: tuple[str, str]) -> None:
    batch = list(one_by_one(service))
    with capture_logs() as logs:
        codes = {reply.fields[39] for reply in desk.answer(batch, NOON)}
    assert FAILED not in codes, {str(one) for one in logs if one["log_level"] == "error"}
    assert "batch_failed" not in {one["event"] for one in logs}


@pytest.mark.parametrize(
    ("month", "code"),
    [
        ("99991201", "30"),
        ("99991231", "30"),
        ("00010101", "30"),
        ("20260301", "30"),
        ("20260228", "00"),
        ("20260101", "00"),
        ("", "00"),
    ],
)
def test_a_company_asks_after_months_that_there_were(desk: Desk, month: str, code: str) -> None:
    terms = {"range": "corporate", "sub": "0001"} | ({"month": month} if month else {})
    asked = message("0200", "3800", {2: COMPANY, 48: tb87().join(48, terms)})
    told, neighbour = desk.answer([asked, balance()], NOON)
    assert (told.fields[39], neighbour.fields[39]) == (code, "00")


def raising(error: Exception) -> Callable[[Counter, Order, datetime], Answer]:
    def handler(counter: Counter, order: Order, now: datetime) -> Answer:
        raise error

    return handler


def test_what_nobody_thought_of_costs_its_own_message_alone(
    desk: Desk, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {("02", "3100"): SERVICES["02", "3100"], ("02", "3999"): raising(OverflowError("6227"))}
    monkeypatch.setattr("core_adapters.corehost.services.SERVICES", bad)
    batch = [balance(), message("0200", "3999", {2: OPEN}), balance()]
    with capture_logs() as logs:
        replies = desk.answer(batch, NOON)
    assert [reply.fields[39] for reply in replies] == ["00", FAILED, "00"]
    assert [reply.fields[11] for reply in replies] == [one.fields[11] for one in batch]
    assert "OverflowError" in str(logs)
    assert "6227" not in str(logs)  # the words of an error may tell of a customer
    assert not house.db.in_transaction


async def test_a_teller_whose_office_failed_serves_the_others() -> None:
    class Office:
        def answer(self, messages: Sequence[Message], now: datetime) -> list[Message]:
            if messages[0].get(3) == "999999":
                raise OverflowError
            return [Message("0210", {**one.fields, 39: "00"}) for one in messages]

    answered = list[Message]()
    loop, failed = asyncio.get_running_loop(), list[dict[str, object]]()
    loop.set_exception_handler(lambda _loop, context: failed.append(context))
    teller = Teller(Office(), 1, lambda: None, lambda: NOON)
    teller.submit(message("0200", "999999", {}), answered.append)
    teller.submit(balance(), answered.append)
    for _ in range(5):
        await asyncio.sleep(0)
    teller.submit(balance(), answered.append)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (len(answered), len(failed)) == (2, 1)


def test_what_time_cannot_do_is_told_once_and_messages_are_answered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: EndOfDay, _now: datetime) -> int:
        raise ValueError("nobody thought of it")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(EndOfDay, "run_due", broken)
        for _ in range(3):
            (reply,) = desk.answer([balance()], NOON)
            assert reply.fields[39] == "00"
    told = [one for one in logs if one["event"] == "day_not_ended"]
    assert [one["error"] for one in told] == ["ValueError"]
    desk.pass_time(NOON)
    with monkeypatch.context() as patch, capture_logs() as again:
        patch.setattr(EndOfDay, "run_due", broken)
        desk.pass_time(NOON)
    assert [one["event"] for one in again] == ["day_not_ended"]


def test_when_a_date_is_over_old_quotes_and_messages_are_forgotten(tmp_path: Path) -> None:
    share_demo_keys(tmp_path / "ours", tmp_path / "own", "tb87")
    module = open_software(tmp_path / "own")
    opened = open_house(tmp_path / "bank", Rules(), NOON, test_data=True)
    desk = Desk(opened.db, opened.bank, tb87(), module)
    cny = currency("CNY")
    offer = Offer(OPEN, "transfer", Money(1, cny), Money(0, cny), ())
    opened.db.execute("BEGIN")
    opened.bank.orders.quote(offer, NOON)
    opened.db.execute("COMMIT")
    desk.answer([balance()], NOON)

    def rows(table: str) -> int:
        (number,) = opened.db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        return int(number)

    assert (rows("priced_order"), rows("message")) == (1, 1)
    desk.pass_time(NOON + timedelta(days=2))
    assert (rows("priced_order"), rows("message")) == (0, 1)
    desk.pass_time(NOON + timedelta(days=92))
    assert rows("message") == 0
    opened.close()
    module.close()


class OwnMac:
    """A MAC of no key; the tick looks at none."""

    def compute(self, data: bytes) -> bytes:
        return data[:8]

    def verify(self, data: bytes, mac: bytes) -> bool:
        return self.compute(data) == mac


async def test_the_tick_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core_adapters.corehost.server.TICK_S", 0.0)
    ticks = list[datetime]()

    def failing(now: datetime) -> None:
        ticks.append(now)
        raise sqlite3.ProgrammingError

    codec, plan = tb87(), FaultPlan(None)
    options = ServerOptions()
    server = Server(Parrot(codec), codec, OwnMac(), plan, options, pass_time=failing)
    await server.start("127.0.0.1", 0)
    while len(ticks) < 3:
        await asyncio.sleep(0)
    await server.stop()
