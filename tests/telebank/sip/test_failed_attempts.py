"""Holds after wrong passwords: how long, for whom, and for whom not."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.failed_attempts import AttemptOptions, FailedAttempts, network_of
from telebank.sip.uri import Address

OPTIONS = AttemptOptions(free=3, first_hold=2.0, longest_hold=60.0, forget_after=600.0)
HOME: Address = ("192.0.2.20", 5062)
AWAY: Address = ("198.51.100.9", 5060)


def fail(attempts: FailedAttempts, times: int, source: Address = AWAY, name: str = "1001") -> None:
    for _ in range(times):
        attempts.failed(name, source, 0.0)


def hold(failures: int) -> int:
    """Whole seconds of the hold after so many failures at 0."""
    attempts = FailedAttempts(OPTIONS)
    fail(attempts, failures)
    return sum(attempts.held("1001", AWAY, float(second)) for second in range(1_000))


def test_holds_double_up_to_the_longest() -> None:
    assert [hold(n) for n in range(12)] == [0, 0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60]
    assert hold(5_000) == 60


def test_failures_are_forgotten() -> None:
    attempts = FailedAttempts(OPTIONS)
    fail(attempts, 10)
    attempts.failed("1001", AWAY, 600.0)
    assert not attempts.held("1001", AWAY, 600.0)
    fail(attempts, 10)
    attempts.failed("1001", AWAY, 599.0)
    assert attempts.held("1001", AWAY, 599.0)


def test_a_source_is_held_for_every_account_and_an_account_for_who_failed_himself() -> None:
    attempts = FailedAttempts(OPTIONS)
    for name in ("1001", "1002", "1003", "1004"):
        attempts.failed(name, AWAY, 0.0)
    assert attempts.held("1005", AWAY, 1.0)
    assert attempts.held("1005", (AWAY[0], 7), 1.0)
    assert not attempts.held("1005", HOME, 1.0)
    attempts = FailedAttempts(OPTIONS)
    for number in range(4):
        attempts.failed("1001", (f"198.51.100.{number}", 5060), 0.0)
    guesser, owner = ("198.51.100.1", 5060), AWAY
    assert attempts.held("1001", guesser, 1.0)
    assert not attempts.held("1002", guesser, 1.0)
    assert not attempts.held("1001", owner, 1.0)
    attempts.failed("1002", owner, 1.0)  # one guess, at whatever account
    assert attempts.held("1001", owner, 1.5)


def test_a_phone_is_not_held_after_a_restart_for_the_guesses_of_others() -> None:
    attempts, now = FailedAttempts(AttemptOptions()), 0.0
    for number in range(100):
        attempts.failed("1001", (f"198.51.{number}.1", 5060), now)
        now += 30.0
    assert not attempts.held("1001", HOME, now)
    attempts.succeeded("1001", HOME, now)
    assert not attempts.held("1001", HOME, now)


def test_a_guesser_with_many_addresses_has_one_guess_from_each() -> None:
    attempts = FailedAttempts(OPTIONS)
    guesses = 0
    for second in range(500):
        for number in range(20):
            source = (f"198.51.100.{number}", 5060)
            if not attempts.held("1001", source, float(second)):
                attempts.failed("1001", source, float(second))
                guesses += 1
    # One from each, then one whenever a hold is over, for all of them together.
    assert 20 <= guesses <= 20 + 500 // int(OPTIONS.longest_hold) + 1


def test_an_address_in_use_answers_for_itself_alone() -> None:
    attempts = FailedAttempts(OPTIONS)
    attempts.succeeded("1001", HOME, 0.0)
    fail(attempts, 50)
    fail(attempts, 50, (HOME[0], 9), "1002")
    fail(attempts, 50, (HOME[0], 9), "1001")
    assert not attempts.held("1001", HOME, 1.0)
    assert attempts.held("1001", (HOME[0], 8), 1.0)  # another port of the host it was used from
    assert attempts.held("1002", HOME, 1.0)
    fail(attempts, 4, HOME)
    assert attempts.held("1001", HOME, 1.0)
    attempts.succeeded("1001", HOME, 1.0)
    assert not attempts.held("1001", HOME, 1.0)


def test_a_new_port_of_a_host_in_use_is_not_held_for_neighbours() -> None:
    attempts = FailedAttempts(OPTIONS)
    attempts.succeeded("1001", HOME, 0.0)
    fail(attempts, 50)
    fail(attempts, 50, (HOME[0], 9), "1002")
    assert not attempts.held("1001", (HOME[0], 40_000), 1.0)


def test_an_account_of_his_own_does_not_clear_a_guesser() -> None:
    attempts = FailedAttempts(OPTIONS)
    for _ in range(10):
        attempts.failed("1001", AWAY, 0.0)
        attempts.succeeded("1002", AWAY, 0.0)
    assert attempts.held("1001", AWAY, 1.0)


def test_addresses_are_known_for_a_while() -> None:
    attempts = FailedAttempts(replace(OPTIONS, known_for=100.0))
    attempts.succeeded("1001", HOME, 0.0)
    fail(attempts, 50)
    assert not attempts.held("1001", HOME, 50.0)
    for _ in range(50):
        attempts.failed("1001", AWAY, 100.0)
    attempts.failed("1001", HOME, 100.0)  # counted as anybody's now
    assert attempts.held("1001", HOME, 101.0)


def test_networks() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64"
    assert network_of("phone.example") == "phone.example"
    attempts = FailedAttempts(OPTIONS)
    for number in range(4):
        attempts.failed(str(number), (f"2001:db8::{number}", 5060), 0.0)
    assert attempts.held("9", ("2001:db8::ffff", 5060), 1.0)
    assert not attempts.held("9", ("2001:db8:0:1::1", 5060), 1.0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 40), st.integers(0, 5_000)),
        max_size=200,
    )
)
def test_tables_are_bounded(acts: list[tuple[bool, int, int, int]]) -> None:
    attempts = FailedAttempts(replace(OPTIONS, max_kept=7))
    now = 0.0
    for good, name, host, wait in acts:
        now += wait
        (attempts.succeeded if good else attempts.failed)(str(name), (f"192.0.2.{host}", 1), now)
        assert max(attempts.counts().values()) <= 7


@pytest.mark.parametrize(
    "options", [{"free": -1}, {"max_kept": 0}, {"first_hold": 0}, {"longest_hold": 1}], ids=str
)
def test_options_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="sip attempts"):
        AttemptOptions(**options)
