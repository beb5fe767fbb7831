"""BT, Q-08, companies' payments and what is refused of them, as stories; see `service_stories`."""

from collections.abc import Sequence
from datetime import date, timedelta

from core_adapters.corehost.products.plantings.customers import (
    FIRST_CHEQUE,
    PAID_DAYS,
    PAID_MINOR,
)
from support.menu_keys import BANK as FAR_BANK
from support.menu_keys import FAR_ACCOUNT, LOAN, later
from support.money_caller import fen
from support.service_calls import NO_VALUES, Passage
from support.service_stories import (
    CODE,
    COMPANY,
    OPERATORS,
    SHORT,
    SIGNED_IN,
    People,
    Ring,
    Story,
    sent,
    spoken,
    words,
)
from transactions.card import CardNumber

NEW_PIN, WEAK_PIN = "280614937520", "123456"
PROOF = ("factor.kind ok", "customer.mobile ok", "code.send ok", "code.verify ok")
CONFIRM = f"{CODE} @sys.confirm 1"


# -- opening, PINs, cards ---------------------------------------------------------------------


def _use_of(people: People) -> list[tuple[object, ...]]:
    query = "SELECT active, enrolled, first_use, blocked_until FROM card_use WHERE card = ?"
    return people.bank(query, people.one.card)


def _masked(people: People) -> str:
    return CardNumber(people.one.card).masked


def _open_now(people: People) -> None:
    assert _use_of(people) == [(1, 1, 0, None)]
    assert [row.state for row in people.day.journal.rows(people.one, "pin.enrol")] == ["APPROVED"]


def _changed(people: People) -> None:
    assert _use_of(people) == [(1, 1, 0, None)]
    (row,) = people.day.journal.rows(people.one, "pin.change")
    assert (row.state, row.told) == ("APPROVED", "ok")


def _active(people: People) -> None:
    assert _use_of(people)[0][0] == 1


def _blocked_days(people: People) -> Sequence[Passage]:
    until = date.fromisoformat(str(_use_of(people)[0][3]))
    return [[("crd.blocked", {"until": until})]]


def _unblocked(people: People) -> None:
    assert _use_of(people)[0][3] is None
    states = [row.state for row in people.day.journal.rows(people.one, "card.unblock")]
    assert states == ["APPROVED"]


OPENING: Sequence[Story] = (
    Story("BT-01", "opened", (
        Ring(f"!5 !1 !{{card}}# !{{identity}} {CODE} !{NEW_PIN}# !{NEW_PIN}#", "enrol.done",
             lambda people: [sent(people), [("enrol.done", NO_VALUES)]],
             asked=("customer.identify ok", "code.send ok", "enrol.verify ok", "pin.enrol ok")),
        Ring(f"!1 !{{card}}# !{NEW_PIN}# !1 !1", "bal.amount", asked=("card.balance ok",)),
    ), special="unenrolled", after=_open_now),
    Story("BT-02", "first_use", (
        Ring(f"{SIGNED_IN} @pin.old !{{pin}}# !{NEW_PIN}# !{NEW_PIN}#", "pin.done",
             words("set.first_use", "pin.done"), asked=("pin.change ok",)),
    ), special="first_use", after=_changed),
    Story("BT-02", "weak", (
        Ring(f"{SIGNED_IN} !5 !1 !{{pin}}# !{WEAK_PIN}# !{WEAK_PIN}#", "pin.weak",
             words("pin.weak"), asked=("pin.change weak_pin",)),
    )),
    Story("BT-05", "active", (
        Ring(f"{SIGNED_IN} !5 !3 !1 !{{identity}} @sys.confirm 1", "crd.activated",
             lambda people: [[("crd.confirm_activate", {"card": _masked(people)})],
                             [("crd.activated", NO_VALUES)]],
             asked=("card.activate ok",)),
    ), special="inactive", after=_active),
    Story("BT-05", "blocked", (
        Ring(f"{SIGNED_IN} !5 !3 !2 !2 @sys.confirm 1", "crd.blocked",
             lambda people: [[("crd.confirm_block", {"card": _masked(people), "hold_days": 3})]],
             _blocked_days, asked=("card.block ok",)),
        Ring(f"{SIGNED_IN} !2 !1 !{{payee}}# !10# @tr.confirm 1", "tr.refused",
             words("tr.refused"), asked=None),
        Ring(f"{SIGNED_IN} !5 !3 !3 {CONFIRM}", "crd.unblocked",
             lambda people: [sent(people), [("crd.unblocked", NO_VALUES)]],
             asked=(*PROOF, "card.unblock ok")),
    ), after=_unblocked),
)  # fmt: skip


# -- cheques ----------------------------------------------------------------------------------


def _paid(people: People) -> Sequence[Passage]:
    on = people.books.today - timedelta(days=PAID_DAYS)
    return [[("chq.amount", {"state": "paid", "on": on, "amount": fen(PAID_MINOR)})]]


def _stopped(people: People) -> Sequence[Passage]:
    return [[("chq.dated", {"state": "stopped", "on": people.books.today})]]


def _book_ready(people: People) -> Sequence[Passage]:
    ((ready,),) = people.bank(
        "SELECT ready_on FROM cheque_book WHERE account = ? AND collected = 0", people.one.account
    )
    return [[("chq.ordered", {"ready": date.fromisoformat(ready)})]]


def _three_stopped(people: People) -> None:
    query = "SELECT number FROM cheque WHERE account = ? AND state = 'stopped' AND number >= ?"
    assert people.bank(query, people.one.account, STOP[0]) == [(one,) for one in STOP]
    (row,) = people.day.journal.rows(people.one, "cheque.stop")
    assert (row.state, row.told) == ("APPROVED", "ok")


STOP = [f"{FIRST_CHEQUE + place}" for place in (11, 12, 13)]
ASK = f"{SIGNED_IN} !1 !5 !4"
CHEQUES: Sequence[Story] = (
    Story("BT-04", "cheques", (
        Ring(f"{ASK} !{FIRST_CHEQUE}", "chq.amount", _paid, asked=("cheque.status ok",)),
        Ring(f"{ASK} !{FIRST_CHEQUE + 20}", "chq.unused", spoken("chq.unused", state="unused"),
             asked=("cheque.status ok",)),
        Ring(f"{SIGNED_IN} !5 !3 !4 !{STOP[0]} !{STOP[-1]} @sys.confirm 1", "chq.stopped",
             lambda _people: [
                 [("chq.confirm_stop", {"first_cheque": STOP[0], "last_cheque": STOP[-1]})],
                 [("chq.stopped", {"count": len(STOP)})],
             ], asked=("cheque.stop ok",)),
        Ring(f"{ASK} !{STOP[1]}", "chq.dated", _stopped, asked=("cheque.status ok",)),
        Ring(f"{SIGNED_IN} !5 !3 !5 !1 @sys.confirm 1", "chq.ordered", heard=_book_ready,
             asked=("cheque.order ok",)),
        Ring(f"{SIGNED_IN} !5 !3 !5 !2 @sys.confirm 1", "chq.too_many", words("chq.too_many"),
             asked=("cheque.order too_many",)),
        Ring(f"{ASK} !99999999", "chq.no_cheque", words("chq.no_cheque"),
             asked=("cheque.status no_cheque",)),
    ), special="cheques", after=_three_stopped),
    Story("refused", "no_cheques", (
        Ring(f"{ASK} !{FIRST_CHEQUE}", "chq.no_account", words("chq.no_account"),
             asked=("cheque.status no_account",)),
    )),
)  # fmt: skip


# -- what a customer sets for himself ---------------------------------------------------------


def _balance(people: People) -> Sequence[Passage]:
    held = fen(people.books.held(people.one.account))
    values = {"card": _masked(people), "available": held, "ledger": held}
    return [[("bal.amount", values)]]


def _named(people: People) -> Sequence[Passage]:
    (savings,) = people.books.deposits(people.one, "savings")
    values = {"name": "wages", "sub": savings.sub, "amount": fen(savings.held)}
    return [[("list.deposit", {**values, "rate": savings.rate})]]


def _slow(people: People) -> None:
    found = people.kept("SELECT what, value FROM setting WHERE what <> 'greeting' ORDER BY what")
    assert found == [("patience", "long"), ("speed", "slow")]


def _usual(people: People) -> Sequence[Passage]:
    return [[("main.often", {"what": "balance", "key": 6})], *_balance(people)]


BALANCE = Ring(f"{SIGNED_IN} !1 !1", "bal.amount", asked=("card.balance ok",))
OWN: Sequence[Story] = (
    Story("Q-08", "difficult", (
        Ring(f"{SIGNED_IN} !1 !5 !5", "enq.difficult", words("enq.difficult"), asked=None),
    )),
    Story("BT-07", "usual", (
        *(BALANCE,) * 3,
        Ring(f"{SIGNED_IN} 6", "bal.amount", _usual, asked=("card.balance ok",)),
    )),
    Story("BT-08", "named", (
        Ring(f"{SIGNED_IN} !5 !5 !3 @draw.more !1 !1 @sys.confirm 1", "acn.done",
             spoken("acn.done", label="wages"),
             asked=("deposit.list ok", "account.name ok")),
        Ring(f"{SIGNED_IN} !1 !5 !3", "list.more", _named, asked=("deposit.list ok",)),
    )),
    Story("BT-08", "greeted", (
        Ring(f"{SIGNED_IN} !5 !5 !2 !1", "sys.done", words("sys.done"), asked=("settings.set ok",)),
        Ring(SIGNED_IN, "bal.amount", _balance, asked=("card.balance ok",)),
    )),
    Story("BT-11", "slow", (
        Ring(f"{SIGNED_IN} !5 !5 !1 !1", "sys.done", words("sys.done"),
             asked=("settings.set ok", "settings.set ok")),
    ), after=_slow),
)  # fmt: skip


# -- payees, ceilings, the second factor ------------------------------------------------------


def _payee_masked(people: People) -> str:
    return CardNumber(people.other.card).masked


def _cooling(people: People) -> Sequence[Passage]:
    ready = people.books.today + timedelta(days=1)
    return [
        [("payee.confirm", {"payee_masked": _payee_masked(people)})],
        [("payee.added", {"ready": ready})],
    ]


def _kept_payee(people: People) -> None:
    rows = people.kept("SELECT slot FROM payee WHERE masked = ?", _payee_masked(people))
    assert rows == [(1,)]
    states = [row.state for row in people.day.journal.rows(people.one)]
    assert states == ["APPROVED"]


def _nothing_sent(people: People) -> None:
    assert people.day.journal.rows(people.one) == []


def _posted(people: People) -> None:
    (row,) = people.day.journal.rows(people.one, "transfer.card_to_card")
    assert (row.state, row.told) == ("APPROVED", "ok")
    posted = people.books.posted(row.reference)
    assert posted.legs[people.one.account] == -600_000 - posted.fee
    assert posted.legs[people.other.account] == 600_000


def _refused(people: People) -> None:
    rows = people.day.journal.rows(people.one, "transfer.card_to_card")
    assert [row.state for row in rows if row.state == "APPROVED"] == []


TO = f"{SIGNED_IN} !2 !1 !{{payee}}#"
ADD = f"{SIGNED_IN} !5 !4 !2 !{{payee}}#"
PAYEES: Sequence[Story] = (
    Story("payee", "cooling", (
        Ring(f"{ADD} {CONFIRM}", "payee.added", _cooling,
             asked=("payee.check ok", *PROOF, "payee.add ok")),
        Ring(f"{SIGNED_IN} !2 !4 @sys.back !1 !100# @tr.confirm 1", "tr.done",
             asked=("payee.list last", "payee.use ok", "transfer.quote ok",
                    "transfer.card_to_card ok")),
        # Registered, but a moment ago: above the tier as anybody else.
        Ring(f"{SIGNED_IN} !2 !4 @sys.back !1 !6000#", "sf.sent", lambda people: [sent(people)],
             asked=("payee.list last", "payee.use ok", "transfer.quote prove", *PROOF[:3])),
    ), after=_kept_payee, moved=True),
    Story("second_factor", "above_the_tier", (
        Ring(f"{TO} !6000# {CODE} @tr.confirm 1", "tr.done", lambda people: [sent(people)],
             asked=("transfer.quote prove", *PROOF, "transfer.card_to_card ok")),
    ), after=_posted, moved=True),
    Story("refused", "no_second_factor", (
        Ring(f"{TO} !6000#", "sf.none", words("sf.none"),
             asked=("transfer.quote prove", "factor.kind ok", "customer.mobile none")),
    ), special="no_mobile", after=_nothing_sent),
    Story("refused", "wrong_code", (
        Ring(f"{TO} !6000# @sf.code !000000 @sf.wrong !000001", "sf.wrong", words("sf.wrong"),
             asked=None),
    ), after=_nothing_sent),
    Story("refused", "expired_code", (
        Ring(f"{TO} !6000# {CODE}", "sf.expired", words("sf.expired"), asked=None),
    ), after=_nothing_sent, bank=SHORT),
    Story("refused", "ceiling", (
        Ring(f"{SIGNED_IN} !5 !4 !3 !1 !100# @sys.confirm_amount 1", "ceil.done",
             asked=("ceiling.tell ok", "ceiling.set ok")),
        Ring(f"{TO} !200# @tr.confirm 1", "tr.refused", words("tr.refused"),
             asked=("transfer.quote ok", "transfer.card_to_card refused")),
    ), after=_refused),
)  # fmt: skip


# -- scheduled transfers ----------------------------------------------------------------------


def _ordered(people: People) -> Sequence[Passage]:
    """All that is kept was read back at once: payee, how often, amount, dates, the quoted fee."""
    ((number, name, first, last, fee),) = people.kept(
        "SELECT number, payee_name, first, last, fee FROM transfer_order WHERE payee_masked = ?",
        _payee_masked(people),
    )
    begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    terms = {"payee_masked": name, "every": "month", "amount": fen(8_880), "first": begins}
    read_back = [
        ("ord.confirm", terms),
        ("ord.fee", {"fee": fen(fee)}),
        ("ord.ends", {"last": ends}),
    ]
    return [read_back, [("ord.done", {"order": str(number), "first": begins})]]


def _cancelled(people: People) -> None:
    query = "SELECT state, amount, every FROM transfer_order WHERE payee_masked = ?"
    assert people.kept(query, _payee_masked(people)) == [("cancelled", 9_999, "month")]


LIST = f"{SIGNED_IN} !2 !5 !2 @sys.back !1"
ORDERS: Sequence[Story] = (
    Story("BT-21", "scheduled", (
        Ring(f"{SIGNED_IN} !2 !5 !1 !{{payee}}# !88*80# !{later(1)} !3 !2 !{later(99)}"
             " @sys.confirm_amount 1", "ord.done", heard=_ordered,
             asked=("transfer.quote ok", "order.make ok")),
        Ring(f"{LIST} !1 !99*99# @sys.confirm_amount 1", "ord.changed", words("ord.changed"),
             asked=("order.list last", "order.change ok", "order.list last")),
        Ring(f"{LIST} !2 @sys.confirm 1", "ord.cancelled", words("ord.cancelled"),
             asked=("order.list last", "order.cancel ok")),
    ), after=_cancelled),
)  # fmt: skip


# -- companies --------------------------------------------------------------------------------

MADE = ("corp.rights ok", "corp.balance last", "corp.pay_quote ok", "corp.propose ok")
SEEN = ("corp.rights ok", "corp.waiting last", "corp.recall ok")
WAITING = f"{COMPANY} !5 !5 @sys.back !1"
KINDS = ("transfer", "remote", "draft", "repay")


def _proposed(people: People) -> Sequence[Passage]:
    ((number,),) = people.kept("SELECT MAX(number) FROM proposal")
    return [[("corp.proposed", {"approval": str(number)})]]


def _make(kind: str, to: str, amount: str) -> Ring:
    keys = f"{COMPANY} !5 !{KINDS.index(kind) + 1} @sys.back !1 {to} !{amount}# @corp.propose 1"
    return Ring(keys, "corp.proposed", heard=_proposed, asked=MADE, who="maker")


def _pay(who: str = "approver") -> Ring:
    keys = f"{WAITING} @corp.decide 1"
    return Ring(keys, "corp.paid", asked=(*SEEN, "corp.pay_quote ok", "corp.pay ok"), who=who)


def _all_paid(people: People) -> None:
    assert people.kept("SELECT DISTINCT state FROM proposal") == [("used",)]
    rows = people.day.journal.rows(OPERATORS["approver"], "corp.pay")
    assert [row.state for row in rows] == ["APPROVED"] * len(KINDS)
    assert {kind for (kind,) in people.bank("SELECT kind FROM corp_payment")} == set(KINDS)
    assert people.day.bank.host.findings() == []


def _none_paid(people: People) -> None:
    assert people.kept("SELECT state FROM proposal") == [("rejected",)]
    assert people.bank("SELECT COUNT(*) FROM corp_payment") == [(0,)]


FAR = f"!{FAR_BANK}# !{FAR_ACCOUNT}#"
COMPANIES: Sequence[Story] = (
    Story("E-07-10", "paid", (
        _make("transfer", "!{payee}#", "1234*50"), _pay(),
        _make("remote", FAR, "2000"), _pay(),
        _make("draft", FAR, "3000"), _pay(),
        _make("repay", f"!{LOAN}#", "4000"), _pay(),
    ), after=_all_paid, bank="companies"),
    Story("refused", "company", (
        Ring(f"{COMPANY} !5 !1", "corp.cannot_make", words("corp.cannot_make"),
             asked=("corp.rights ok",), who="viewer"),
        _make("transfer", "!{payee}#", "60000"),
        Ring(f"{COMPANY} !5 !5", "corp.cannot_approve", words("corp.cannot_approve"),
             asked=("corp.rights ok",), who="maker"),
        Ring(WAITING, "sys.over_limit", words("sys.over_limit"),
             asked=(*SEEN, "corp.pay_quote over_limit"), who="second"),
        Ring(f"{WAITING} @corp.decide 2", "corp.rejected", words("corp.rejected"),
             asked=(*SEEN, "corp.pay_quote ok", "corp.reject ok"), who="approver"),
    ), after=_none_paid),
)  # fmt: skip
STORIES = (*OPENING, *CHEQUES, *OWN, *PAYEES, *ORDERS, *COMPANIES)
