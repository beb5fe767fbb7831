"""Messages in, answers out: duplicates, repeats, reversals and tombstones around the bank."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Protocol

import structlog

from core_adapters.corehost.bank import Bank
from core_adapters.corehost.book import Book, Entry
from core_adapters.corehost.counter import OK, Counter, business_key
from core_adapters.corehost.keydesk import PinOpener
from core_adapters.corehost.ledger import LedgerError, transaction
from core_adapters.corehost.orders import Answer, BadMessage, Key, Order
from core_adapters.corehost.products.end_of_day.run import EndOfDay
from core_adapters.corehost.products.exchange.execution import FxExecution
from core_adapters.corehost.products.orders import forget_quotes
from core_adapters.corehost.rules import business_date
from core_adapters.corehost.services import answer
from core_adapters.corehost.totals import totals_answer
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError, EncodeError
from core_adapters.iso8583.format.message import Message, reply_mti

BARRED = "05"
"""The original of a reversal that came first."""
WRONG_AMOUNT = "13"
NEVER_SEEN = "25"
FORMAT_ERROR = "30"
NO_SUCH_SERVICE = "40"
DUPLICATE = "94"
FAILED = "96"

FINANCIAL, FILE_UPDATE, REVERSAL, TOTALS, NETWORK = "02", "03", "04", "05", "08"
NETWORK_CODES = frozenset({"001", "002", "301"})
"""Field 70: sign-on, sign-off, echo."""

log = structlog.get_logger("corehost")


class Office(Protocol):
    """Something that answers messages."""

    def answer(self, messages: Sequence[Message], now: datetime) -> list[Message]:
        """One reply each, without MAC; all of it durable on return."""
        ...


def is_repeat(mti: str) -> bool:
    """Whether the fourth digit says repeat (0201, 0303, 0421)."""
    return int(mti[3]) % 2 == 1


def network_answer(order: Order) -> Answer:
    """0800: sign-on, sign-off and echo are granted."""
    known = order.message.get(70) in NETWORK_CODES
    return Answer(OK if known else NO_SUCH_SERVICE)


def reply_to(order: Order, fields: dict[int, str], day: date) -> Message:
    """The response's MTI, and in field 15 the business date `day` where the answer has no other."""
    fields.setdefault(15, settlement(day))
    return Message(reply_mti(order.message.mti), fields)


def settlement(day: date) -> str:
    """Field 15: MMDD."""
    return f"{day:%m%d}"


class Desk:
    """The bank behind its messages. One connection, one writer, one commit for many messages."""

    def __init__(self, db: sqlite3.Connection, bank: Bank, codec: Codec, module: PinOpener) -> None:
        self._db = db
        self._bank = bank
        self._codec = codec
        self._book = Book(db)
        self._counter = Counter(bank, module, codec.profile)
        self._market_orders = FxExecution(bank.office)
        self._end_of_day = EndOfDay(bank.office, before=self._market_orders.end_date)
        self._undone: dict[str, str] = {}

    def pass_time(self, now: datetime) -> None:
        """Do what is due by the clock alone: ends of business dates, each after the orders that the
        market came to on it, then orders that it has come to since, or whose time is over. What
        cannot be done has not happened, is logged once for each cause, and the next call tries it
        again: messages are answered meanwhile."""
        self._try("day_not_ended", self._end_dates, now)
        self._try("orders_not_executed", self._market_orders.execute_due, now)

    def _end_dates(self, now: datetime) -> int:
        """Once a date is over, what need not be known any longer is forgotten."""
        ended = self._end_of_day.run_due(now)
        if ended:
            with transaction(self._db):
                forgotten = self._book.forget(now), forget_quotes(self._db, now)
            log.info("forgotten", messages=forgotten[0], quotes=forgotten[1])
        return ended

    def _try(self, failure: str, work: Callable[[datetime], int], now: datetime) -> None:
        try:
            work(now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the bank goes on answering
            cause = type(error).__name__
            if self._undone.get(failure) != cause:
                log.error(failure, error=cause)
            self._undone[failure] = cause
        else:
            self._undone.pop(failure, None)

    def answer(self, messages: Sequence[Message], now: datetime) -> list[Message]:
        """Answer in order in one durable commit; where it fails, nothing happened: all get 96.
        Where a message has what nobody thought of, each has a commit of its own, so that only that
        one gets 96."""
        self.pass_time(now)
        try:
            return self._together(messages, now)
        except sqlite3.Error as error:
            return self._failed(messages, error, now)
        except Exception as error:  # noqa: BLE001 - one message must not cost the others theirs
            log.error("batch_failed", error=type(error).__name__, messages=len(messages))
            return [self._alone(message, now) for message in messages]

    def _together(self, messages: Sequence[Message], now: datetime) -> list[Message]:
        with transaction(self._db):
            self._bank.calendar.today(now)  # a cut-over is not undone with a message
            return [self._one(message, now) for message in messages]

    def _alone(self, message: Message, now: datetime) -> Message:
        try:
            return self._together([message], now)[0]
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed([message], error, now)[0]

    def _failed(
        self, messages: Sequence[Message], error: Exception, now: datetime
    ) -> list[Message]:
        """Nothing happened; only the kind of the error is logged, as its words may tell of a
        customer."""
        kinds = sorted({message.mti for message in messages})
        log.error("commit_failed", error=type(error).__name__, messages=len(messages), mti=kinds)
        orders = [Order(message, self._codec) for message in messages]
        day = business_date(now)  # field 15 of a 96 settles nothing
        return [reply_to(order, order.written(Answer(FAILED)), day) for order in orders]

    def _one(self, message: Message, now: datetime) -> Message:
        """One message in a savepoint, so that its failure is its own."""
        order = Order(message, self._codec)
        self._db.execute("SAVEPOINT one")
        try:
            fields = self._fields(order, now)
        except (BadMessage, DecodeError) as error:
            self._db.execute("ROLLBACK TO one")
            log.warning("bad_message", mti=message.mti, why=str(error))
            fields = order.written(Answer(FORMAT_ERROR))
        except (LedgerError, EncodeError, sqlite3.IntegrityError) as error:
            self._db.execute("ROLLBACK TO one")
            log.error("answer_failed", mti=message.mti, error=type(error).__name__)
            fields = order.written(Answer(FAILED))
        self._db.execute("RELEASE one")
        return reply_to(order, fields, self._bank.calendar.today(now))

    def _fields(self, order: Order, now: datetime) -> dict[int, str]:
        mti = order.message.mti
        if mti[:2] == NETWORK:
            return order.written(network_answer(order))
        if mti[:2] == REVERSAL:
            return self._reversal(order, now)
        if mti[:2] == TOTALS:
            return order.written(totals_answer(self._db, order, self._bank.calendar.today(now)))
        entry = self._book.find(order.key, now)
        if entry is not None:
            return self._seen(order, entry)
        return self._new(order, now)

    def _seen(self, order: Order, entry: Entry) -> dict[int, str]:
        """A repeat of the same content hears the same again; a second original hears 94."""
        mti = order.message.mti
        if entry.is_tombstone:
            return order.written(Answer(BARRED))
        repeat = is_repeat(mti) or mti[:2] == FILE_UPDATE
        if not repeat or entry.fingerprint != order.fingerprint():
            return order.written(Answer(DUPLICATE))
        return {**order.written(Answer(OK)), **entry.reply}

    def _new(self, order: Order, now: datetime) -> dict[int, str]:
        fields = order.written(answer(self._counter, order, now) or Answer(NO_SUCH_SERVICE))
        # A repeat after the cut-over hears the date that this was posted on.
        fields[15] = settlement(self._bank.calendar.today(now))
        minor = order.message.get(4) or ""
        self._book.keep(order.key, order.fingerprint(), minor, fields, now)
        return fields

    def _reversal(self, order: Order, now: datetime) -> dict[int, str]:
        """The answer to 0420 and 0421, asked again with the date that it first had."""
        fields = order.written(Answer(self._reverse(order, now)))
        entry = self._book.find(order.original, now)
        if entry is not None and entry.reversed_on:
            fields[15] = settlement(date.fromisoformat(entry.reversed_on))
        return fields

    def _reverse(self, order: Order, now: datetime) -> str:
        """0420 and 0421: undone once, or barred for ever; asked again, the answer stays."""
        if order.need(90)[:2] != FINANCIAL:
            return NO_SUCH_SERVICE
        key = order.original
        entry = self._book.find(key, now)
        if entry is None:
            self._book.bar(key, NEVER_SEEN, self._bank.calendar.today(now), now)
            return NEVER_SEEN
        if entry.reversal:
            return entry.reversal
        return self._undo(order, key, entry, now)

    def _undo(self, order: Order, key: Key, entry: Entry, now: datetime) -> str:
        if (order.message.get(4) or "") != entry.minor:
            return WRONG_AMOUNT
        self._bank.undo(business_key(key, entry.at), now)
        self._book.reversed(key, OK, self._bank.calendar.today(now))
        return OK
