"""Whole faxes over audio, through A-law, in virtual time."""

from pathlib import Path

import numpy as np
import pytest

from fax.terminal import (
    Accept,
    AudioTerminal,
    Negotiated,
    PageConfirmed,
    PageReceived,
    TerminalOptions,
    Transmit,
)
from support.fax_lines import Side, fax, over_audio, page, read_pages, same, spandsp

PAGES = [page(seed) for seed in range(20)]
OURS = TerminalOptions(ident="+86 10 6655 0001")


def call(
    work: tuple[Transmit, Accept],
    options: tuple[TerminalOptions, TerminalOptions] = (OURS, TerminalOptions(ident="THEIRS")),
    loss: float = 0.0,
    seed: int = 1,
) -> tuple[Side, Side]:
    caller = AudioTerminal(spandsp(), work[0], True, options[0])
    called = AudioTerminal(spandsp(), work[1], False, options[1])
    return over_audio(caller, called, loss, seed)


@pytest.mark.parametrize("count", [2, 20])
def test_pages_arrive_to_the_pixel(tmp_path: Path, count: int) -> None:
    work = fax(tmp_path, PAGES[:count])
    sent, received = call(work)
    assert (sent.result.code, sent.result.pages, sent.result.asked) == (0, count, False)
    assert (received.result.code, received.result.pages) == (0, count)
    assert sent.result.peer_ident == "THEIRS"
    assert sum(isinstance(event, PageConfirmed) for event in sent.events) == count
    assert sum(isinstance(event, PageReceived) for event in received.events) == count
    assert same(PAGES[:count], read_pages(work[1].path))


@pytest.mark.parametrize(
    ("modems", "rate"), [({"V.17"}, 14400), ({"V.29"}, 9600), ({"V.27ter"}, 4800)]
)
def test_every_modem_through_a_law(tmp_path: Path, modems: set[str], rate: int) -> None:
    work = fax(tmp_path, PAGES[:1])
    options = TerminalOptions(modems=frozenset(modems))  # type: ignore[arg-type]
    sent, _ = call(work, (OURS, options))
    assert (sent.result.code, sent.result.rate) == (0, rate)
    assert same(PAGES[:1], read_pages(work[1].path))


@pytest.mark.parametrize(("compression", "ecm"), [("MH", False), ("MR", False), ("MH", True)])
def test_compressions_without_error_correction(tmp_path: Path, compression: str, ecm: bool) -> None:
    work = fax(tmp_path, PAGES[:1])
    allowed = {"MH"} if compression == "MH" else {"MH", "MR"}
    options = TerminalOptions(compressions=frozenset(allowed), ecm=ecm)  # type: ignore[arg-type]
    sent, _ = call(work, (OURS, options))
    (agreed,) = [event for event in sent.events if isinstance(event, Negotiated)]
    assert (agreed.compression, agreed.ecm) == (compression, ecm)
    assert same(PAGES[:1], read_pages(work[1].path))


@pytest.mark.parametrize("seed", range(6))
def test_pages_arrive_at_a_loss_of_two_in_a_thousand(tmp_path: Path, seed: int) -> None:
    work = fax(tmp_path, PAGES[:2])
    sent, received = call(work, loss=0.002, seed=seed)
    assert (sent.result.code, sent.result.pages, received.result.pages) == (0, 2, 2)
    assert same(PAGES[:2], read_pages(work[1].path))


@pytest.mark.parametrize(("loss", "seed"), [(0.002, 18), (0.005, 6), (0.005, 9)])
def test_what_is_claimed_of_a_fax_that_loss_breaks_arrived(
    tmp_path: Path, loss: float, seed: int
) -> None:
    work = fax(tmp_path, PAGES[:2])
    sent, _ = call(work, loss=loss, seed=seed)
    assert (sent.result.code > 0, sent.result.pages) == (True, 1)
    assert same(PAGES[:1], read_pages(work[1].path)[:1])


def test_two_that_send_end_without_a_page(tmp_path: Path) -> None:
    sending, _ = fax(tmp_path, PAGES[:1])
    first, second = over_audio(
        AudioTerminal(spandsp(), sending, True, OURS),
        AudioTerminal(spandsp(), sending, False, OURS),
    )
    assert (first.result.code > 0, second.result.code > 0) == (True, True)
    assert (first.result.pages, second.result.pages, first.result.asked) == (0, 0, False)


def test_silence_is_given_up(tmp_path: Path) -> None:
    terminal = AudioTerminal(spandsp(), fax(tmp_path, PAGES[:1])[0], True, OURS)
    silence = np.zeros(160, np.int16)
    for _ in range(90 * 50):
        terminal.tick(silence)
    assert terminal.finished
    result = terminal.close()
    assert (result.code > 0, result.pages, result.asked) == (True, 0, False)
    assert result.seconds <= 65
    assert terminal.close() == result
    assert not terminal.tick(silence).any()


def test_noise_is_given_up(tmp_path: Path) -> None:
    dice = np.random.default_rng(5)
    terminal = AudioTerminal(spandsp(), Accept(tmp_path / "a.tiff"), False, OURS)
    for _ in range(180 * 50):
        terminal.tick(dice.integers(-32768, 32767, 160, np.int16))
    assert terminal.close().pages == 0


def test_a_tick_is_160_samples(tmp_path: Path) -> None:
    terminal = AudioTerminal(spandsp(), Accept(tmp_path / "a.tiff"), False, OURS)
    for count in (0, 1, 159, 161, 8000):
        with pytest.raises(ValueError, match="160"):
            terminal.tick(np.zeros(count, np.int16))
    assert len(terminal.tick(np.zeros(160, np.int16))) == 160
    assert len(terminal.tick(None)) == 160
    terminal.close()
