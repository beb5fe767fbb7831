"""The machine of key exchange, told what happened and asked what it does."""

import pytest

from core_adapters.hsm.kinds import Algorithm, KeyInfo, KeySpec, KeyState, Usage
from core_adapters.iso8583.format.mac import NEXT
from core_adapters.iso8583.keys.change import RETRY_S, TRIES, KeyChange
from core_adapters.iso8583.keys.change_types import (
    FAILED,
    NO_SUCH_KEY,
    OK,
    REFUSED,
    Adopt,
    AnswerBlock,
    BlockOffered,
    BlockTaken,
    Command,
    Discard,
    KeyEvent,
    KeysRead,
    ModuleFailed,
    Offer,
    OfferAnswered,
    OfferUnanswered,
    Retire,
    RotationAsked,
    Stage,
    TakeBlock,
    Tell,
)

MAK, OVERLAP, T0 = "tb87.mak", 600.0, 1_000_000.0
CURRENT, PREVIOUS, RETIRED = KeyState.CURRENT, KeyState.PREVIOUS, KeyState.RETIRED


def info(version: int, state: KeyState, kcv: str, made: float = T0, name: str = MAK) -> KeyInfo:
    return KeyInfo(KeySpec(name, Usage.MAC, Algorithm.AES128), version, state, kcv, int(made))


FIRST = info(1, CURRENT, "AAAAAA")
STAGED = info(1, CURRENT, "CCCCCC", name=MAK + NEXT)


def machine(*infos: KeyInfo, now: float = T0) -> KeyChange:
    made = KeyChange({MAK: (Algorithm.AES128,)}, OVERLAP)
    assert made.receive(KeysRead(infos or (FIRST,)), now) == []
    return made


def told(commands: list[Command]) -> list[KeyEvent]:
    return [one.event for one in commands if isinstance(one, Tell)]


# The host's key


def test_a_right_block_is_taken_and_answered() -> None:
    one, fresh = machine(), info(0, PREVIOUS, "BBBBBB")
    assert one.receive(BlockOffered(MAK, fresh, "bbbbbb"), T0) == [TakeBlock(MAK)]
    taken = info(2, CURRENT, "BBBBBB")
    assert one.receive(BlockTaken(taken), T0) == [
        AnswerBlock(OK, "BBBBBB"),
        Tell(KeyEvent(MAK, "changed", "host", 2, "BBBBBB")),
    ]


@pytest.mark.parametrize(
    ("offered", "code", "why"),
    [
        (BlockOffered(None, None), NO_SUCH_KEY, "no such key"),
        (BlockOffered(MAK, None, "", "was changed"), REFUSED, "was changed"),
        (BlockOffered(MAK, info(0, PREVIOUS, "BBBBBB"), "000000"), REFUSED, "check value 000000"),
        (BlockOffered(MAK, info(0, PREVIOUS, "999999"), ""), REFUSED, "in use before"),
    ],
)
def test_a_wrong_block_is_refused_with_an_alarm(offered: BlockOffered, code: str, why: str) -> None:
    one = machine(info(2, CURRENT, "AAAAAA"), info(1, RETIRED, "999999"))
    commands = one.receive(offered, T0)
    assert commands[0] == AnswerBlock(code)
    (event,) = told(commands)
    assert (event.outcome, event.by) == ("refused", "host")
    assert why in event.why
    assert len(commands) == 2


def test_a_block_of_another_algorithm_is_refused() -> None:
    spec = KeySpec(MAK, Usage.MAC, Algorithm.AES256)
    seen = KeyInfo(spec, 0, PREVIOUS, "BBBBBB")
    assert machine().receive(BlockOffered(MAK, seen), T0)[0] == AnswerBlock(REFUSED)


def test_the_key_in_use_offered_again_is_answered_again_and_changes_nothing() -> None:
    seen = info(0, PREVIOUS, "AAAAAA")
    assert machine().receive(BlockOffered(MAK, seen), T0) == [AnswerBlock(OK, "AAAAAA")]


def test_a_module_that_fails_is_said_and_the_old_key_stays() -> None:
    one = machine()
    one.receive(BlockOffered(MAK, info(0, PREVIOUS, "BBBBBB")), T0)
    commands = one.receive(ModuleFailed(MAK, "the disk is full"), T0)
    assert commands[0] == AnswerBlock(FAILED)
    assert told(commands)[0].why == "the disk is full"


# Ours


def offering() -> KeyChange:
    one = machine()
    assert one.receive(RotationAsked(MAK), T0) == [Stage(MAK), Offer(MAK)]
    assert one.receive(KeysRead((FIRST, STAGED)), T0) == []
    return one


def test_a_key_of_ours_is_used_once_the_host_has_it() -> None:
    one = offering()
    assert one.receive(OfferAnswered(MAK, OK, "CCCCCC"), T0) == [
        Adopt(MAK),
        Tell(KeyEvent(MAK, "changed", "us", 2, "CCCCCC")),
    ]
    assert one.receive(OfferAnswered(MAK, OK, "CCCCCC"), T0) == []


@pytest.mark.parametrize(("code", "check"), [("63", ""), ("", ""), (OK, "DDDDDD")])
def test_a_refusal_or_another_check_value_leaves_the_old_key(code: str, check: str) -> None:
    commands = offering().receive(OfferAnswered(MAK, code, check), T0)
    assert commands[0] == Discard(MAK)
    assert told(commands)[0].outcome == "refused"


def test_an_offer_that_never_went_is_dropped() -> None:
    commands = offering().receive(OfferUnanswered(MAK, sent=False, why="no_link"), T0)
    assert commands[0] == Discard(MAK)
    assert "nothing was sent" in told(commands)[0].why


def test_a_lost_answer_means_the_same_key_again_and_in_the_end_a_person() -> None:
    one, now = offering(), T0
    for _ in range(TRIES - 1):
        assert one.receive(OfferUnanswered(MAK, sent=True, why="time_out"), now) == []
        assert one.wake_at == now + RETRY_S
        assert one.wake(now + RETRY_S - 1) == []
        now += RETRY_S
        assert one.wake(now) == [Offer(MAK)]
    (event,) = told(one.receive(OfferUnanswered(MAK, sent=True, why="time_out"), now))
    assert event.outcome == "open"
    assert one.wake_at is None
    assert one.receive(RotationAsked(MAK), now) == [Offer(MAK)]
    assert one.receive(OfferAnswered(MAK, OK, ""), now)[0] == Adopt(MAK)


def test_two_rotations_at_once_are_one() -> None:
    (event,) = told(offering().receive(RotationAsked(MAK), T0))
    assert event.outcome == "failed"


def test_the_hosts_own_key_comes_between() -> None:
    one = offering()
    commands = one.receive(BlockOffered(MAK, info(0, PREVIOUS, "BBBBBB")), T0)
    assert commands == [Discard(MAK), TakeBlock(MAK)]
    assert one.receive(OfferAnswered(MAK, OK, "CCCCCC"), T0) == []


def test_after_a_crash_the_staged_key_is_offered_again() -> None:
    one = machine(FIRST, STAGED)
    assert one.wake_at == T0 + RETRY_S
    assert one.wake(T0 + RETRY_S) == [Offer(MAK)]


def test_a_crash_between_adoption_and_tidying_only_leaves_tidying() -> None:
    one = KeyChange({MAK: (Algorithm.AES128,)}, OVERLAP)
    adopted = info(2, CURRENT, "CCCCCC")
    assert one.receive(KeysRead((adopted, info(1, PREVIOUS, "AAAAAA"), STAGED)), T0) == [
        Discard(MAK)
    ]


# The end of the overlap


def test_the_overlap_is_counted_from_the_newer_key_and_outlives_a_restart() -> None:
    held = info(2, CURRENT, "BBBBBB", made=T0), info(1, PREVIOUS, "AAAAAA", made=T0 - 9999)
    for began in (T0, T0 + 100, T0 + OVERLAP + 5):
        one = machine(*held, now=began)
        assert one.wake_at == T0 + OVERLAP
        assert one.wake(T0 + OVERLAP - 1) == []
        assert one.wake(T0 + OVERLAP) == [Retire(MAK, 1)]
        assert one.wake_at == T0 + OVERLAP + RETRY_S
        gone = held[0], info(1, RETIRED, "AAAAAA")
        assert one.receive(KeysRead(gone), T0 + OVERLAP) == []
        assert one.wake_at is None


def test_each_of_several_previous_keys_has_its_own_end() -> None:
    one = machine(
        info(3, CURRENT, "CCCCCC", made=T0 + 50),
        info(2, PREVIOUS, "BBBBBB", made=T0),
        info(1, PREVIOUS, "AAAAAA", made=T0 - 1),
    )
    assert one.wake(T0 + OVERLAP) == [Retire(MAK, 1)]
    assert one.wake(T0 + OVERLAP + 50) == [Retire(MAK, 2), Retire(MAK, 1)]


def test_a_key_of_unknown_age_has_a_whole_overlap_from_now() -> None:
    held = info(2, CURRENT, "BBBBBB", made=0), info(1, PREVIOUS, "AAAAAA", made=0)
    one = machine(*held, now=T0 + 7)
    assert one.wake_at == T0 + 7 + OVERLAP
    one.receive(KeysRead(held), T0 + 100)
    assert one.wake_at == T0 + 7 + OVERLAP
