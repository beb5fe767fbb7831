"""Who may have which media, and what the workers are told of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_private_key,
)

from telebank import wire
from telebank.calls.certificate import MediaIdentities, MediaIdentity, new_identity
from telebank.calls.security import MediaSecurity, told, unread
from telebank.sip import CallOffered, Hop
from telebank.sip.dtls import Ice
from telebank.sip.protection import DtlsSecurity, MediaWay, SdesSecurity
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import STRANGERS, TrunkOptions, Trunks

NOW = datetime(2026, 3, 31, 4, tzinfo=UTC)
PHONE = Hop("10.0.0.8", 5060)
TRUNKS = Trunks(
    {
        "open": TrunkOptions(addresses=("192.0.2.1",)),
        "locked": TrunkOptions(addresses=("192.0.2.2",), media="srtp"),
        "tunnel": TrunkOptions(addresses=("192.0.2.3",), media="srtp", sdes_in_clear=True),
        "old": TrunkOptions(addresses=("192.0.2.4",), media="plain"),
    }
)
SECURITY = MediaSecurity(
    TRUNKS, PhoneOptions(media="srtp", sdes_in_clear=True), "plain", lambda: "AA:BB"
)


def offered(trunk: str, source: Hop) -> CallOffered:
    return CallOffered("leg", "call", "sip:a@b", "", "sip:bank@b", None, source, trunk=trunk)


@pytest.mark.parametrize(
    ("trunk", "source", "way", "sdes"),
    [
        ("open", Hop("192.0.2.1", 5060), "any", False),
        ("open", Hop("192.0.2.1", 5060, "tcp"), "any", False),
        ("open", Hop("192.0.2.1", 5061, "tls"), "any", True),
        ("locked", Hop("192.0.2.2", 5060), "srtp", False),
        ("tunnel", Hop("192.0.2.3", 5060), "srtp", True),
        ("old", Hop("192.0.2.4", 5060), "plain", False),
        ("loopback", Hop("127.0.0.5", 5060), "any", True),
        ("loopback", Hop("::1", 5060), "any", True),
        (STRANGERS, Hop("203.0.113.1", 5060), "plain", False),
        ("phone 8001", PHONE, "srtp", True),
        (STRANGERS, PHONE, "plain", False),
        ("", Hop("203.0.113.1", 5060), "any", False),
    ],
)
def test_by_trunk_phone_and_stranger(trunk: str, source: Hop, way: MediaWay, sdes: bool) -> None:
    policy = SECURITY.of_call(offered(trunk, source)).policy
    assert (policy.way, policy.sdes, policy.fingerprint) == (way, sdes, "AA:BB")


def test_calls_of_ours() -> None:
    assert [SECURITY.to_trunk(name) for name in ("locked", "old", "")] == ["srtp", "plain", "any"]


def test_a_link_local_address_with_its_zone_is_no_loopback() -> None:
    assert not unread(Hop("fe80::1%eth0", 5060))


def test_what_workers_are_told() -> None:
    assert told(None) is None
    sdes = told(SdesSecurity("AEAD_AES_128_GCM", b"ours", b"theirs"))
    assert sdes == wire.SdesKeys(suite="AEAD_AES_128_GCM", send=b"ours", receive=b"theirs")
    dtls = told(DtlsSecurity("AB", active=True, ours=Ice("uf", "pw"), peer_ufrag="peer"))
    assert dtls == wire.DtlsKeys(
        fingerprint="AB", active=True, ufrag="uf", password="pw", peer_ufrag="peer"
    )
    named = told(DtlsSecurity("AB", active=False), "CD")
    assert named == wire.DtlsKeys(fingerprint="AB", active=False, shown="CD")
    assert told(DtlsSecurity("AB", active=False)) == wire.DtlsKeys(fingerprint="AB", active=False)


def test_the_certificate_is_new_each_time_and_goes_with_its_key_and_fingerprint() -> None:
    one, other = new_identity(NOW), new_identity(NOW)
    assert one.fingerprint != other.fingerprint
    certificate = x509.load_pem_x509_certificate(one.certificate)
    octets = sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert one.fingerprint == ":".join(f"{octet:02X}" for octet in octets)
    public = certificate.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    assert load_pem_private_key(one.key, None).public_key() == public  # type: ignore[union-attr]
    assert certificate.not_valid_after_utc - NOW == timedelta(days=30)
    assert NOW - certificate.not_valid_before_utc == timedelta(days=1)
    assert "PRIVATE" not in repr(one)


def test_a_year_of_certificates() -> None:
    shown: list[MediaIdentity] = []
    ours = MediaIdentities(shown.append)
    for hours in range(0, 365 * 24, 4):
        now = NOW + timedelta(hours=hours)
        assert ours.fingerprint(now) == shown[-1].fingerprint
        dates = x509.load_pem_x509_certificate(shown[-1].certificate)
        assert dates.not_valid_before_utc < now < dates.not_valid_after_utc - timedelta(days=22)
    assert len(shown) == 365 // 7 + 1  # none before its time
    assert len({one.fingerprint for one in shown}) == len(shown)


def test_a_clock_that_is_put_back_behind_a_certificate_gets_another() -> None:
    shown: list[MediaIdentity] = []
    ours = MediaIdentities(shown.append)
    first = ours.fingerprint(NOW)
    assert ours.fingerprint(NOW - timedelta(hours=23)) == first
    assert ours.fingerprint(NOW - timedelta(days=2)) != first
    assert len(shown) == 2


async def test_live_legs_keep_theirs_and_new_ones_get_the_next() -> None:
    names = iter(("AA", "BB"))
    node = replace(SECURITY, fingerprint=lambda: next(names))
    before, after = (node.of_call(offered("open", Hop("192.0.2.1", 5060))) for _ in range(2))
    assert (before.policy.fingerprint, after.policy.fingerprint) == ("AA", "BB")


def test_a_trunk_of_srtp_is_called_over_tls() -> None:
    for peer in ("tls:192.0.2.1:5061", "127.0.0.1:5060"):
        TrunkOptions(media="srtp", peers=(peer,))
    with pytest.raises(ValueError, match="write tls:"):
        TrunkOptions(media="srtp", peers=("tls:192.0.2.1:5061", "tcp:192.0.2.1:5060"))
    TrunkOptions(media="srtp", peers=("192.0.2.1:5060",), sdes_in_clear=True)
