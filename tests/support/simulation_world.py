"""One run: the real processor and adapter, the real bank, faults by plan, and what must hold."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile
from support.closing_people import close_all
from support.iso8583_kit import MODULE, contracts, tb87
from support.limited import LIMITED
from support.simulation_bank import CARDS, SimBank, Weakness
from support.simulation_journal import HiddenVault, Kill, KillJournal
from support.simulation_net import MONEY, Hit, Net, Plan, State
from support.transactions_journal import Books, Journal
from support.transactions_time import LoopClock
from transactions.card import CardNumber
from transactions.contract import Contracts
from transactions.lifecycle import DONE, NOT_DONE, OPEN
from transactions.lifecycle import State as RowState
from transactions.money import Money
from transactions.outcome import Values
from transactions.processor import Answer, Processor, ProcessorOptions
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

OPTIONS = ProcessorOptions(limits=dict.fromkeys(LIMITED, Money.parse("50000")))
AMOUNTS = tuple(Money.parse(text) for text in ("10", "10", "123.45", "6000"))
"""The last has a fee."""
CARD_NUMBERS = tuple(CardNumber(one.card) for one in CARDS)
CLEAR = tuple(text for one in CARDS for text in (one.card, one.pin))
"""What may stand in no row: cards and PINs."""
TRIES = 150
"""How often the last caller rings until his transfer is done."""
SETTLE_H = 48


@dataclass(frozen=True)
class Setting:
    """What kind of run."""

    plan: Plan = field(default_factory=Plan)
    """What goes wrong on the line."""
    kill: str = "none"
    """A step, from the fault on."""
    kill_early: int | None = None
    """Or a step by number, from the start on."""
    kill_again: int | None = None
    """A second death, so many steps into the next life."""
    callers: int = 2
    links: int = 1
    orderly: bool = False
    """Stop in order at the end."""
    pins: bool = False
    weakness: Weakness = field(default_factory=Weakness)
    profile: Profile | None = None
    options: ProcessorOptions = OPTIONS
    contracts: Contracts = field(default_factory=contracts)
    any_manual: bool = False
    """Any row may go to a person."""
    may_be_manual: bool = False
    """A refused reversal, or a collision, takes the first transfer to a person."""


class BrokenError(AssertionError):
    """An invariant does not hold."""


def need(true: object, what: str, *about: object) -> None:
    """Raise `BrokenError` unless it holds."""
    if not true:
        raise BrokenError(f"{what} {' '.join(str(one) for one in about)}".strip())


class World:
    """Bank and books are durable; the rest is one life of the gateway."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.seed = seed
        self.chance = random.Random(seed)
        self.vault = HiddenVault()
        self.books = Books(self.vault)  # type: ignore[arg-type]
        self.bank = SimBank(setting.weakness, setting.profile)
        self.state = State()
        self.answers: list[Answer] = []
        self.begun: set[int] = set()
        self.lives = 0
        self.kill = Kill(setting.kill, setting.kill_early)
        self.frames: Counter[tuple[str, str]] = Counter()
        self.done: asyncio.Event = asyncio.Event()
        self.broken: list[str] = []
        self.closed = 0
        """Rows that people closed after the run."""

    # -- lives --------------------------------------------------------------------------------

    async def live(self) -> None:
        """A life of the gateway, to its end or until all callers were served."""
        self.lives += 1
        setting, chance = self.setting, self.chance
        self.net = net = Net(self.bank, setting.plan, chance, self.state)
        asyncio.get_running_loop().network = net  # type: ignore[attr-defined]
        net.watch = self._see
        kill = self.kill if not self.kill.done else Kill("none", self._again())
        self.journal = KillJournal(self.books, self.seed * 10 + self.lives, kill, net.kill)
        self.journal.died = self.death
        self.kill_now = kill
        kill.armed = self.state.struck.is_set()
        self.host = Iso8583Host(
            setting.profile or tb87(),
            setting.contracts,
            MODULE,
            Iso8583Options(links=setting.links),
            events=HostEvents(
                late=lambda one: self.processor.late_answer(one.message.request_id, one.outcome)
            ),
            vault=self.vault,
            clock=LoopClock(),
            chance=random.Random(self.seed + self.lives),
        )
        self.processor = Processor(
            setting.contracts, self.host, self.journal, self.vault, setting.options, LoopClock()
        )
        await self.host.start()
        if chance.random() < 0.8:
            await self.host.wait_signed_on(60.0)
        await self.processor.recover()
        await self._serve()

    def _again(self) -> int | None:
        again, self.setting = self.setting.kill_again, replace(self.setting, kill_again=None)
        return again

    async def _serve(self) -> None:
        callers = [number for number in range(self.setting.callers) if number not in self.begun]
        arming = asyncio.ensure_future(self._arm())
        work = [asyncio.ensure_future(self._caller(number)) for number in callers]
        await asyncio.gather(*work)
        arming.cancel()
        for _ in range(SETTLE_H * 60):
            if self.processor.open_count() == 0:
                break
            await asyncio.sleep(1.0 if _ < 120 else 60.0)
        await asyncio.sleep(60.0)

    async def _arm(self) -> None:
        await self.state.struck.wait()
        self.kill_now.armed = True

    async def run(self) -> None:
        """Lives until one ends in peace, then every check."""
        while True:
            self.death = asyncio.Event()
            life = asyncio.ensure_future(self.live())
            death = asyncio.ensure_future(self.death.wait())
            await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                death.cancel()
                life.result()
                break
            await self._bury()
        if self.setting.orderly:
            await self.processor.close()
            await self.host.close()
        else:
            self.net.kill()
        self.check()
        await self._close_by_people()
        self.bank.close()

    async def _close_by_people(self) -> None:
        """A later day, at the desk: what is MANUAL ends as the bank's books say, and then every
        row has its end."""
        stands = self._stands()
        journal = Journal(self.books, self.seed)
        desk = Processor(
            *(self.setting.contracts, self.host, journal, self.vault),
            *(self.setting.options, LoopClock()),
        )
        posted = {name for name in self.books.rows if stands.get(self._key(name), False)}
        self.closed = await close_all(desk, journal, lambda name, _: name in posted)
        if self.closed:
            left = [name for name, row in self.books.rows.items() if row.state is RowState.MANUAL]
            need(not left, "left in MANUAL:", *left)
            self.check()
        self._check_limits(posted)

    async def _bury(self) -> None:
        me = asyncio.current_task()
        doomed = [task for task in asyncio.all_tasks() if task is not me]
        for task in doomed:
            task.cancel()
        await asyncio.wait(doomed)
        await asyncio.sleep(self.chance.choice((0.01, 1.0, 30.0)))

    # -- callers ------------------------------------------------------------------------------

    async def _caller(self, number: int) -> None:
        """The first callers ring at once, the last when the fault has been, until he is done."""
        chance = random.Random(self.seed * 31 + number)
        last = number == self.setting.callers - 1
        if last:
            waiting = asyncio.ensure_future(self.state.struck.wait())
            await asyncio.wait({waiting}, timeout=60.0)
            waiting.cancel()
        await asyncio.sleep(chance.choice((0.0, 0.001, 0.01, 0.1)))
        self.begun.add(number)
        if number == 0 and self.setting.pins:
            await self._pin()
        payer, payee = chance.sample(range(3), 2)
        amount = chance.choice(AMOUNTS[:-1] if number else AMOUNTS)
        for turn in range(TRIES if last else 1):
            # An amount that nobody else has: what is open for ever must not stand in his way.
            sum_ = Money.parse(f"{77 + turn}") if last else amount
            exit_name = await self._transfer(f"{self.lives}.{number}.{turn}", payer, payee, sum_)
            if exit_name == "ok":
                return
            await asyncio.sleep(2.0)

    async def _transfer(self, name: str, payer: int, payee: int, amount: Money) -> str:
        terms: Values = {"from": CARD_NUMBERS[payer], "to": CARD_NUMBERS[payee], "amount": amount}
        quote = await self._submit(f"q{name}", "transfer.quote", terms, payer)
        if quote.exit not in ("ok", "repeated"):
            return "" if quote.exit != "over_limit" else "refused"
        inputs = {"quote": quote.data["quote"]}
        answer = await self._submit(f"t{name}", "transfer.card_to_card", inputs, payer)
        if answer.row:
            self.answers.append(answer)
        return answer.exit

    async def _pin(self) -> None:
        pin = Secret(CARDS[0].pin)
        inputs: Values = {"card": CARD_NUMBERS[0], "pin": pin}
        await self._submit(f"p{self.lives}", "pin.verify", inputs, None)
        need(len(pin) == 0, "a PIN is left in memory")

    async def _submit(self, name: str, service: str, inputs: Values, payer: int | None) -> Answer:
        token = None if payer is None else self.vault.token(CARD_NUMBERS[payer])
        level = AuthLevel.NONE if payer is None else AuthLevel.PIN
        return await self.processor.submit(
            Request(
                name,
                service,
                1,
                inputs,
                "caller",
                call="c00001",
                auth=level,
                authenticated_token=token,
            )
        )

    # -- what must hold on the wire ---------------------------------------------------------------

    def _see(self, message: Message) -> None:
        """Keep what is wrong for the end: the gateway would take it for a bug of its adapter."""
        try:
            self._watch(message)
        except BrokenError as error:
            self.broken.append(str(error))

    def _watch(self, message: Message) -> None:
        """As the first byte of a money message goes: rules 1, 2 and the reversal's amount."""
        kind, stan = message.mti, message.get(11) or ""
        if kind[:2] == "04":
            self._watch_reversal(message)
        elif kind != MONEY or message.get(3) != "420000":
            return
        self.frames[kind, stan] += 1
        key = (kind, stan, message.get(7))
        rows = [m for m in self.books.messages if (m.mti, m.stan, m.field7) == key]
        need(rows, f"a {kind} leaves before its row is durable")
        state = self.books.rows[rows[0].request_id].state
        need(state is not RowState.RECORDED, f"a {kind} leaves before SENT is durable")
        if kind in (MONEY, "0420"):
            need(self.frames[kind, stan] == 1, f"a {kind} was sent twice")
        if kind == MONEY:
            self.frames["ref", message.get(37) or ""] += 1
            need(self.frames["ref", message.get(37) or ""] == 1, "a request was sent twice")

    def _watch_reversal(self, message: Message) -> None:
        stan, field7 = (message.get(90) or "")[4:10], (message.get(90) or "")[10:20]
        sent = [
            m
            for m in self.books.messages
            if m.role == "request" and (m.stan, m.field7) == (stan, field7)
        ]
        need(sent, "a reversal of nothing we sent")
        collided = self.setting.plan.first is Hit.COLLISION and stan == self.state.victim
        need(not collided or self.lives > 1, "a collision was reversed")
        need(sent[0].amount == message.get(4), "a reversal of another amount")

    # -- what must hold at the end ----------------------------------------------------------------

    def check(self) -> None:
        """Everything that must hold once faults have ended."""
        need(not self.broken, "on the wire:", *self.broken)
        stands = self._stands()
        need(not self.bank.desk.applied_again, "applied twice")
        need(not self.bank.findings(), "the bank's books:", self.bank.findings())
        self._check_rows(stands)
        self._check_told(stands)
        self._check_limits({n for n, row in self.books.rows.items() if row.state not in NOT_DONE})
        self._check_secrecy()
        need(self.processor.open_count() == 0, "rows are still being settled")

    def _stands(self) -> Mapping[tuple[str, str], bool]:
        """By key fields of its message: whether the bank has a transfer that it did not undo."""
        return {(p.stan, p.field7): not p.undone for p in self.bank.posted()}

    def _check_rows(self, stands: Mapping[tuple[str, str], bool]) -> None:
        known: set[tuple[str, str]] = set()
        for name, row in self.books.rows.items():
            need(row.state not in OPEN, f"{name} is left {row.state}")
            key = self._key(name)
            known.add(key)
            if row.state is RowState.MANUAL:
                need(
                    self.setting.any_manual
                    or (self.setting.may_be_manual and key[0] == self.state.victim),
                    f"{name} went to a person",
                    *row.history,
                )
                continue
            need(
                stands.get(key, False) == (row.state in DONE),
                f"{name}: posted is not as the journal says:",
                *row.history,
            )
        lost = [key for key, stand in stands.items() if stand and key not in known]
        need(not lost, "posted without a row", lost)

    def _key(self, name: str) -> tuple[str, str]:
        sent = self.books.rows[name].sent
        return ("", "") if sent is None else (sent.stan, sent.field7)

    def _check_told(self, stands: Mapping[tuple[str, str], bool]) -> None:
        for answer in self.answers:
            stand = stands.get(self._key(answer.row), False)
            if answer.exit == "ok":
                need(stand, f"{answer.row} was told done and is not posted")
            elif answer.exit in ("refused", "not_done"):
                need(not stand, f"{answer.row} was told {answer.exit} and is posted")
            else:
                need(answer.exit == "in_doubt", f"{answer.row} was told {answer.exit}")

    def _check_limits(self, counting: Iterable[str]) -> None:
        """Each customer's limit of each day is what these rows hold, no more and no less."""
        held: Counter[tuple[str, str, date | None]] = Counter()
        for name in counting:
            row = self.books.rows[name]
            for hold in row.plan.holds:
                held[hold.limit, hold.customer, row.request.business_date] += hold.amount.minor
        used = {key: minor for key, minor in self.books.used.items() if minor}
        need(used == dict(held), "limits are not those of what was posted or is open")

    def _check_secrecy(self) -> None:
        texts: list[Any] = []
        for row in self.books.rows.values():
            for value in row.request.inputs.values():
                need(not isinstance(value, CardNumber | Secret), "a clear card or PIN in a row")
                texts.append(value)
            texts += [row.outcome, row.request.id, row.request.reference, row.request.call]
        texts += [vars_of(message) for message in self.books.messages]
        texts += [(event.kind, event.request, event.detail) for event in self.books.events]
        text = str(texts)
        for clear in CLEAR:
            need(clear not in text, "a card or PIN stands in the journal")

    @property
    def died(self) -> bool:
        """Whether the gateway was killed where it should."""
        return self.kill.done


def vars_of(message: Any) -> tuple[Any, ...]:
    """Every field of a message row."""
    return tuple(getattr(message, name) for name in message.__slots__)
