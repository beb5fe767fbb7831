"""Where a 3xx may lead a call, as the settings have it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from telebank.commands.wiring.redirects import DAY_S, Redirects
from telebank.settings import load_settings

SETTINGS = """schema = 1
[outbound]
allow = ["010*", "020*", "021*", "022*", "023*"]
deny = ["0229*"]
per_number_daily = 3
[trunks.t]
addresses = ["198.51.100.7"]
peers = ["198.51.100.7:5060"]
trusted = true
allow = ["010*", "020*", "021*", "022*", "023*"]
deny = ["0231*"]
[trunks.t.tariff]
"010*" = "0.12"
"020*" = "9.99"
"021*" = "0.12"
"022*" = "0.05"
[trunks.dear]
addresses = ["198.51.100.8"]
peers = ["198.51.100.8:5060"]
"""
CALLED = "sip:01012345678@198.51.100.7:5060"


@dataclass
class Clock:
    now: float = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def redirects(tmp_path: Path, clock: Clock) -> Redirects:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "telebank.toml").write_text(SETTINGS)
    return Redirects(load_settings(tmp_path), clock)


def to(number: str, host: str = "198.51.100.7") -> str:
    return f"sip:{number}@{host}"


@pytest.mark.parametrize(
    ("target", "may"),
    [
        (to("02112345678"), True),  # the same price
        (to("02212345678"), True),  # a lower one
        ("tel:+862112345678", True),
        (to("02012345678"), False),  # a higher one
        (to("02312345678"), False),  # none that is known
        (to("02291234567"), False),  # denied
        (to("02311234567"), False),  # not over this trunk
        (to("00861012345678999"), False),
        (to("02112345678", "203.0.113.9"), False),  # no peer of the trunk
        (to("02112345678", "198.51.100.8"), False),  # another trunk's
        (to("alice"), False),
    ],
)
def test_whom_a_call_is_led_to(redirects: Redirects, target: str, *, may: bool) -> None:
    assert redirects.may_follow("t", CALLED, target) is may


def test_a_trunk_that_is_not_there(redirects: Redirects) -> None:
    assert not redirects.may_follow("", CALLED, to("02112345678"))
    assert not redirects.may_follow("nobody", CALLED, to("02112345678"))


def test_a_number_called_whose_price_is_not_known(redirects: Redirects) -> None:
    assert not redirects.may_follow("t", to("02312345678"), to("02112345678"))


def test_a_dear_number_may_lead_to_a_cheap_one(redirects: Redirects) -> None:
    assert redirects.may_follow("t", to("02012345678"), to("02112345678"))


def test_calls_led_to_a_number_are_counted_by_the_day(redirects: Redirects, clock: Clock) -> None:
    ways = [to("02112345678"), "tel:+862112345678", to("02112345678")]
    for target in ways:
        assert redirects.may_follow("t", CALLED, target)
        clock.now += 1.0
    assert not redirects.may_follow("t", CALLED, to("02112345678"))
    assert redirects.may_follow("t", CALLED, to("02212345678"))
    clock.now += DAY_S - 3.0
    assert redirects.may_follow("t", CALLED, to("02112345678"))
    assert not redirects.may_follow("t", CALLED, to("02112345678"))
