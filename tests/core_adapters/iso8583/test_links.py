"""Several addresses, the host's own network messages, and ours: playbooks with a fake clock."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.links.mux_types import (
    NETWORK_ASKS_MAX,
    Admit,
    Answered,
    AnswerNetwork,
    CloseLink,
    Command,
    CutOver,
    LinkDown,
    LinkLost,
    LinkReady,
    LinkSignedOff,
    LinkUp,
    NetworkRequested,
    Refuse,
    RowCommitted,
    SendFrame,
    SendNetwork,
    SignOffRequested,
    SubmitRequested,
    TimedOut,
    TrafficMoved,
    Unmatched,
)
from core_adapters.iso8583.links.ranks import Moved, Ranks
from support.iso8583_book import Book, answer, order

QUIET: dict[str, Any] = {"echo_interval_s": 100_000.0}
"""No echoes in between."""


def on(book: Book, link: str, stan: int, *then: Command) -> None:
    """A link connects and is signed on; `then` follows."""
    book.when(LinkUp(link), SendNetwork(link, "001", f"{stan:06d}"))
    reply = Message("0810", {11: f"{stan:06d}", 39: "00", 70: "001"})
    book.frame(reply, LinkReady(link), *then, link=link)


def goes_to(book: Book, number: int, link: str) -> None:
    """A request is admitted for this link, sent and answered."""
    book.when(SubmitRequested(number, order(number), 15.0), Admit(number, link))
    book.when(RowCommitted(number), SendFrame(link, number))
    book.frame(answer(order(number)), Answered(number, answer(order(number))), link=link)


def told(code: str, stan: str = "7") -> Message:
    """The host's own 0800."""
    return Message("0800", {11: stan, 70: code})


# -- addresses --------------------------------------------------------------------------------


def test_the_second_address_is_hot_and_takes_nothing_while_the_first_stands() -> None:
    book = Book("a1", "b1", "a2", "b2", **QUIET)
    for stan, link in enumerate(("a1", "b1", "a2", "b2"), 1):
        on(book, link, stan)
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a1"))
    book.when(SubmitRequested(2, order(2), 15.0), Admit(2, "b1"))
    book.when(SubmitRequested(3, order(3), 15.0), Admit(3, "a1"))
    assert (book.mux.links_ready, book.mux.serving) == (4, 0)


def test_fail_over_at_once_when_the_last_link_goes_and_back_when_it_has_held() -> None:
    book = Book("a1", "b1", "a2", **QUIET)
    for stan, link in enumerate(("a1", "b1", "a2"), 1):
        on(book, link, stan)
    book.at(20)
    book.when(LinkDown("a1"))
    goes_to(book, 1, "b1")
    book.when(LinkDown("b1"), TrafficMoved(0, 1))
    goes_to(book, 2, "a2")
    book.at(100)
    on(book, "a1", 4)
    book.at(159.9)
    goes_to(book, 3, "a2")
    book.at(160, TrafficMoved(1, 0))
    goes_to(book, 4, "a1")


def test_a_flapping_address_starts_its_time_again() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.when(LinkDown("a1"), TrafficMoved(0, 1))
    on(book, "a1", 3)
    book.at(59)
    book.when(LinkDown("a1"))
    on(book, "a1", 4)
    book.at(118)
    goes_to(book, 1, "a2")
    book.at(119, TrafficMoved(1, 0))


def test_what_waits_on_a_good_link_stays_there_when_traffic_moves() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.when(LinkDown("a1"), TrafficMoved(0, 1))
    book.when(SubmitRequested(1, order(1), 200.0), Admit(1, "a2"))
    book.when(RowCommitted(1), SendFrame("a2", 1))
    on(book, "a1", 3)
    book.at(60, TrafficMoved(1, 0))
    book.frame(answer(order(1)), Answered(1, answer(order(1))), link="a2")


def test_a_row_in_the_making_goes_to_the_other_address() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a1"))
    book.when(SubmitRequested(2, order(2), 15.0), Admit(2, "a1"))
    book.when(RowCommitted(2), SendFrame("a1", 2))
    book.when(LinkDown("a1"), LinkLost(2), TrafficMoved(0, 1))
    book.when(RowCommitted(1), SendFrame("a2", 1))


def test_at_the_start_the_order_of_signing_on_is_no_fail_over() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a2", 1)
    goes_to(book, 1, "a2")
    book.at(5)
    on(book, "a1", 2)
    goes_to(book, 2, "a1")
    book.at(500)


def test_a_start_without_the_preferred_address_is_told_and_it_must_hold_later() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a2", 1)
    book.at(9.9)
    book.at(10, TrafficMoved(0, 1))
    book.at(20)
    on(book, "a1", 2)
    goes_to(book, 1, "a2")
    book.at(80, TrafficMoved(1, 0))


def test_lost_in_the_first_seconds_is_a_fail_over_all_the_same() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.at(1)
    book.when(LinkDown("a1"), TrafficMoved(0, 1))
    on(book, "a1", 3)
    book.at(60.9)
    book.at(61, TrafficMoved(1, 0))


def test_back_in_the_first_seconds_is_told_at_once() -> None:
    book = Book("a1", "a2", **QUIET, fail_back_s=2)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.when(LinkDown("a1"), TrafficMoved(0, 1))
    on(book, "a1", 3)
    book.at(2, TrafficMoved(1, 0))


def test_the_best_of_three_that_stands() -> None:
    book = Book("a1", "a2", "a3", **QUIET)
    for stan, link in enumerate(("a1", "a2", "a3"), 1):
        on(book, link, stan)
    book.at(20)
    book.when(LinkDown("a2"))
    book.when(LinkDown("a1"), TrafficMoved(0, 2))
    on(book, "a2", 4)
    book.at(50)
    on(book, "a1", 5)
    book.when(LinkDown("a3"), TrafficMoved(2, 0))
    goes_to(book, 1, "a1")


def test_when_all_are_away_the_first_that_comes_is_taken() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    book.at(20)
    book.when(LinkDown("a1"))
    book.when(SubmitRequested(1, order(1), 15.0), Refuse(1, "no_link"))
    on(book, "a2", 2, TrafficMoved(0, 1))
    book.when(LinkDown("a2"))
    on(book, "a1", 3, TrafficMoved(1, 0))


def test_an_echo_that_is_not_answered_moves_traffic_too() -> None:
    book = Book("a1", "a2", echo_interval_s=30, echo_timeout_s=5, echo_missed_max=1)
    on(book, "a1", 1)
    on(book, "a2", 2)
    book.at(29)
    book.frame(answer(order(1)), *_stray("a2"), link="a2")
    book.at(
        35,
        SendNetwork("a1", "301", "000003"),
        CloseLink("a1", "1 echoes were not answered"),
        TrafficMoved(0, 1),
    )


def _stray(link: str) -> list[Command]:
    why = "no request with this STAN (field 11) is in flight"
    return [Unmatched(link, answer(order(1)), why)]


def test_a_refused_sign_on_never_serves() -> None:
    book = Book("a1", "a2", **QUIET)
    book.when(LinkUp("a1"), SendNetwork("a1", "001", "000001"))
    refused = Message("0810", {11: "000001", 39: "05", 70: "001"})
    book.frame(refused, CloseLink("a1", "sign-on was refused with 05"), link="a1")
    on(book, "a2", 2)
    goes_to(book, 1, "a2")
    book.when(LinkDown("a1"))
    book.at(10, TrafficMoved(0, 1))


def test_an_orderly_stop_signs_off_every_address_and_tells_of_no_move() -> None:
    book = Book("a1", "a2", "a3", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    on(book, "a3", 3)
    book.frame(told("002"), AnswerNetwork("a3", told("002")), LinkSignedOff("a3"), link="a3")
    book.when(
        SignOffRequested(),
        SendNetwork("a1", "002", "000004"),
        SendNetwork("a2", "002", "000005"),
        CloseLink("a3", "signed off"),
    )
    reply = Message("0810", {11: "000004", 39: "00", 70: "002"})
    book.frame(reply, CloseLink("a1", "signed off"), link="a1")
    book.when(LinkDown("a1"))
    book.at(10, CloseLink("a2", "sign-off was not answered"))
    book.when(LinkDown("a2"))


@given(st.lists(st.tuples(st.sampled_from("123"), st.integers(0, 40)), max_size=40))
@settings(max_examples=300)
def test_traffic_is_always_where_a_link_stands(steps: list[tuple[str, int]]) -> None:
    """Any ups and downs: the rank that serves is ready when any is; every move that is told begins
    where the last one ended; at rest the best address serves."""
    ranks, ready, now, at = Ranks(60.0, 10.0), set[int](), 0.0, 0
    moves: list[Moved] = []

    def steer() -> None:
        moved = ranks.steer(ready, now)
        if moved is not None:
            moves.append(moved)
        assert not ready or ranks.serving in ready

    for name, wait in steps:
        now += wait
        while (due := ranks.wake_at) is not None and due <= now:
            steer()
        ready ^= {int(name) - 1}
        steer()
    for _ in range(3):
        now += 60.0
        steer()
    assert ranks.wake_at is None
    for move in moves:
        assert (move.old, move.new != move.old) == (at, True)
        at = move.new
    if ready:
        assert ranks.serving == min(ready) == at


# -- the host's own network messages ----------------------------------------------------------


def test_the_hosts_sign_off_and_on() -> None:
    book = Book("a", "b", **QUIET)
    on(book, "a", 1)
    on(book, "b", 2)
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a"))
    book.when(RowCommitted(1), SendFrame("a", 1))
    off = told("002")
    book.frame(off, AnswerNetwork("a", off), LinkSignedOff("a"))
    goes_to(book, 2, "b")
    book.frame(answer(order(1)), Answered(1, answer(order(1))))
    book.frame(off, AnswerNetwork("a", off))
    again = told("001")
    book.frame(again, AnswerNetwork("a", again), LinkReady("a"))
    goes_to(book, 3, "a")
    book.frame(again, AnswerNetwork("a", again))


def test_a_signed_off_link_asks_again_after_a_while() -> None:
    book = Book(**QUIET)
    on(book, "a", 1)
    off = told("002")
    book.frame(off, AnswerNetwork("a", off), LinkSignedOff("a"))
    book.when(SubmitRequested(1, order(1), 15.0), Refuse(1, "no_link"))
    book.at(59)
    book.at(60, SendNetwork("a", "001", "000002"))
    reply = Message("0810", {11: "000002", 39: "00", 70: "001"})
    book.frame(reply, LinkReady("a"))
    book.frame(off, AnswerNetwork("a", off), LinkSignedOff("a"))
    book.at(120, SendNetwork("a", "001", "000003"))
    refused = Message("0810", {11: "000003", 39: "91", 70: "001"})
    book.frame(refused, CloseLink("a", "sign-on was refused with 91"))


def test_a_row_committed_after_the_hosts_sign_off_is_not_sent_there() -> None:
    book = Book("a", "b", **QUIET)
    on(book, "a", 1)
    on(book, "b", 2)
    book.when(SubmitRequested(1, order(1), 15.0), Admit(1, "a"))
    off = told("002")
    book.frame(off, AnswerNetwork("a", off), LinkSignedOff("a"))
    book.when(RowCommitted(1), SendFrame("b", 1))
    book.when(SubmitRequested(2, order(2), 15.0), Admit(2, "b"))
    book.frame(off, AnswerNetwork("b", off), LinkSignedOff("b"), link="b")
    book.when(RowCommitted(2), LinkLost(2))
    book.frame(answer(order(1)), Answered(1, answer(order(1))), link="b")
    assert book.mux.in_flight == 0


def test_an_echo_in_flight_at_the_hosts_sign_off_is_no_alarm() -> None:
    book = Book(echo_interval_s=10)
    on(book, "a", 1)
    book.at(10, SendNetwork("a", "301", "000002"))
    off = told("002")
    book.frame(off, AnswerNetwork("a", off), LinkSignedOff("a"))
    book.frame(Message("0810", {11: "000002", 39: "00", 70: "301"}))
    book.at(69)
    book.at(70, SendNetwork("a", "001", "000003"))


def test_the_hosts_sign_off_moves_traffic_to_the_other_address() -> None:
    book = Book("a1", "a2", **QUIET)
    on(book, "a1", 1)
    on(book, "a2", 2)
    off = told("002")
    there = (AnswerNetwork("a1", off), LinkSignedOff("a1"), TrafficMoved(0, 1))
    book.frame(off, *there, link="a1")
    goes_to(book, 1, "a2")


def test_a_cut_over_touches_nothing_in_flight() -> None:
    book = Book(**QUIET)
    on(book, "a", 1)
    for number in (1, 2):
        book.when(SubmitRequested(number, order(number), 15.0), Admit(number, "a"))
    book.when(RowCommitted(1), SendFrame("a", 1))
    cut_over = Message("0800", {11: "7", 15: "1123", 70: "201"})
    book.frame(cut_over, AnswerNetwork("a", cut_over), CutOver("a", cut_over))
    book.when(RowCommitted(2), SendFrame("a", 2))
    for number in (1, 2):
        book.frame(answer(order(number)), Answered(number, answer(order(number))))


# -- our own network messages -----------------------------------------------------------------


def test_a_network_request_of_the_owners() -> None:
    book = Book(**QUIET)
    book.when(NetworkRequested(1, "101", 5.0), Refuse(1, "no_link"))
    on(book, "a", 1)
    book.when(NetworkRequested(2, "101", 5.0), SendNetwork("a", "101", "000002", 2))
    other = Message("0810", {11: "000002", 39: "00", 70: "301"})
    book.frame(other, Unmatched("a", other, "field 70 differs from the network request"))
    reply = Message("0810", {11: "000002", 39: "05", 70: "101"})
    book.frame(reply, Answered(2, reply))
    late = Unmatched("a", reply, "no network request with this STAN is in flight")
    book.frame(reply, late)


def test_network_requests_time_out_and_go_with_their_link() -> None:
    book = Book("a", "b", **QUIET)
    on(book, "a", 1)
    on(book, "b", 2)
    book.when(NetworkRequested(1, "101", 5.0), SendNetwork("a", "101", "000003", 1))
    book.at(5, TimedOut(1))
    book.when(NetworkRequested(2, "101", 5.0), SendNetwork("a", "101", "000004", 2))
    book.when(LinkDown("a"), LinkLost(2))
    reply = Message("0810", {11: "000004", 39: "00", 70: "101"})
    stray = Unmatched("b", reply, "no network request with this STAN is in flight")
    book.frame(reply, stray, link="b")


def test_network_requests_are_few_and_none_after_the_stop() -> None:
    book = Book(**QUIET)
    on(book, "a", 1)
    for number in range(NETWORK_ASKS_MAX):
        sent = SendNetwork("a", "101", f"{number + 2:06d}", number)
        book.when(NetworkRequested(number, "101", 5.0), sent)
    book.when(NetworkRequested(99, "101", 5.0), Refuse(99, "busy"))
    book.when(SignOffRequested(), SendNetwork("a", "002", f"{NETWORK_ASKS_MAX + 2:06d}"))
    book.when(NetworkRequested(100, "101", 5.0), Refuse(100, "stopping"))


@pytest.mark.parametrize("code", ["101", "161", "999"])
def test_other_requests_of_the_host_are_answered_and_change_nothing(code: str) -> None:
    book = Book(**QUIET)
    on(book, "a", 1)
    book.frame(told(code), AnswerNetwork("a", told(code)))
    goes_to(book, 1, "a")
