"""Whole faxes over T.38 in virtual time, over good and bad networks."""

import random
from pathlib import Path

import pytest

from fax.terminal import (
    Accept,
    Ended,
    Negotiated,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
    T38Peer,
    TerminalOptions,
    Transmit,
)
from support.fax_lines import (
    Call,
    Network,
    fax,
    over_t38,
    page,
    read_pages,
    same,
    t38_pair,
)

PAGES = [page(seed) for seed in range(20)]


def test_two_pages_and_what_is_told_of_them(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:2])
    sent, received = over_t38(t38_pair(work))
    agreed = {"rate": 14400, "ecm": True, "compression": "MMR"}
    assert sent.events == [
        Negotiated(**agreed, peer_ident="+86 21 5555 0002"),
        PostMessageSent(1),
        PageConfirmed(1),
        PostMessageSent(2),
        PageConfirmed(2),
        Ended(sent.result),
    ]
    assert received.events == [
        Negotiated(**agreed, peer_ident="+86 10 6655 0001"),
        PageReceived(1, 0),
        PageReceived(2, 0),
        Ended(received.result),
    ]
    assert (sent.result.code, sent.result.reason, sent.result.pages) == (0, "OK", 2)
    assert (received.result.code, received.result.pages, received.result.bad_rows) == (0, 2, 0)
    assert not sent.result.asked
    assert 15 < sent.result.seconds < 60
    assert same(PAGES[:2], read_pages(work[1].path))


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.10])
@pytest.mark.parametrize("count", [2, 20])
def test_pages_arrive_to_the_pixel_with_losses(tmp_path: Path, count: int, loss: float) -> None:
    work = fax(tmp_path, PAGES[:count])
    there, back = Network(7, loss), Network(8, loss)
    sent, received = over_t38(t38_pair(work), there, back)
    assert (sent.result.code, sent.result.pages, sent.result.asked) == (0, count, False)
    assert (received.result.pages, received.result.bad_rows) == (count, 0)
    assert same(PAGES[:count], read_pages(work[1].path))
    assert (there.lost > 0) == (loss > 0)


@pytest.mark.parametrize("seed", range(6))
def test_jitter_another_order_duplicates_and_losses_together(tmp_path: Path, seed: int) -> None:
    work = fax(tmp_path, PAGES[:2])
    spoilt = {"loss": 0.05, "duplicates": 0.1, "delay": 4, "jitter": 5}
    sent, _ = over_t38(t38_pair(work), Network(seed, **spoilt), Network(seed + 50, **spoilt))
    assert (sent.result.code, sent.result.pages) == (0, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


@pytest.mark.parametrize("said", [None, 0, -1, -(2**31), 1, 72, 100, 400, 2**31, 10**12])
def test_no_datagram_is_longer_than_the_peer_said(tmp_path: Path, said: int | None) -> None:
    work = fax(tmp_path, PAGES[:1])
    there = Network(3)
    sent, _ = over_t38(t38_pair(work, peer=T38Peer(said)), there)
    assert (sent.result.code, sent.result.pages) == (0, 1)
    assert there.largest <= (400 if said is None or said <= 0 else max(72, min(said, 1400)))
    assert same(PAGES[:1], read_pages(work[1].path))


@pytest.mark.parametrize("loss", [0.05, 0.10])
def test_a_peer_of_72_bytes_gets_its_pages_whole_over_a_bad_network(
    tmp_path: Path, loss: float
) -> None:
    work = fax(tmp_path, PAGES[:2])
    there, back = Network(21, loss), Network(22, loss)
    sent, received = over_t38(t38_pair(work, peer=T38Peer(72)), there, back)
    assert there.largest <= 72
    assert (sent.result.pages, received.result.pages) == (2, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


@pytest.mark.parametrize(
    ("modems", "rate"), [({"V.17"}, 14400), ({"V.29"}, 9600), ({"V.27ter"}, 4800)]
)
def test_every_modem(tmp_path: Path, modems: set[str], rate: int) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = TerminalOptions(modems=frozenset(modems))  # type: ignore[arg-type]
    sent, received = over_t38(t38_pair(work, (TerminalOptions(), options)))
    assert (sent.result.rate, received.result.rate) == (rate, rate)
    assert same(PAGES[:1], read_pages(work[1].path))


@pytest.mark.parametrize("ecm", [True, False])
@pytest.mark.parametrize(("compressions", "used"), [({"MH"}, "MH"), ({"MH", "MR"}, "MR")])
def test_every_compression_with_and_without_error_correction(
    tmp_path: Path, compressions: set[str], used: str, ecm: bool
) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = TerminalOptions(compressions=frozenset(compressions), ecm=ecm)  # type: ignore[arg-type]
    sent, _ = over_t38(t38_pair(work, (TerminalOptions(), options)))
    (agreed,) = [event for event in sent.events if isinstance(event, Negotiated)]
    assert (agreed.compression, agreed.ecm) == (used, ecm)
    assert same(PAGES[:1], read_pages(work[1].path))


def test_a_retry_sends_the_pages_that_are_left(tmp_path: Path) -> None:
    whole, arrived = fax(tmp_path, PAGES[:4])
    sent, _ = over_t38(t38_pair((Transmit(whole.path, 1, 2), arrived)))
    assert sent.result.pages == 2
    assert same(PAGES[1:3], read_pages(arrived.path))


def test_the_header_line_is_above_the_page(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = TerminalOptions(ident="+86 10 95588", header="Telebank" * 20)
    over_t38(t38_pair(work, (options, TerminalOptions())))
    (arrived,) = read_pages(work[1].path)
    added = arrived.height - PAGES[0].height
    assert 10 < added < 60
    assert same(PAGES[:1], [arrived.crop((0, added, 1728, arrived.height))])
    assert arrived.crop((0, 0, 1728, added)).getextrema()[0] == 0


def test_a_peer_that_numbers_its_packets_anew_in_the_middle(tmp_path: Path) -> None:
    """As a gateway does that takes the call over."""

    class Renumbering(Network):
        def send(self, now: int, datagram: bytes) -> None:
            number = int.from_bytes(datagram[:2], "big")
            if number >= 200:
                datagram = ((number + 29_800) % 65536).to_bytes(2, "big") + datagram[2:]
            super().send(now, datagram)

    work = fax(tmp_path, PAGES[:2])
    sent, _ = over_t38(t38_pair(work), Renumbering())
    assert (sent.result.code, sent.result.pages) == (0, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


def test_stray_rtp_on_the_port_is_passed_over(tmp_path: Path) -> None:
    dice = random.Random(3)
    work = fax(tmp_path, PAGES[:2])
    caller, called = t38_pair(work)

    def stray(call: Call) -> bool:
        if call.tick < 500:
            header = b"\x80\x08" + call.tick.to_bytes(2, "big")
            called.datagram(header + dice.randbytes(168))
        return False

    sent, _ = over_t38((caller, called), hang_up=stray)
    assert called.malformed == 500
    assert (sent.result.code, sent.result.pages) == (0, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


def test_identifications_are_cut_to_what_machines_show(tmp_path: Path) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = TerminalOptions(ident="银行 1234567890123456789012345")
    _, received = over_t38(t38_pair(work, (options, TerminalOptions())))
    assert received.result.peer_ident == "?? 12345678901234567"


def test_standard_resolution(tmp_path: Path) -> None:
    from support.fax_lines import write_pages

    path = write_pages(tmp_path / "sent.tiff", PAGES[:1], 98)
    work = (Transmit(path), Accept(tmp_path / "arrived.tiff"))
    sent, _ = over_t38(t38_pair(work, (TerminalOptions(), TerminalOptions(fine=False))))
    assert sent.result.pages == 1
    assert same(PAGES[:1], read_pages(work[1].path))
