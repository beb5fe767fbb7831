"""Seed data: deterministic, Luhn-valid, fictional."""

from core_adapters.corehost.rules import identity_digits
from core_adapters.corehost.seed import BIN, DEMO, SHOWN, trial_set
from transactions.card import luhn_valid


def test_every_card_is_valid_and_its_own() -> None:
    cards = [*DEMO, *trial_set()]
    assert all(luhn_valid(one.card) and one.card.startswith(BIN) for one in cards)
    assert len({one.card for one in cards}) == len({one.account for one in cards}) == len(cards)


def test_the_demo_shows_six_digit_pins_and_tests_use_twelve() -> None:
    assert all(len(one.pin) == 6 and one.state == "open" for one in DEMO[:SHOWN])
    assert all(len(one.pin) == 12 and one.pin.isdigit() for one in trial_set())
    assert trial_set() == trial_set()


def test_a_card_prints_no_pin() -> None:
    assert trial_set()[0].pin not in repr(trial_set()[0])


def test_every_identity_can_be_keyed() -> None:
    assert any(one.identity.endswith("X") for one in DEMO)
    for one in [*DEMO, *trial_set()]:
        keyed = identity_digits(one.identity)
        assert len(keyed) == 4
        assert keyed.isdigit()
