"""Peers that refuse, go away, or never get the word: what is claimed of the pages then.

A page is claimed when its confirmation came. One that was sent whole and asked about, without an
answer, is `asked`: it may be on paper.
"""

import random
from pathlib import Path

import pytest
from PIL import Image

from fax.terminal import (
    Accept,
    Ended,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
    T38Peer,
    T38Terminal,
    TerminalEvent,
    TerminalOptions,
    Transmit,
)
from fax.terminal.values import UNFINISHED
from support.fax_lines import (
    Call,
    Network,
    Side,
    fax,
    over_t38,
    page,
    read_pages,
    same,
    spandsp,
    t38_pair,
    write_pages,
)

PAGES = [page(seed) for seed in range(3)]


def seen(kind: type, events: list[TerminalEvent]) -> int:
    return sum(isinstance(event, kind) for event in events)


def test_a_peer_that_never_sends_dis_is_given_up(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:2])
    sent, _ = over_t38(t38_pair(work), Network(1, 1.0), Network(2, 1.0))
    assert sent.result.reason == "Timed out waiting for initial communication"
    assert (sent.result.pages, sent.result.asked) == (0, False)
    assert sent.result.seconds <= 65
    assert sent.events == [Ended(sent.result)]
    assert not work[1].path.exists()


def test_a_peer_that_hears_nothing_of_us_is_given_up(tmp_path: Path) -> None:
    sent, received = over_t38(t38_pair(fax(tmp_path, PAGES[:2])), Network(1, 1.0))
    assert (sent.result.code > 0, sent.result.pages, sent.result.asked) == (True, 0, False)
    assert (received.result.code > 0, received.result.pages) == (True, 0)


def test_hanging_up_in_the_middle_of_a_page(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES)

    ticks_of_page_two: list[int] = []

    def in_page_two(call: Call) -> bool:
        if PageConfirmed(1) in call.calling:
            ticks_of_page_two.append(call.tick)
        return len(ticks_of_page_two) > 100

    sent, received = over_t38(t38_pair(work), hang_up=in_page_two)
    assert sent.result.reason == "The call dropped prematurely"
    assert (sent.result.pages, sent.result.asked) == (1, False)
    assert received.result.pages == 1
    assert same(PAGES[:1], read_pages(work[1].path))


def test_a_peer_that_vanishes_in_the_middle_of_a_page(tmp_path: Path) -> None:
    """Its packets stop, without a BYE: the machine's own patience ends it."""
    work = fax(tmp_path, PAGES[:2])

    def cut(call: Call) -> bool:
        if PageConfirmed(1) in call.calling:
            call.there.cut = call.back.cut = True
        return False

    sent, received = over_t38(t38_pair(work), hang_up=cut)
    assert (sent.result.code > 0, sent.result.pages) == (True, 1)
    assert (received.result.code > 0, received.result.pages) == (True, 1)
    assert sent.result.asked, "page two was sent whole, into nothing: nobody can say"


def test_a_bye_before_phase_e_after_the_last_confirmation(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:2])
    sent, received = over_t38(t38_pair(work), hang_up=lambda call: PageConfirmed(2) in call.calling)
    assert (sent.result.code, sent.result.pages, sent.result.asked) == (0, 2, False)
    assert (received.result.code, received.result.pages) == (0, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


def test_a_lost_confirmation_leaves_the_page_asked_and_not_counted(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:2])

    def lose_the_last(call: Call) -> bool:
        call.back.cut = PostMessageSent(2) in call.calling
        return False

    sent, received = over_t38(t38_pair(work), hang_up=lose_the_last)
    assert sent.result.code > 0
    assert (sent.result.pages, sent.result.asked) == (1, True)
    assert received.result.pages == 2, "it is on paper over there"
    assert seen(PageConfirmed, sent.events) == 1
    assert sent.events[-1] == Ended(sent.result)


@pytest.mark.parametrize("ecm", [True, False])
def test_a_bye_between_the_question_and_the_confirmation(tmp_path: Path, ecm: bool) -> None:
    options = (TerminalOptions(ecm=ecm), TerminalOptions(ecm=ecm))
    sent, _ = over_t38(
        t38_pair(fax(tmp_path, PAGES[:2]), options),
        hang_up=lambda call: PostMessageSent(1) in call.calling,
    )
    assert (sent.result.code > 0, sent.result.pages, sent.result.asked) == (True, 0, True)


@pytest.mark.parametrize("ecm", [True, False])
def test_a_confirmation_repeated_is_counted_once(tmp_path: Path, ecm: bool) -> None:
    """The first answer to page one is lost, the question comes again, and so does the answer."""
    work = fax(tmp_path, PAGES)
    options = (TerminalOptions(ecm=ecm), TerminalOptions(ecm=ecm))
    answers: list[int] = []

    def lose_the_first(call: Call) -> bool:
        if PostMessageSent(1) in call.calling:
            answers.append(call.tick)
        call.back.cut = bool(answers) and call.tick < answers[0] + 200
        return False

    sent, received = over_t38(t38_pair(work, options), hang_up=lose_the_first)
    assert (sent.result.code, sent.result.pages, sent.result.asked) == (0, 3, False)
    assert [event.pages for event in sent.events if isinstance(event, PageConfirmed)] == [1, 2, 3]
    assert received.result.pages == seen(PageReceived, received.events) == 3
    assert same(PAGES, read_pages(work[1].path))


def test_without_error_correction_damage_is_told_as_bad_rows(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:2])
    options = (TerminalOptions(ecm=False), TerminalOptions(ecm=False))
    pair = t38_pair(work, options, T38Peer(72))
    _, received = over_t38(pair, Network(21, 0.05), Network(22, 0.05))
    assert received.result.bad_rows > 0
    per_page = [event.bad_rows for event in received.events if isinstance(event, PageReceived)]
    assert sum(per_page) == received.result.bad_rows


def without_correction(tmp_path: Path, seed: int, loss: float) -> tuple[Side, Side]:
    """Three pages to a receiver that hears them with damage, and is heard well."""
    plain = TerminalOptions(ecm=False)
    pair = t38_pair(fax(tmp_path, PAGES), (plain, plain), T38Peer(72))
    return over_t38(pair, Network(seed, loss), Network(seed + 50))


@pytest.mark.parametrize(("seed", "loss"), [(2, 0.15), (0, 0.2), (4, 0.2)])
def test_a_page_answered_with_a_wish_to_train_anew_is_received(
    tmp_path: Path, seed: int, loss: float
) -> None:
    """RTP on the last page, on the first and the last, on every page."""
    sent, received = without_correction(tmp_path, seed, loss)
    assert (sent.result.code, sent.result.pages) == (0, 3), "the sender was told they arrived"
    assert (received.result.code, received.result.pages) == (0, 3)
    pages = [event.pages for event in received.events if isinstance(event, PageReceived)]
    assert pages == [1, 2, 3]
    assert len(read_pages(tmp_path / "arrived.tiff")) == 3


def test_a_fax_whose_last_page_is_refused_says_so(tmp_path: Path) -> None:
    sent, received = without_correction(tmp_path, 2, 0.3)
    assert (sent.result.code, sent.result.reason) == (UNFINISHED, "the last page was refused")
    assert (sent.result.pages, sent.result.asked, received.result.pages) == (2, False, 2)


def test_damage_of_the_first_page_alone_is_told_of_the_first_page(tmp_path: Path) -> None:
    plain = TerminalOptions(ecm=False)
    pair = t38_pair(fax(tmp_path, PAGES), (plain, plain), T38Peer(72))

    def until_page_two(call: Call) -> bool:
        call.there.loss = 0.0 if seen(PageReceived, call.called) else 0.05
        return False

    _, received = over_t38(pair, Network(21), hang_up=until_page_two)
    first, *others = [event for event in received.events if isinstance(event, PageReceived)]
    assert first.bad_rows > 0
    assert [event.bad_rows for event in others] == [0, 0]
    assert received.result.bad_rows == first.bad_rows


def test_machines_with_no_modem_in_common(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = (
        TerminalOptions(modems=frozenset({"V.27ter"})),
        TerminalOptions(modems=frozenset({"V.29"})),
    )
    sent, received = over_t38(t38_pair(work, options))
    assert sent.result.code > 0
    assert (sent.result.pages, received.result.pages, sent.result.asked) == (0, 0, False)


def test_a_file_that_is_not_there_or_is_no_fax(tmp_path: Path) -> None:
    (tmp_path / "text.tiff").write_bytes(b"not a picture" * 100)
    whole = write_pages(tmp_path / "whole.tiff", PAGES[:1]).read_bytes()
    (tmp_path / "cut.tiff").write_bytes(whole[: len(whole) // 2])
    for name in ("absent.tiff", "text.tiff", "cut.tiff"):
        work = (Transmit(tmp_path / name), Accept(tmp_path / f"from-{name}"))
        sent, _ = over_t38(t38_pair(work))
        assert (sent.result.code > 0, sent.result.pages) == (True, 0), name


def test_a_folder_that_is_not_there_confirms_nothing(tmp_path: Path) -> None:
    sending, _ = fax(tmp_path, PAGES[:1])
    work = (sending, Accept(tmp_path / "absent" / "arrived.tiff"))
    sent, received = over_t38(t38_pair(work))
    assert (sent.result.code > 0, sent.result.pages) == (True, 0)
    assert (received.result.code > 0, received.result.pages) == (True, 0)


def test_a_path_that_the_library_would_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 255"):
        T38Terminal(spandsp(), Accept(tmp_path / ("a" * 250)), False, TerminalOptions(), T38Peer())


def test_a_page_that_never_ends_is_ended(tmp_path: Path) -> None:
    noise = Image.frombytes("1", (1728, 5000), random.Random(1).randbytes(216 * 5000))
    tall = write_pages(tmp_path / "tall.tiff", [noise])
    work = (Transmit(tall), Accept(tmp_path / "arrived.tiff"))
    sent, received = over_t38(t38_pair(work), most_seconds=3600)
    assert received.result.code == UNFINISHED
    assert "blocks" in received.result.reason
    assert (sent.result.pages, received.result.pages) == (0, 0)


def test_a_page_of_too_many_lines_is_ended_while_it_comes(tmp_path: Path) -> None:
    """Long before it has come: its lines may be white, and cost one bit each."""
    sent, received = over_t38(t38_pair(fax(tmp_path, [page(1, 40_000)])))
    assert received.result.code == UNFINISHED
    assert received.result.reason == "a page of more than 12000 lines"
    assert (sent.result.pages, received.result.pages) == (0, 0)
    assert received.result.bad_rows == 0


def test_a_fax_that_never_ends_is_ended(tmp_path: Path) -> None:
    strips = [page(seed, 60) for seed in range(202)]
    sent, received = over_t38(t38_pair(fax(tmp_path, strips)), most_seconds=3600)
    assert (received.result.code, received.result.pages) == (UNFINISHED, 200)
    assert "more than 200 pages" in received.result.reason
    assert (sent.result.pages, sent.result.asked) == (200, True)


def test_two_that_send_and_two_that_receive_end_without_a_page(tmp_path: Path) -> None:
    sending, receiving = fax(tmp_path, PAGES[:1])
    first, second = over_t38(t38_pair((sending, sending)))
    assert (first.result.code > 0, second.result.code > 0) == (True, True)
    assert (first.result.pages, second.result.pages, first.result.asked) == (0, 0, False)
    first, second = over_t38(t38_pair((receiving, Accept(tmp_path / "other.tiff"))))
    assert (first.result.code > 0, second.result.code > 0) == (True, True)
    assert (first.result.pages, second.result.pages) == (0, 0)


def test_a_closed_terminal_does_nothing_more(tmp_path: Path) -> None:
    caller, called = t38_pair(fax(tmp_path, PAGES[:1]))
    for _ in range(100):
        for datagram in caller.tick():
            called.datagram(datagram)
    result = caller.close()
    assert caller.events() == [Ended(result)]
    caller.datagram(b"\x00\x00\x01\x02\x00\x00")
    assert (caller.tick(), caller.events(), caller.finished) == ([], [], True)
    assert caller.close() == result
    called.close()
