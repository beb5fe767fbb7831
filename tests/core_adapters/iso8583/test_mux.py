"""The multiplexer by playbook, with a fake clock."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.links.link_state import IllegalLinkTransition
from core_adapters.iso8583.links.mux_types import (
    Admit,
    Answered,
    AnswerNetwork,
    CloseLink,
    FrameReceived,
    LateAnswer,
    LinkDown,
    LinkLost,
    LinkReady,
    LinkUp,
    Refuse,
    RowCommitted,
    SendFrame,
    SendNetwork,
    SignOffRequested,
    SubmitRequested,
    TimedOut,
    Unmatched,
    Withdrawn,
)
from core_adapters.iso8583.options import MuxOptions
from support.iso8583_book import Book, answer, order


def _sent(book: Book, ticket: int, message: Message, link: str = "a") -> None:
    book.when(SubmitRequested(ticket, message, 15.0), Admit(ticket, link))
    book.when(RowCommitted(ticket), SendFrame(link, ticket))


def test_a_request_and_its_reply() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    assert book.mux.in_flight == 1
    book.frame(answer(order(1)), Answered(1, answer(order(1))))
    assert book.mux.in_flight == 0
    book.at(20)


def test_nothing_is_sent_before_its_row() -> None:
    book = Book()
    book.sign_on()
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a"))
    book.at(14)
    book.when(Withdrawn(1))
    book.when(RowCommitted(1))
    assert book.mux.in_flight == 0


def test_without_a_link_it_is_refused() -> None:
    book = Book()
    book.when(SubmitRequested(1, order(1), 15.0), Refuse(1, "no_link"))
    book.when(LinkUp("a"), SendNetwork("a", "001", "000001"))
    book.when(SubmitRequested(2, order(1), 15.0), Refuse(2, "no_link"))


def test_time_out_then_late_then_duplicate() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    book.at(14.9)
    book.at(15, TimedOut(1))
    late = answer(order(1))
    book.frame(late, LateAnswer(1, late))
    book.frame(late, Unmatched("a", late, "a duplicate of a reply already taken"))
    assert book.mux.in_flight == 0


def test_a_late_reply_must_agree_too() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    book.at(15, TimedOut(1))
    wrong = answer(order(1), f4="000000000001")
    why = "late, and field 4 differs from what was sent"
    book.frame(wrong, Unmatched("a", wrong, why))
    bad = answer(order(1))
    book.frame(bad, Unmatched("a", bad, "late, and bad MAC"), mac_ok=False)
    book.frame(bad, LateAnswer(1, bad))


def test_a_duplicate_reply() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    reply = answer(order(1))
    book.frame(reply, Answered(1, reply))
    book.frame(reply, Unmatched("a", reply, "a duplicate of a reply already taken"))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"f4": "000000014999"}, "field 4 differs from what was sent"),
        ({"f4": ""}, "field 4 is missing"),
        ({"f13": "1123"}, "field 13 differs from what was sent"),
        ({"f3": "310000"}, "field 3 differs from what was sent"),
    ],
)
def test_a_mismatch_ends_its_ticket_as_unknown(changes: dict[str, str], why: str) -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    reply = answer(order(1), **changes)
    book.frame(reply, Unmatched("a", reply, why, 1))
    assert book.mux.in_flight == 0
    right = answer(order(1))
    book.frame(right, LateAnswer(1, right))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"f41": "TB020001"}, "key field 41 differs from the request in flight"),
        ({"f41": ""}, "key field 41 is missing"),
        ({"f11": ""}, "key field 11 is missing"),
        ({"f11": "000002"}, "no request with this STAN (field 11) is in flight"),
    ],
)
def test_an_unmatched_reply_leaves_the_ticket_waiting(changes: dict[str, str], why: str) -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    reply = answer(order(1), **changes)
    book.frame(reply, Unmatched("a", reply, why))
    book.frame(answer(order(1)), Answered(1, answer(order(1))))


def test_the_same_stan_in_another_class_is_not_a_reply() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    reply = Message("0430", answer(order(1)).fields)
    why = "the STAN is in flight, but for another MTI class"
    book.frame(reply, Unmatched("a", reply, why))
    book.frame(Message("0210", {}), Unmatched("a", Message("0210", {}), "key field 41 is missing"))


def test_bad_mac_ends_the_ticket_as_unknown() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    reply = answer(order(1))
    book.frame(reply, Unmatched("a", reply, "bad MAC", 1), mac_ok=False)


def test_a_reply_before_the_row_is_nobodys() -> None:
    book = Book()
    book.sign_on()
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a"))
    reply = answer(order(1))
    (command,) = book.mux.receive(FrameReceived("a", reply, True), book.now)
    assert isinstance(command, Unmatched)
    assert command.ticket is None
    book.when(RowCommitted(1), SendFrame("a", 1))


def test_a_duplicate_key_in_flight_is_refused() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 1, order(1))
    book.when(SubmitRequested(2, order(1), 15.0), Refuse(2, "duplicate_key"))
    reversal = Message("0420", {**order(1).fields, 39: "68"})
    _sent(book, 3, reversal)
    book.frame(answer(order(1)), Answered(1, answer(order(1))))
    book.frame(answer(reversal), Answered(3, answer(reversal)))


def test_a_late_0430_answers_the_0421_in_flight() -> None:
    book = Book()
    book.sign_on()
    first = Message("0420", order(1).fields)
    _sent(book, 1, first)
    book.at(15, TimedOut(1))
    _sent(book, 2, Message("0421", order(1).fields))
    reply = answer(first)
    book.frame(reply, Answered(2, reply))


def test_cap_with_places_for_the_urgent() -> None:
    book = Book(in_flight_max=2, in_flight_urgent=1)
    book.sign_on()
    _sent(book, 1, order(1))
    _sent(book, 2, order(2))
    book.when(SubmitRequested(3, order(3), 15.0), Refuse(3, "busy"))
    book.when(SubmitRequested(4, order(4), 15.0, urgent=True), Admit(4, "a"))
    book.when(SubmitRequested(5, order(5), 15.0, urgent=True), Refuse(5, "busy"))
    book.when(Withdrawn(4))
    book.frame(answer(order(1)), Answered(1, answer(order(1))))
    book.when(SubmitRequested(6, order(6), 15.0), Admit(6, "a"))


def test_a_lost_link_loses_what_was_sent_and_moves_what_was_not() -> None:
    book = Book("a", "b")
    book.sign_on("a")
    book.sign_on("b", "000002")
    _sent(book, 1, order(1), "a")
    book.when(SubmitRequested(2, order(2), 15.0), Admit(2, "b"))
    book.when(SubmitRequested(3, order(3), 15.0), Admit(3, "a"))
    book.when(LinkDown("a"), LinkLost(1))
    book.when(RowCommitted(3), SendFrame("b", 3))
    book.when(LinkDown("b"), LinkLost(3))
    book.when(RowCommitted(2), LinkLost(2))
    assert book.mux.in_flight == 0
    assert book.mux.links_ready == 0


def test_a_reply_may_come_on_another_link_and_after_a_reconnect() -> None:
    book = Book("a", "b")
    book.sign_on("a")
    book.sign_on("b", "000002")
    _sent(book, 1, order(1), "a")
    book.frame(answer(order(1)), Answered(1, answer(order(1))), link="b")
    _sent(book, 2, order(2), "a")
    book.when(LinkDown("a"), LinkLost(2))
    book.sign_on("a", "000003")
    late = answer(order(2))
    book.frame(late, LateAnswer(2, late))


def test_sign_on_refused_silent_and_forged() -> None:
    book = Book()
    book.when(LinkUp("a"), SendNetwork("a", "001", "000001"))
    refused = Message("0810", {11: "000001", 39: "05", 70: "001"})
    forged = Unmatched("a", refused, "bad MAC on network management")
    book.frame(refused, forged, mac_ok=False)
    book.frame(refused, CloseLink("a", "sign-on was refused with 05"))
    book.when(LinkDown("a"))
    book.when(LinkUp("a"), SendNetwork("a", "001", "000002"))
    book.at(10, CloseLink("a", "sign-on was not answered"))
    book.when(LinkDown("a"))
    book.at(100)


def test_echo_after_silence_and_its_loss() -> None:
    book = Book()
    book.sign_on()
    book.at(29)
    book.frame(
        Message("0800", {11: "7", 70: "301"}),
        AnswerNetwork("a", Message("0800", {11: "7", 70: "301"})),
    )
    book.at(58)
    book.at(59, SendNetwork("a", "301", "000002"))
    book.frame(Message("0810", {11: "000002", 39: "00", 70: "301"}))
    echoes = [SendNetwork("a", "301", f"{n:06d}") for n in (3, 4, 5)]
    close = CloseLink("a", "3 echoes were not answered")
    book.at(200, *echoes, close)
    book.when(SubmitRequested(1, order(1), 15.0), Refuse(1, "no_link"))
    book.when(LinkDown("a"))


def test_a_closing_link_loses_its_tickets_when_it_is_down() -> None:
    book = Book(echo_interval_s=1, echo_timeout_s=1, echo_missed_max=1)
    book.sign_on()
    _sent(book, 1, order(1))
    book.at(2, SendNetwork("a", "301", "000002"), CloseLink("a", "1 echoes were not answered"))
    book.when(LinkDown("a"), LinkLost(1))


def test_an_orderly_stop() -> None:
    book = Book("a", "b", "c")
    book.sign_on("a")
    book.when(LinkUp("b"), SendNetwork("b", "001", "000002"))
    book.when(
        SignOffRequested(),
        SendNetwork("a", "002", "000003"),
        CloseLink("b", "stopping before sign-on was answered"),
    )
    book.when(SubmitRequested(1, order(1), 15.0), Refuse(1, "stopping"))
    book.frame(Message("0810", {11: "000003", 39: "00", 70: "002"}), CloseLink("a", "signed off"))


def test_network_replies_that_fit_nothing() -> None:
    book = Book()
    book.sign_on()
    stray = Message("0810", {11: "000001", 39: "00", 70: "001"})
    book.frame(stray, Unmatched("a", stray, "no network request with this STAN is in flight"))
    strange = Message("0500", {11: "000001"})
    book.frame(strange, Unmatched("a", strange, "a request that this gateway does not serve"))


def test_an_impossible_link_event_is_a_bug() -> None:
    book = Book()
    book.sign_on()
    with pytest.raises(IllegalLinkTransition):
        book.mux.receive(LinkUp("a"), book.now)


def test_what_is_remembered_is_bounded() -> None:
    book = Book(recent_max=3, recent_s=60.0)
    book.sign_on()
    for ticket in range(1, 6):
        _sent(book, ticket, order(ticket))
        book.frame(answer(order(ticket)), Answered(ticket, answer(order(ticket))))
    old, new = answer(order(1)), answer(order(5))
    book.frame(old, Unmatched("a", old, "no request with this STAN (field 11) is in flight"))
    book.frame(new, Unmatched("a", new, "a duplicate of a reply already taken"))


def test_what_goes_well_does_not_push_out_what_was_given_up() -> None:
    book = Book()
    book.sign_on()
    _sent(book, 999_999, order(999_999))
    book.at(15, TimedOut(999_999))
    first = book.now
    for number in range(20_000):
        book.now = first + number / 1500
        _sent(book, number + 1, order(number + 1))
        book.frame(answer(order(number + 1)), Answered(number + 1, answer(order(number + 1))))
    late = answer(order(999_999))
    book.frame(late, LateAnswer(999_999, late))
    book.frame(late, Unmatched("a", late, "a duplicate of a reply already taken"))


def test_what_was_given_up_is_bounded_in_number_and_in_time() -> None:
    book = Book(
        in_flight_max=2,
        in_flight_urgent=0,
        given_up_max=2,
        recent_s=60.0,
        echo_interval_s=6000.0,
    )
    book.sign_on()
    unknown = "no request with this STAN (field 11) is in flight"
    for ticket in (1, 2, 3):
        _sent(book, ticket, order(ticket))
        book.at(15.0 * ticket, TimedOut(ticket))
    first, second, third = (answer(order(ticket)) for ticket in (1, 2, 3))
    book.frame(first, Unmatched("a", first, unknown))
    book.frame(second, LateAnswer(2, second))
    book.now = 1000.0 + 45 + 61
    book.frame(third, Unmatched("a", third, unknown))


@pytest.mark.parametrize("bounds", [{"recent_max": 0}, {"given_up_max": 219}])
def test_bounds_that_would_lose_replies_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="given_up_max at least 220"):
        MuxOptions(**bounds)  # type: ignore[arg-type]


ENDS = (Answered, TimedOut, LinkLost)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 5)), max_size=60))
@settings(max_examples=300)
def test_every_ticket_sent_ends_exactly_once(steps: list[tuple[int, int]]) -> None:
    """Whatever comes in whatever order: one end a ticket, nothing left, no place leaked."""
    book = Book("a", "b", in_flight_max=3, in_flight_urgent=0)
    up: set[str] = set()
    admitted: set[int] = set()
    sent: set[int] = set()
    ended: list[int] = []
    withdrawn: set[int] = set()
    ticket = 0

    def take(commands: list[object]) -> None:
        for command in commands:
            match command:
                case Admit(ticket=number):
                    admitted.add(number)
                case SendFrame(ticket=number):
                    assert number in admitted - sent
                    sent.add(number)
                case Answered(ticket=number) | TimedOut(ticket=number) | LinkLost(ticket=number):
                    ended.append(number)
                case Unmatched(ticket=int(number)):
                    ended.append(number)
                case SendNetwork(link=link, stan=stan, code=code):
                    reply = Message("0810", {11: stan, 39: "00", 70: code})
                    take(list(book.mux.receive(FrameReceived(link, reply, True), book.now)))
                case _:
                    assert isinstance(
                        command, Refuse | LinkReady | LateAnswer | Unmatched | CloseLink
                    )

    for kind, number in steps:
        link = "ab"[number % 2]
        if kind == 0 and link not in up:
            up.add(link)
            take(list(book.mux.receive(LinkUp(link), book.now)))
        elif kind == 1 and link in up:
            up.discard(link)
            take(list(book.mux.receive(LinkDown(link), book.now)))
        elif kind in (2, 3):
            ticket += 1
            take(list(book.mux.receive(SubmitRequested(ticket, order(number), 5.0), book.now)))
            if kind == 3 and ticket in admitted:
                take(list(book.mux.receive(RowCommitted(ticket), book.now)))
        elif kind == 4:
            book.now += number
            take(list(book.mux.wake(book.now)))
        elif kind in (5, 6):
            reply = answer(order(number), **({"f4": "1" * 12} if kind == 6 else {}))
            take(list(book.mux.receive(FrameReceived("a", reply, True), book.now)))
        elif kind == 7 and ticket in admitted:
            withdrawn.add(ticket)
            take(list(book.mux.receive(Withdrawn(ticket), book.now)))
    for number in sorted(admitted - sent - set(ended)):
        take(list(book.mux.receive(Withdrawn(number), book.now)))
    for link in up:
        take(list(book.mux.receive(LinkDown(link), book.now)))
    assert len(ended) == len(set(ended))
    assert sent - withdrawn <= set(ended)
    assert book.mux.in_flight == 0
