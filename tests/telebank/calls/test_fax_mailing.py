"""Papers by mail to the address that the bank has, against a real SMTP server: kept, tried again,
judged after a kill; what goes out names no amounts and no whole account."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from fax.job import State
from support.fax_jobs import LI_NA, FaxHouse, told
from support.fax_office import CARD, asked, folders, listed, office_of
from support.order_house import Kill
from support.smtp_server import Postman, served
from support.store_kit import open_store, rows
from telebank.calls.faxes import rounds
from telebank.calls.faxes.addresses import masked, wrong_with
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.mailing import Mailing, MailingParts
from telebank.calls.faxes.options import MailOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.rounds import Rounds
from telebank.calls.services import FaxAsked
from telebank.flow.commands import SendFax
from telebank.ops.mail import Mailer
from telebank.store import fax_jobs, fax_mails, tables
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_job
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.outcome import Approved, Declined, Outcome, Values
from transactions.ports import JournalUnavailable
from transactions.request import AuthLevel, Language

ADDRESS = "lin.xiaoyue@example.com"
TRIES = 3


@dataclass
class Bank:
    """A node's mail with the server that it talks to; time is the test's."""

    house: FaxHouse
    postman: Postman = field(default_factory=Postman)
    mail: str | None = ADDRESS
    exit: str = ""
    port: int = 25
    names: Mapping[str, str] = field(default_factory=lambda: {"zh": "示范银行"})
    visits: Any = field(default_factory=lambda: count(1))

    def asked(self, language: Language = "zh", card: CardNumber | None = CARD) -> FaxAsked:
        fax = SendFax(
            *(f"v{next(self.visits)}", "card_recent", {"card": CARD}, "mail", "registered"),
            language=language,
            auth=AuthLevel.PIN,
            authenticated=card,
        )
        return replace(asked(), fax=fax, ask=self._host)

    async def _host(self, service: str, inputs: Values) -> Answer:
        if service != "customer.mail":
            return await listed(service, inputs)
        assert inputs == {"card": CARD}
        data: Values = {} if self.mail is None else {"mail": self.mail}
        outcome: Outcome = Approved(data) if data else Declined("none")
        return Answer(self.exit or ("ok" if data else "none"), outcome, data, "r")

    @property
    def options(self) -> MailOptions:
        return MailOptions(
            host="127.0.0.1",
            port=self.port,
            sender="tb@bank.example",
            statements=True,
            tries=TRIES,
            timeout_s=5.0,
        )

    def mailing(self, run: Any, vault: Any) -> Mailing:
        mailer = Mailer(self.options, self.house.place)
        files = FaxFiles(self.house.place / "fax")
        parts = MailingParts(run, "01", vault, files, mailer, self.options, self.names)
        return Mailing(replace(parts, on_alarm=self.house.alarms.append))

    @asynccontextmanager
    async def life(self, kill: Kill | None = None) -> AsyncIterator[tuple[FaxJobs, Mailing]]:
        """One life of the node."""
        async with self.house.life(kill) as jobs:
            parts = jobs._parts
            yield jobs, self.mailing(parts.run, parts.vault)

    async def ordered(
        self, jobs: FaxJobs, mailing: Mailing, asked: FaxAsked | None = None
    ) -> tuple[str, Values]:
        office = office_of(self.house, jobs, mailing=mailing)
        return await office.demand(asked or self.asked())

    def row(self) -> Any:
        (found,) = rows(self.house.place, fax_job)
        return found

    def later(self) -> None:
        """It is time for another try."""
        self.house.clock.now = self.row().due_at


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    bank = Bank(FaxHouse(tmp_path, missing="apt-get install libspandsp2"))
    async with served(bank.postman) as bank.port:
        yield bank


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        ("zh", "示范银行 近期交易明细，编号 {id}", "卡号已遮盖"),
        ("en", "Recent transactions, reference {id}", "Card numbers in it are masked"),
    ],
)
async def test_a_paper_goes_to_the_address_that_the_bank_has(
    bank: Bank, language: Language, subject: str, words: str
) -> None:
    async with bank.life() as (jobs, mailing):
        assert office_of(bank.house, jobs, mailing=mailing).able() == {"mail_out"}
        told_, data = await bank.ordered(jobs, mailing, bank.asked(language))
        assert (told_, dict(data)) == ("accepted", {})
        assert bank.postman.mail == []
        assert await mailing.look() == 1
        assert await mailing.look() == 0
    row = bank.row()
    assert (row.state, row.way, row.attempt, row.confirmed) == ("done", "mail", 1, 1)
    ((to, message),) = bank.postman.mail
    assert (to, message["To"], message["From"]) == ([ADDRESS], ADDRESS, "tb@bank.example")
    assert message["Subject"] == subject.format(id=row.id)
    assert message["Message-ID"] == f"<fax.{row.id}@bank.example>"
    body = message.get_body()
    assert body is not None
    text = body.get_content()
    assert words in text
    assert row.id in text
    left = (text + message["Subject"]).replace(row.id, "")
    assert not [one for one in left if one.isdigit()]
    assert str(bank.house.place) not in text
    (paper,) = message.iter_attachments()
    assert (paper.get_content_type(), paper.get_content()) == ("application/pdf", b"paper")
    assert [kind for kind, *_ in told(bank.house.place)] == [
        "fax.queued",
        "fax.sending",
        "fax.done",
    ]


async def test_an_address_is_kept_sealed_and_shown_masked(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        assert jobs._parts.vault.unseal_digits((await kept(bank)).number) == ADDRESS
    assert bank.row().number_masked == "l***@example.com"
    for file in bank.house.place.glob("telebank.db*"):
        assert b"xiaoyue" not in file.read_bytes()


async def kept(bank: Bank) -> Fax:
    found: Fax = await bank.house.run(partial(fax_jobs.one, fax=bank.row().id))
    return found


@pytest.mark.parametrize(
    ("mail", "exit_name", "card", "told_"),
    [
        (None, "none", CARD, "no_address"),
        (None, "unavailable", CARD, "not_available"),
        (ADDRESS, "ok", None, "no_address"),
        ("lin@example.com\nBcc: thief@example.net", "ok", CARD, "no_address"),
        ("lin@example.com\r\n.\r\n", "ok", CARD, "no_address"),
        ("lin", "ok", CARD, "no_address"),
        ("622700******0012@example.com", "ok", CARD, "no_address"),
        ("a@b.example,thief@example.net", "ok", CARD, "no_address"),
    ],
)
async def test_who_has_no_address_hears_so_and_nothing_is_kept(
    bank: Bank, mail: str | None, exit_name: str, card: CardNumber | None, told_: str
) -> None:
    bank.mail, bank.exit = mail, exit_name
    async with bank.life() as (jobs, mailing):
        answer = await bank.ordered(jobs, mailing, bank.asked(card=card))
        assert answer == (told_, {})
        assert await mailing.look() == 0
    assert rows(bank.house.place, fax_job) == []
    assert folders(bank.house) == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("lin@example.com", ""),
        ("l.x+tb@a-b.example.com", ""),
        ("", "it has 0 times @ and not once"),
        ("lin.example.com", "it has 0 times @ and not once"),
        ("lin@@example.com", "it has 2 times @ and not once"),
        ("lin@example.com\n", "it has a space or a control character"),
        ("lin\x00@example.com", "it has a space or a control character"),
        ("l in@example.com", "it has a space or a control character"),
        ("林@example.com", "it has characters that are not ASCII"),
        (f"lin@{'a.' * 130}com", "it is longer than 254 characters, or than 64 before the @"),
        (f"{'l' * 65}@example.com", "it is longer than 254 characters, or than 64 before the @"),
        ("<lin>@example.com", "what stands before the @ is no plain name"),
        ('"lin"@example.com', "what stands before the @ is no plain name"),
        ("=?utf-8?q?b?=@example.com", "what stands before the @ is no plain name"),
        ("lin..x@example.com", "what stands before the @ is no plain name"),
        ("lin@localhost", "what stands behind the @ is no domain"),
        ("lin@-a.example", "what stands behind the @ is no domain"),
        ("lin@192.0.2.7", "what stands behind the @ is no domain"),
    ],
)
def test_an_address_is_judged_with_a_reason(address: str, why: str) -> None:
    assert wrong_with(address) == why


def test_of_an_address_its_first_character_and_its_domain_are_shown() -> None:
    assert masked("lin.xiaoyue@example.com") == "l***@example.com"


async def test_who_is_refused_for_good_is_not_tried_again(bank: Bank) -> None:
    bank.postman.at_rcpt[ADDRESS] = "550 no such mailbox"
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        await mailing.look()
        bank.house.clock.now = bank.house.clock.now.replace(year=2030)
        assert await mailing.look() == 0
    row = bank.row()
    assert (row.state, row.why, row.attempt) == ("failed", "550 no such mailbox", 1)
    assert bank.postman.mail == []


async def test_a_server_that_says_later_is_asked_later(bank: Bank) -> None:
    bank.postman.at_rcpt[ADDRESS] = "451 greylisted"
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        await mailing.look()
        row = bank.row()
        assert (row.state, row.why, row.mail_unknown) == ("queued", "451 greylisted", False)
        assert row.due_at > bank.house.clock.now
        assert await mailing.look() == 0
        bank.postman.at_rcpt.clear()
        bank.later()
        assert await mailing.look() == 1
    assert (bank.row().state, bank.row().attempt, len(bank.postman.mail)) == ("done", 2, 1)


async def test_a_dead_line_is_tried_again_until_no_try_is_left(bank: Bank) -> None:
    async with served(Postman()) as gone:
        pass
    bank.port = gone
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        for attempt in range(1, TRIES + 1):
            assert await mailing.look() == 1
            assert bank.row().attempt == attempt
            bank.later()
        assert await mailing.look() == 0
    row = bank.row()
    assert row.state == "failed"
    assert "Refused" in row.why
    assert bank.house.alarms == []


async def test_a_mail_whose_answer_was_lost_is_the_same_mail_again(bank: Bank) -> None:
    bank.postman.at_data = "drops"
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        await mailing.look()
        assert (bank.row().state, bank.row().mail_unknown) == ("queued", True)
        bank.postman.at_data = ""
        bank.later()
        await mailing.look()
    assert bank.row().state == "done"
    assert len(bank.postman.mail) == 2
    assert len({message["Message-ID"] for _, message in bank.postman.mail}) == 1


@pytest.mark.parametrize("last", ["drops", "550 never"])
async def test_what_may_have_been_taken_is_no_failure_and_goes_to_a_person(
    bank: Bank, last: str
) -> None:
    bank.postman.at_data = "drops"
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        for _ in range(TRIES - 1):
            await mailing.look()
            bank.later()
        bank.postman.at_data = last
        await mailing.look()
    assert bank.row().state == "unconfirmed"
    assert [event.kind for event in bank.house.alarms] == ["alarm.fax"]
    assert [kind for kind, *_ in told(bank.house.place, "alarm.fax")] == ["alarm.fax"]


async def test_one_that_waits_is_cancelled_and_never_mailed(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        now = await jobs.cancel(bank.row().id, LI_NA)
        assert now is not None
        assert now.state is State.CANCELLED
        assert await mailing.look() == 0
    assert bank.postman.mail == []


@pytest.mark.parametrize(
    ("at_data", "state"), [("", "done"), ("451 later", "cancelled"), ("drops", "unconfirmed")]
)
async def test_one_that_goes_is_stopped_as_far_as_it_can_be(
    bank: Bank, at_data: str, state: str
) -> None:
    bank.postman.at_data = at_data
    bank.postman.go.clear()
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        looking = asyncio.create_task(mailing.look())
        await bank.postman.came.wait()
        assert bank.row().state == "sending"
        assert await mailing.look() == 0  # it is being tried
        now = await jobs.cancel(bank.row().id, LI_NA)
        assert now is not None
        assert (now.state, now.stop_by) == (State.SENDING, "li.na")
        bank.postman.go.set()
        await looking
    assert bank.row().state == state


async def test_a_paper_that_is_gone_is_not_mailed(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        FaxFiles(bank.house.place / "fax").remove(bank.row().id)
        await mailing.look()
    assert (bank.row().state, bank.postman.mail) == ("failed", [])


async def test_mail_is_dialled_by_nobody_and_does_not_fill_the_queue(bank: Bank) -> None:
    bank.house.missing = ""
    bank.house.options = replace(bank.house.options, waiting=1, most=1)
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        jobs.start(bank.house.machine)
        fax = await bank.house.added(jobs, customer="token")
        assert (await bank.house.ended(fax.id)).state is State.DONE
        assert len(bank.house.machine.loads) == 1
    assert {row.id: row.state for row in rows(bank.house.place, fax_job)}.pop(fax.id) == "done"


async def test_who_asks_once_gets_one_mail(bank: Bank) -> None:
    once = bank.asked()
    async with bank.life() as (jobs, mailing):
        assert await bank.ordered(jobs, mailing, once) == ("accepted", {})
        assert await bank.ordered(jobs, mailing, once) == ("accepted", {})
    assert folders(bank.house) == [bank.row().id]


async def test_one_customer_cannot_fill_the_queue(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        exits = [(await bank.ordered(jobs, mailing))[0] for _ in range(6)]
    assert exits == ["accepted"] * 5 + ["not_available"]


async def test_one_customer_has_so_many_mails_a_day_and_no_more(bank: Bank) -> None:
    daily = bank.options.customer_daily
    async with bank.life() as (jobs, mailing):
        exits = []
        for _ in range(daily + 2):
            exits.append((await bank.ordered(jobs, mailing))[0])
            await mailing.look()
        assert exits == ["accepted"] * daily + ["not_available"] * 2
        assert len(bank.postman.mail) == daily
        assert len(folders(bank.house)) == daily
        bank.house.clock.forward(86_400.0)
        assert (await bank.ordered(jobs, mailing))[0] == "accepted"


async def test_the_queue_is_counted_by_one_at_a_time(bank: Bank) -> None:
    locked: list[str] = []
    async with bank.life() as (jobs, mailing):
        run = mailing._parts.run

        async def watched(job: Any, locks: Sequence[str] = ()) -> Any:
            locked.extend(locks)
            return await run(job, locks)

        await bank.ordered(jobs, Mailing(replace(mailing._parts, run=watched)))
    assert "fax:queue:01" in locked


async def test_the_node_gives_up_what_is_late(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        await bank.ordered(jobs, mailing)
        bank.postman.at_data = "drops"
        await mailing.look()
        await bank.ordered(jobs, mailing)
        bank.house.clock.forward(24 * 3_600.0)
        await jobs.look()
    assert states(bank) == {"unconfirmed": 2, "failed": 1}
    assert [event.kind for event in bank.house.alarms] == ["alarm.fax"] * 3
    assert len(told(bank.house.place, "alarm.fax")) == 3


async def test_nothing_is_mailed_where_the_bank_does_not_want_it(bank: Bank) -> None:
    async with bank.life() as (jobs, mailing):
        off = replace(mailing._parts.options, statements=False, to=("a@bank.example",))
        without = Mailing(replace(mailing._parts, options=off))
        assert office_of(bank.house, jobs, mailing=without).able() == frozenset()
        assert await bank.ordered(jobs, without) == ("not_available", {})


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
async def test_killed_at_any_commit_a_paper_is_mailed_and_known_by_its_id(
    bank: Bank, at: int, after: bool
) -> None:
    kill = Kill(at, after)

    async def lives() -> None:
        async with bank.life(kill) as (jobs, mailing):
            await bank.ordered(jobs, mailing)
            await mailing.look()

    life = asyncio.create_task(lives())
    await asyncio.wait([life, asyncio.create_task(kill.dead.wait())], return_when="FIRST_COMPLETED")
    life.cancel()
    await asyncio.wait([life])
    assert kill.dead.is_set()
    asked_for = rows(bank.house.place, fax_job)
    for _ in range(TRIES):
        async with bank.life() as (_jobs, mailing):
            await mailing.look()
        if asked_for:
            bank.later()
    if not asked_for:  # its caller was told nothing
        assert bank.postman.mail == []
        return
    assert bank.row().state == "done"
    ids = [message["Message-ID"] for _, message in bank.postman.mail]
    assert set(ids) == {f"<fax.{bank.row().id}@bank.example>"}
    assert len(ids) <= 2


class Broken(Rounds):
    """A mail room that nobody foresaw, so often; then all is well."""

    often = 3

    def __init__(self, run: Any, on_alarm: Any) -> None:
        super().__init__(run, on_alarm)
        self.well = asyncio.Event()

    async def look(self) -> int:
        if self.often:
            self.often -= 1
            raise KeyError("nobody foresaw it")
        self.well.set()
        return 0


async def test_a_look_that_fails_is_an_alarm_once_until_all_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "PAUSE_S", 0.01)
    house = FaxHouse(tmp_path)
    async with open_store(tmp_path, clock=house.clock) as store, asyncio.timeout(20):
        broken = Broken(store.journal.run, house.alarms.append)
        broken.start()
        await broken.well.wait()
        broken.often = 1
        broken.well.clear()
        broken.look_now()
        await broken.well.wait()
        await broken.close()
    alarms = rows(tmp_path, tables.event, tables.event.c.kind == "alarm.mail")
    said = [row.detail["why"] for row in alarms]
    assert said == ["looking for mail that is due failed: KeyError"] * 2
    assert [event.kind for event in house.alarms] == ["alarm.mail"] * 2


# -- what is known of a try is not lost ------------------------------------------------------------


async def test_a_mail_that_was_taken_is_written_down_however_often_the_store_refuses(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "WRITE_PAUSE_S", 0.01)
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        run, left = mailing._run, 3

        async def refusing(job: Any, locks: Sequence[str] = ()) -> Any:
            nonlocal left
            if left and getattr(job, "func", None) is fax_mails.ended:
                left -= 1
                raise JournalUnavailable("database is locked")
            return await run(job, locks)

        monkeypatch.setattr(mailing, "_run", refusing)
        assert await mailing.look() == 1
        assert left == 0
        assert (bank.row().state, bank.row().attempt) == ("done", 1)
        bank.later()
        assert await mailing.look() == 0
    assert len(bank.postman.mail) == 1


async def test_no_try_is_booked_before_it_is_made(bank: Bank) -> None:
    bank.postman.go.clear()
    async with bank.life() as (jobs, mailing):
        for _ in range(4):
            await bank.ordered(jobs, mailing)
        looking = asyncio.create_task(mailing.look())
        async with asyncio.timeout(20):
            while states(bank)["sending"] < rounds.AT_ONCE:
                await asyncio.sleep(0.02)
        await bank.postman.came.wait()
        assert states(bank) == {"sending": rounds.AT_ONCE, "queued": 2}
        bank.postman.go.set()
        assert await looking == 4
    assert states(bank) == {"done": 4}


def states(bank: Bank) -> Counter[str]:
    return Counter(row.state for row in rows(bank.house.place, fax_job))


async def test_a_stop_begins_nothing_and_sees_what_goes_to_its_end(bank: Bank) -> None:
    bank.postman.go.clear()
    async with bank.life() as (jobs, mailing):
        for _ in range(3):
            await bank.ordered(jobs, mailing)
        mailing.start()
        await bank.postman.came.wait()
        async with asyncio.timeout(20):
            while states(bank)["sending"] < rounds.AT_ONCE:
                await asyncio.sleep(0.02)
        closing = asyncio.create_task(mailing.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        bank.postman.go.set()
        await closing
        assert states(bank) == {"done": rounds.AT_ONCE, "queued": 1}
    async with bank.life() as (_jobs, mailing):
        assert await mailing.look() == 1
    assert states(bank) == {"done": 3}
    assert {row.attempt for row in rows(bank.house.place, fax_job)} == {1}
    assert len(bank.postman.mail) == 3


async def test_a_stop_waits_for_no_server_that_says_nothing(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "CLOSE_S", 0.05)
    bank.postman.go.clear()
    async with bank.life() as (jobs, mailing):
        await bank.ordered(jobs, mailing)
        mailing.start()
        await bank.postman.came.wait()
        await mailing.close()
    assert bank.row().state == "sending"
    bank.postman.go.set()


async def test_no_address_stands_in_what_the_server_said(bank: Bank) -> None:
    said = f"550 5.1.1 <{ADDRESS.upper()}>: no user Lin.Xiaoyue here, ask boss@example.net"
    bank.postman.at_rcpt[ADDRESS] = said
    with capture_logs() as logs:
        async with bank.life() as (jobs, mailing):
            await bank.ordered(jobs, mailing)
            await mailing.look()
    hidden_ = "550 5.1.1 <L***@EXAMPLE.COM>: no user L*** here, ask b***@example.net"
    assert bank.row().why == hidden_
    assert [line["why"] for line in logs if line["event"] == "fax.not_mailed"] == [hidden_]
    told_ = str([row.detail for row in rows(bank.house.place, tables.event)]) + str(logs)
    assert "xiaoyue" not in told_.lower()
    assert "boss" not in told_
