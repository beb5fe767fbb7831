"""What a node tells those who watch its lines."""

from collections import Counter
from pathlib import Path

from support.bank_process import Voice
from support.calls_house import open_house
from support.calls_peer import Peer, udp
from telebank.calls.board import Setups, refusals
from telebank.calls.standing import place_words
from telebank.flow.load import load_release
from telebank.settings import seed_dir


def test_set_ups_are_counted_over_ten_seconds() -> None:
    setups = Setups(100.0)
    assert setups.per_second(100.0) == 0.0
    setups.came(100.2)
    setups.came(100.4)
    assert setups.per_second(100.5) == 2.0  # the first second counts whole
    assert setups.per_second(104.0) == 0.5
    setups.came(110.3)
    assert setups.per_second(110.3) == 0.2  # the first of all is forgotten
    assert setups.per_second(121.0) == 0.0


def test_refusals_by_who_refused() -> None:
    admitted = {"passed": 9, "refused": 4, "silenced": 2}
    known = {"busy": 3, "admission": 4, "silenced": 2}
    assert refusals(Counter(busy=3), admitted, {"403": 1}) == {**known, "403": 1}
    assert set(refusals(Counter(), {}, {}).values()) == {0}


def test_places_in_words() -> None:
    release = load_release(seed_dir())
    assert place_words(release, "authenticate.card") == "Card and PIN: card"
    assert place_words(release, "gone_flow.after_all") == "gone flow: after all"
    assert place_words(release, "") == ""


async def test_a_line_from_its_menu_over_a_hold_to_nothing(tmp_path: Path, voice: Voice) -> None:
    async with open_house(tmp_path, voice, lines=1) as house:
        node = house.node
        empty = node.board()
        assert (empty["lines"], empty["capacity"], empty["draining"]) == ([], 1, False)
        rtp, peer = udp(), Peer(node.address, "first")
        await peer.call(rtp)
        await house.happens("node.entered")
        (line,) = node.lines()
        assert (line["state"], line["from"], line["node"]) == ("menu", "peer", "main.lang")
        peer.send("INVITE", peer.sdp(rtp, "sendonly", 2))
        assert (await peer.response("INVITE"))[0] == 200
        peer.send("ACK", cseq=peer.cseq)
        assert [line["state"] for line in node.lines()] == ["held"]
        beyond = Peer(node.address, "beyond")
        beyond.send("INVITE", beyond.sdp(rtp))
        assert (await beyond.response("INVITE"))[0] == 486
        board = node.board()
        assert board["refused"] == {"busy": 1, "admission": 0, "silenced": 0}
        assert (board["setups"], board["setups_per_s"] != 0.0) == (1, True)
        (worker,) = board["workers"]
        assert (worker["up"], worker["channels"]) == (True, 1)
        peer.send("BYE")
        await house.idle()
        assert node.board()["lines"] == []
        node.drain()
        assert node.board()["draining"] is True
        beyond.close()
        peer.close()
