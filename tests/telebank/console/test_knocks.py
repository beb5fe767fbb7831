"""Failed logins by address: counted, forgotten in time, bounded."""

from pathlib import Path

import pytest

from support.console_desk import open_desk
from telebank.console import knocks
from telebank.console.knocks import MAX_ADDRESSES, MOST, WITHIN_S, Knocks


def failing(many: int, address: str = "192.0.2.1", now: float = 0.0) -> Knocks:
    found = Knocks()
    for _ in range(many):
        found.failed(address, now)
    return found


def test_an_address_with_too_many_failures_waits_and_no_other_does() -> None:
    assert failing(MOST - 1).wait_s("192.0.2.1", 1.0) == 0.0
    full = failing(MOST)
    assert full.wait_s("192.0.2.1", 1.0) == WITHIN_S - 1.0
    assert full.wait_s("192.0.2.2", 1.0) == 0.0
    assert full.wait_s("192.0.2.1", WITHIN_S) == 0.0


def test_failures_spread_over_time_never_add_up() -> None:
    found = Knocks()
    for number in range(5 * MOST):
        now = number * WITHIN_S / (MOST - 1)
        assert found.wait_s("192.0.2.1", now) == 0.0
        found.failed("192.0.2.1", now)


def test_a_network_of_ipv6_and_all_without_an_address_count_as_one() -> None:
    assert failing(MOST, "2001:db8::1").wait_s("2001:db8::ffff:2", 1.0) > 0
    assert failing(MOST, "2001:db8::1").wait_s("2001:db8:0:1::1", 1.0) == 0
    assert failing(MOST, "::ffff:192.0.2.1").wait_s("192.0.2.1", 1.0) > 0
    assert failing(MOST, "").wait_s("unix:", 1.0) > 0


def test_what_is_remembered_is_bounded() -> None:
    found = failing(MOST)
    for number in range(MAX_ADDRESSES):
        found.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1.0)
    assert found.wait_s("192.0.2.1", 2.0) == 0.0
    assert found.wait_s("10.0.39.15", 2.0) == 0.0


async def test_a_console_does_not_ask_the_node_for_who_failed_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(knocks, "MOST", 3)
    async with open_desk(tmp_path) as desk:
        chen = await desk.house.found("chen", "administrator")
        for number in range(3):
            refused = await desk.login(chen, name=f"nobody.{number}")
            assert refused.status_code == 401
        held = await desk.login(chen)
        assert held.status_code == 429
        assert int(held.headers["Retry-After"]) > 0
        assert "请过一分钟再试" in held.text
