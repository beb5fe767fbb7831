"""Which pages are claimed, from T.30 frames alone."""

import pytest

from fax.terminal.progress import Control, Progress, control_of, ends_page


def frame(*controls: int) -> bytes:
    return bytes([0xFF, 0x13, *controls])


def plain(control: Control) -> bytes:
    return frame(control | 0x01)


def pps(second: Control) -> bytes:
    return frame(Control.PPS | 0x01, second, 0, 0, 255)


ENDS = [plain(Control.MPS), plain(Control.EOP), plain(Control.EOM), pps(Control.EOP)]


@pytest.mark.parametrize("question", ENDS)
def test_a_page_counts_when_it_is_confirmed(question: bytes) -> None:
    progress = Progress()
    assert progress.sent(question)
    assert (progress.pages, progress.asked) == (0, True)
    assert progress.confirmed(Control.MCF)
    assert (progress.pages, progress.asked) == (1, False)


def test_a_block_of_a_page_is_not_a_page() -> None:
    progress = Progress()
    assert not progress.sent(pps(Control.NULL))
    assert not progress.confirmed(Control.MCF)
    assert (progress.pages, progress.asked) == (0, False)


def test_a_question_asked_again_is_one_question() -> None:
    progress = Progress()
    assert [progress.sent(plain(Control.EOP)) for _ in range(3)] == [True, False, False]
    assert progress.confirmed(Control.MCF)
    assert not progress.confirmed(Control.MCF)
    assert progress.pages == 1


@pytest.mark.parametrize("answer", [Control.RTN, Control.PIN, Control.PPR])
def test_a_refusal_takes_the_question_back(answer: Control) -> None:
    progress = Progress()
    progress.sent(pps(Control.MPS))
    progress.answered(plain(answer))
    assert not progress.confirmed(answer)
    assert (progress.pages, progress.asked) == (0, False)
    assert progress.sent(pps(Control.MPS)), "it is asked anew when the page was repeated"


@pytest.mark.parametrize("answer", [Control.RTP, Control.PIP])
def test_a_page_that_arrived_with_a_wish_counts(answer: Control) -> None:
    progress = Progress()
    progress.sent(plain(Control.MPS))
    assert progress.confirmed(answer | 0x01)


def test_after_a_page_given_up_nothing_is_claimed() -> None:
    progress = Progress()
    progress.sent(pps(Control.MPS))
    progress.confirmed(Control.MCF)
    progress.sent(pps(Control.MPS))
    progress.answered(plain(Control.PPR))
    progress.sent(frame(Control.EOR | 0x01, Control.MPS))
    progress.answered(plain(Control.ERR))
    progress.sent(pps(Control.EOP))
    assert not progress.confirmed(Control.MCF)
    assert (progress.pages, progress.asked) == (1, True)


@pytest.mark.parametrize("stump", [b"", b"\xff", b"\xff\x13", frame(Control.PPS)])
def test_stumps_say_nothing(stump: bytes) -> None:
    assert not ends_page(stump)
    assert control_of(stump) in {None, Control.PPS}
