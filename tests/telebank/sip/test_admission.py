"""Admission: limits that hold in every window, in bounded memory, whatever comes."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.admission import BURST_S, Admission, AdmissionOptions, Bucket, Verdict
from telebank.sip.glance import Glance, glance
from telebank.sip.trunks import Trunk, TrunkOptions
from telebank.sip.uri import Hop

OPTIONS = AdmissionOptions(
    setups_per_s=20.0,
    strangers_setups_per_s=8.0,
    stranger_setups_per_s=2.0,
    others_per_s=4.0,
    strangers_others_per_s=6.0,
    malformed_per_s=2.0,
    refusals_per_s=3.0,
    all_refusals_per_s=30.0,
    failures=5,
    hold_s=60.0,
    sources=16,
)
CARRIER = Trunk("carrier", TrunkOptions(setups_per_s=5.0))


def message(method: str = "INVITE", agent: str = "phone", caller: str = "sip:1@peer") -> Glance:
    data = (
        f"{method} sip:95588@bank SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
        f"From: <{caller}>;tag=1\r\nTo: <sip:95588@bank>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\n"
        f"User-Agent: {agent}\r\n\r\n"
    )
    seen = glance(data.encode())
    assert seen is not None
    return seen


INVITE, PING, REGISTER = message(), message("OPTIONS"), message("REGISTER")


@given(
    st.floats(0.1, 50.0),
    st.lists(st.floats(0, 2.0, allow_subnormal=False), min_size=1, max_size=200),
)
def test_a_bucket_lets_no_more_through_in_any_window(rate: float, gaps: list[float]) -> None:
    bucket, now, taken = Bucket(rate, 0.0), 0.0, []
    for gap in gaps:
        now += gap
        if bucket.take(now):
            taken.append(now)
    size = max(1.0, rate * BURST_S)
    for first, begin in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= size + rate * (taken[last] - begin) + 1e-6


_SOURCES = [*(f"192.0.2.{nth}" for nth in range(40)), *(f"2001:db8:0:{nth}::7" for nth in range(8))]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 48), st.floats(0.0005, 0.3))
def test_no_source_no_stranger_and_not_all_have_more_than_their_limit(
    seed: int, many: int, gap: float
) -> None:
    chance = random.Random(seed)
    admission, now = Admission(OPTIONS), 0.0
    passed: dict[str, list[float]] = {"all": [], "strangers": []}
    said: list[float] = []
    for _ in range(600):
        now += chance.expovariate(1 / gap)
        host = chance.choice(_SOURCES[:many])
        trunk = CARRIER if host.endswith("5") else None
        verdict = admission.judge(INVITE, Hop(host, 5060), trunk, now)
        if verdict is Verdict.REFUSE:
            said.append(now)
        if verdict is Verdict.PASS:
            names = ["all", host] + (["strangers"] if trunk is None else [])
            for name in names:
                passed.setdefault(name, []).append(now)
        assert admission.counts()["sources"] <= OPTIONS.sources
    for name, times in passed.items():
        rate = {"all": 20.0, "strangers": 8.0}.get(name, 5.0 if name.endswith("5") else 2.0)
        check(times, rate)
    check(said, OPTIONS.all_refusals_per_s)


def check(times: list[float], rate: float) -> None:
    """In no window more than a bucket and what comes into it."""
    for first in range(len(times)):
        last = len(times) - 1
        for end in {first, min(first + 3, last), min(first + 30, last), last}:
            many = end - first + 1
            assert many <= rate * BURST_S + rate * (times[end] - times[first]) + 1e-6


def test_a_flood_is_refused_then_met_with_silence_and_costs_others_nothing() -> None:
    admission = Admission(OPTIONS)
    flood, good = Counter[Verdict](), Counter[Verdict]()
    for tick in range(1_000):  # ten seconds
        now = tick / 100
        flood[admission.judge(INVITE, Hop("192.0.2.66", 5060), None, now)] += 1
        if tick % 25 == 0:
            good[admission.judge(INVITE, Hop("192.0.2.5", 5060), CARRIER, now)] += 1
    assert good == {Verdict.PASS: 40}
    assert flood[Verdict.PASS] <= 2 * BURST_S + 20
    assert flood[Verdict.REFUSE] <= 3 * BURST_S + 30
    assert flood[Verdict.SILENCE] > 900
    assert admission.totals["passed"] == 40 + flood[Verdict.PASS]


def test_strangers_by_the_thousand_do_not_push_a_trunk_out() -> None:
    admission = Admission(OPTIONS)
    for nth in range(5_000):
        source = Hop(f"10.{nth >> 16}.{(nth >> 8) & 255}.{nth & 255}", 5060)
        admission.judge(INVITE, source, None, nth / 1_000)
    assert admission.counts()["sources"] == OPTIONS.sources
    for nth in range(10):
        found = admission.judge(INVITE, Hop("192.0.2.5", 5060), CARRIER, 5.0 + nth / 10)
        assert found is Verdict.PASS


def test_who_only_ever_fails_is_not_listened_to() -> None:
    admission, source = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    for nth in range(5):
        assert admission.hears(source, None, float(nth))
        admission.failed(source, None, float(nth))
    assert admission.judge(INVITE, source, None, 10.0) is Verdict.HELD
    assert not admission.hears(source, None, 60.0)
    assert admission.judge(PING, source, None, 63.9) is Verdict.HELD
    assert admission.judge(PING, source, None, 64.0) is Verdict.PASS  # the others prolonged nothing


def test_a_hold_is_over_in_time_whatever_is_sent_meanwhile() -> None:
    admission, source = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    for nth in range(5):
        admission.failed(source, None, float(nth))
    for nth in range(5, 64):
        assert admission.judge(PING, source, None, float(nth)) is Verdict.HELD
        admission.failed(source, None, float(nth))  # such as what was let in before
    for nth in range(64, 68):
        assert admission.judge(PING, source, None, float(nth)) is Verdict.PASS
        admission.failed(source, None, float(nth))  # counted anew: five again hold it
    admission.failed(source, None, 68.0)
    assert admission.judge(PING, source, None, 68.0) is Verdict.HELD


def test_what_fails_by_udp_holds_no_connection() -> None:
    admission, udp = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    for _ in range(5):
        admission.failed(udp, None, 1.0)
    assert admission.judge(PING, udp, None, 1.0) is Verdict.HELD
    assert admission.judge(PING, udp._replace(transport="tls"), None, 1.0) is Verdict.PASS


def test_a_phone_may_register_while_its_address_is_on_hold() -> None:
    admission, phone = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    for _ in range(5):
        admission.failed(phone, None, 1.0)
    assert admission.judge(REGISTER, phone, None, 1.0) is Verdict.HELD
    assert admission.judge(REGISTER, phone, None, 1.0, registers=True) is Verdict.PASS
    assert admission.judge(PING, phone, None, 1.0) is Verdict.HELD
    admission.proved(phone, None, 1.0)
    assert admission.judge(PING, phone, None, 1.0) is Verdict.PASS


def test_who_showed_a_password_is_kept_whatever_others_send() -> None:
    admission, phone = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    admission.proved(phone, None, 0.0)
    for nth in range(1_000):  # their buckets are full again at once: each pushes one out
        admission.judge(PING, Hop(f"10.0.{nth >> 8}.{nth & 255}", 5060), None, float(nth))
    for _ in range(100):
        admission.failed(phone, None, 1_000.0)
    assert admission.has_proved(phone)
    assert admission.judge(INVITE, phone, None, 1_000.0) is Verdict.PASS


def test_strangers_do_not_use_up_what_proved_phones_may() -> None:
    admission, phone = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    admission.proved(phone, None, 0.0)
    for nth in range(1_000):
        stranger = Hop(f"10.0.{nth >> 8}.{nth & 255}", 5060)
        for seen in (INVITE, PING, REGISTER):
            admission.judge(seen, stranger, None, nth / 1_000)
        admission.hears(stranger, None, nth / 1_000)
    assert admission.judge(INVITE, phone, None, 1.0) is Verdict.PASS
    assert admission.judge(PING, phone, None, 1.0) is Verdict.PASS
    assert admission.judge(REGISTER, phone, None, 1.0, registers=True) is Verdict.PASS
    assert admission.hears(phone, None, 1.0)


def test_those_that_proved_themselves_are_bounded_too() -> None:
    admission = Admission(OPTIONS)
    for nth in range(100):
        admission.proved(Hop(f"192.0.2.{nth}", 5060), None, float(nth))
    assert admission.counts() == {"sources": 0, "proved": OPTIONS.sources}
    assert admission.has_proved(Hop("192.0.2.99", 5060))
    assert not admission.has_proved(Hop("192.0.2.0", 5060))


@pytest.mark.parametrize("seen", [PING, REGISTER, message("CANCEL")])
def test_strangers_have_one_limit_however_many_they_are(seen: Glance) -> None:
    admission, found = Admission(OPTIONS), Counter[Verdict]()
    for nth in range(10_000):  # ten seconds, each from a source of its own
        source = Hop(f"10.{nth >> 16}.{(nth >> 8) & 255}.{nth & 255}", 5060)
        found[admission.judge(seen, source, None, nth / 1_000)] += 1
    assert found[Verdict.PASS] <= 6 * BURST_S + 60
    assert found[Verdict.PASS] >= 60
    # Newcomers that share one's limits get the 503s of one.
    assert found[Verdict.REFUSE] <= 3 * BURST_S + 30 + OPTIONS.sources
    assert admission.judge(seen, Hop("192.0.2.5", 5060), CARRIER, 10.0) is Verdict.PASS


def test_what_strangers_send_that_is_no_request_has_one_limit() -> None:
    admission, heard = Admission(OPTIONS), 0
    for nth in range(10_000):
        source = Hop(f"10.{nth >> 16}.{(nth >> 8) & 255}.{nth & 255}", 5060)
        heard += admission.hears(source, None, nth / 1_000)
    assert 20 <= heard <= 2 * BURST_S + 20
    assert admission.hears(Hop("192.0.2.5", 5060), CARRIER, 10.0)


def test_who_made_a_call_and_who_is_a_trunk_are_not_put_on_hold() -> None:
    admission = Admission(OPTIONS)
    caller, trunk = Hop("192.0.2.66", 5060), Hop("192.0.2.5", 5060)
    admission.succeeded(caller, None, 0.0)
    for nth in range(100):
        admission.failed(caller, None, float(nth))
        admission.failed(trunk, CARRIER, float(nth))
    assert admission.judge(INVITE, caller, None, 100.0) is Verdict.PASS
    assert admission.judge(INVITE, trunk, CARRIER, 100.0) is Verdict.PASS


@pytest.mark.parametrize(
    "scan",
    [
        message(agent="friendly-scanner"),
        message(agent="Mozilla sipvicious/0.3"),
        message(caller="sip:100@1.1.1.1"),
        message("OPTIONS", caller="sip:nm@192.0.2.7"),
    ],
)
def test_scans_get_nothing_and_their_sources_are_held(scan: Glance) -> None:
    admission = Admission(OPTIONS, ("friendly-scanner", "sipvicious"))
    source = Hop("192.0.2.66", 5060)
    for _ in range(5):
        assert admission.judge(scan, source, None, 1.0) is Verdict.SCAN
    assert admission.judge(INVITE, source, None, 1.0) is Verdict.HELD
    assert admission.judge(scan, Hop("192.0.2.5", 5060), CARRIER, 1.0) is Verdict.SCAN


def test_other_requests_have_their_own_limit() -> None:
    admission, source = Admission(OPTIONS), Hop("192.0.2.66", 5060)
    found = Counter(admission.judge(PING, source, None, 1.0) for _ in range(20))
    assert found == {Verdict.PASS: 8, Verdict.REFUSE: 6, Verdict.SILENCE: 6}
    assert admission.judge(INVITE, source, None, 1.0) is Verdict.PASS


def test_registrations_are_limited_in_all() -> None:
    admission = Admission(AdmissionOptions(registers_per_s=5.0))
    sources = [Hop(f"192.0.2.{nth}", 5060) for nth in range(100)]
    found = Counter(
        admission.judge(REGISTER, source, None, 1.0, registers=True) for source in sources
    )
    assert found[Verdict.PASS] == 10


def test_a_network_of_ipv6_is_one_source() -> None:
    admission = Admission(OPTIONS)
    verdicts = [
        admission.judge(INVITE, Hop(f"2001:db8::{nth:x}", 5060), None, 1.0) for nth in range(10)
    ]
    assert verdicts.count(Verdict.PASS) == 4
    assert admission.judge(INVITE, Hop("2001:db8:0:1::1", 5060), None, 1.0) is Verdict.PASS
