"""Desk phones at the user agent: proved, refreshed, gone; floods of wrong passwords; calls."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sip_line import PEER, SDP, US, Line, tokens
from support.sip_phones import ACCOUNTS, Desk, SoftPhone, account, same_but_nonce
from telebank.sip import (
    ConnectionLost,
    Hop,
    PhoneGone,
    PhoneRefused,
    PhoneRegistered,
    SendDatagram,
    SipOptions,
    UserAgent,
)
from telebank.sip.admission import AdmissionOptions
from telebank.sip.auth_headers import Credentials, read_challenges
from telebank.sip.digest import Algorithm
from telebank.sip.message import Request, Response
from telebank.sip.registering import PhoneOptions, PhoneWay
from telebank.sip.trunks import Trunks

TLS = Hop("192.0.2.30", 41_000, "tls")
NETWORKS = ("192.0.2.0/24",)


def phones(desk: Desk) -> list[str]:
    assert desk.agent.phones is not None
    return [each.uri for each in desk.agent.phones.registrar.all(desk.now)]


def ways(desk: Desk, extension: str = "1001") -> list[PhoneWay]:
    assert desk.agent.phones is not None
    return desk.agent.phones.ways(extension, desk.now)


def test_without_a_registrar_register_is_refused_as_before() -> None:
    desk = Desk(phones=PhoneOptions())
    assert desk.agent.phones is None
    assert SoftPhone(desk).says().status == 405


def test_a_phone_registers_refreshes_and_leaves() -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    assert phone.says().status == 401
    answer = phone.registers("Expires: 600\r\n")
    assert (answer.status, answer.first("contact")) == (
        200,
        "<sip:1001@192.0.2.20:5062>;expires=600",
    )
    assert answer.to.tag
    assert desk.told(PhoneRegistered) == [
        PhoneRegistered("1001", "sip:1001@192.0.2.20:5062", PEER, 600)
    ]
    desk.wait(200)
    assert phone.registers("Expires: 600\r\n").status == 200  # the nonce is good: no challenge
    assert phone.registers(contact="").first("contact").endswith(";expires=600")
    assert phone.registers("Expires: 0\r\n").headers.get("contact") is None
    assert [type(each) for each in desk.commands if not isinstance(each, SendDatagram)] == [
        PhoneRegistered,
        PhoneGone,
    ]
    assert desk.told(PhoneGone) == [PhoneGone("1001", "sip:1001@192.0.2.20:5062", PEER, "left")]
    assert desk.quiet() == {"legs": 0, "dialogs": 0, "transactions": 0, "timers": 0}


def test_a_phone_that_falls_silent_is_gone_when_its_time_is_over() -> None:
    desk = Desk()
    assert SoftPhone(desk).registers("Expires: 60\r\n").status == 200
    assert desk.wait(59) == []
    assert desk.wait(2) == ["60 PhoneGone 1001"]
    assert phones(desk) == []


def test_a_repeat_gets_the_same_answer_and_the_count_is_used_once() -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    phone.registers()
    answered = desk.sent[-1]
    desk.hears(phone.last, PEER)
    assert desk.sent[-1] == answered
    desk.wait(40)  # the transaction is over: whoever sends the same again proves nothing
    assert desk.hears(phone.last, PEER) == ["> 401 REGISTER"]


def test_known_and_unknown_names_get_the_same() -> None:
    desk = Desk()
    answers = [
        [
            same_but_nonce(SoftPhone(desk, name, "a guess", Hop("192.0.2.21", port)).says()),
            same_but_nonce(SoftPhone(desk, name, "a guess", Hop("192.0.2.21", port)).registers()),
        ]
        for port, name in ((7_001, "1001"), (7_002, "1999"), (7_003, "1002"))
    ]
    assert answers[0] == answers[1] == answers[2]
    assert {each.extension for each in desk.told(PhoneRefused)} == {"1001", "1002", ""}


def test_md5_is_for_phones_that_are_allowed_it_where_it_is_offered() -> None:
    offered = PhoneOptions("bank", NETWORKS, md5=True)
    old = SoftPhone(Desk(phones=offered), "1002", "two secret", algorithm=Algorithm.MD5)
    assert old.registers().status == 200
    other = SoftPhone(Desk(phones=offered), algorithm=Algorithm.MD5)
    assert other.registers().status == 401  # right password, but it may not
    nowhere = SoftPhone(Desk(), "1002", "two secret", algorithm=Algorithm.MD5)
    assert nowhere.registers().status == 401
    (line,) = nowhere.says().headers["www-authenticate"]
    assert "SHA-256" in line


def test_networks_of_old_phones_are_asked_for_md5_alone() -> None:
    options = PhoneOptions("bank", NETWORKS, md5_networks=("192.0.2.64/26",))
    desk = Desk(phones=options)
    old = SoftPhone(desk, "1002", "two secret", Hop("192.0.2.70", 5060), algorithm=Algorithm.MD5)
    (line,) = old.says().headers["www-authenticate"]
    assert "algorithm=MD5" in line
    assert old.registers().status == 200
    strict = SoftPhone(desk, source=Hop("192.0.2.71", 5060))
    assert strict.registers().status == 401  # a phone that is not allowed MD5 registers elsewhere
    assert SoftPhone(desk).registers().status == 200
    weaker = SoftPhone(desk, "1002", "two secret", algorithm=Algorithm.MD5)
    assert weaker.registers().status == 401  # and MD5 counts in those networks only


def test_a_phone_changes_its_own_address_only() -> None:
    desk = Desk()
    assert SoftPhone(desk, to="1002").registers().status == 403
    assert phones(desk) == []


def test_from_elsewhere_nobody_is_asked_for_a_password() -> None:
    desk = Desk()
    far = SoftPhone(desk, source=Hop("203.0.113.5", 5060))
    assert far.says().status == 403
    (refused,) = desk.told(PhoneRefused)
    assert (refused.extension, refused.source.host) == ("", "203.0.113.5")


def test_too_short_a_time_and_extensions_are_refused() -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    answer = phone.registers("Expires: 10\r\n")
    assert (answer.status, answer.first("min-expires")) == (423, "60")
    required = phone.says("Require: outbound\r\n")
    assert (required.status, required.first("unsupported")) == (420, "outbound")
    assert phone.registers().status == 200


def test_many_at_once_from_one_source_are_told_to_wait() -> None:
    desk = Desk(phones=PhoneOptions("bank", NETWORKS, registrations_per_s=5))
    phone = SoftPhone(desk)
    statuses = [phone.says().status for _ in range(30)]
    assert statuses == [401] * 10 + [503] * 20
    assert SoftPhone(desk, source=Hop("192.0.2.77", 5060)).registers().status == 200
    desk.wait(10)
    assert phone.registers().status == 200


def test_a_closed_phone_and_one_with_another_secret_are_gone() -> None:
    desk = Desk()
    one, two = SoftPhone(desk), SoftPhone(desk, "1002", "two secret", Hop("192.0.2.22", 5062))
    assert (one.registers().status, two.registers().status) == (200, 200)
    assert desk.did(desk.agent.use_phones({"1002": ACCOUNTS["1002"]})) == ["PhoneGone 1001"]
    assert one.registers().status == 401
    assert desk.did(desk.agent.use_phones(ACCOUNTS)) == []
    assert one.registers().status == 200
    new = {**ACCOUNTS, "1002": account("1002", "another")}
    assert desk.did(desk.agent.use_phones(new)) == ["PhoneGone 1002"]
    assert two.registers().status == 401


def guesser(desk: Desk, number: int) -> tuple[SoftPhone, str]:
    """Somebody who goes on guessing with the nonce that he was given."""
    name = ("1001", "1002", "1999", "admin")[number % 4]
    phone = SoftPhone(desk, name, "a guess", Hop(f"192.0.2.{100 + number}", 1_024 + number))
    (challenge,) = read_challenges(phone.says().headers["www-authenticate"])
    guess = Credentials(name, "bank", challenge.nonce, "sip:bank", "0" * 64, "SHA-256")
    guess = replace(guess, qop="auth", nc="00000001", cnonce="c")
    return phone, f"Authorization: {guess.written()}\r\n"


def test_ten_thousand_wrong_passwords_leave_nothing_and_stop_nobody() -> None:
    desk = Desk()
    phone = SoftPhone(desk, source=Hop("192.0.2.99", 5062))
    assert phone.registers("Expires: 600\r\n").status == 200
    desk.live()  # a call of 192.0.2.20
    desk.wait(40)
    before, tag = desk.agent.counts(), desk.our_tag
    guessers = itertools.cycle([guesser(desk, number) for number in range(50)])
    for number in range(10_000):
        guess, line = next(guessers)
        assert guess.says(signed=line).status == 401
        if number % 1_000 == 0:
            desk.wait(0.5)
            assert phone.registers("Expires: 600\r\n").status == 200
            assert desk.hears(desk.request("INFO", cseq=10 + number, to_tag=tag)) == ["> 200 INFO"]
            desk.sent.clear()
    desk.wait(40)
    assert desk.agent.counts() == before
    assert desk.agent.phones is not None
    kept = desk.agent.phones.counts()
    assert (kept["registered"], kept["digest_nonces"]) == (1, 1)
    assert max(kept.values()) < 100  # by source address and by phone, not by try
    assert len(desk.told(PhoneRefused)) < 100
    last = SoftPhone(desk, "1002", "two secret", Hop("192.0.2.98", 5062))
    assert last.registers().status == 200


def test_sources_without_number_are_bounded() -> None:
    desk = Desk(phones=PhoneOptions("bank", ("192.0.0.0/8",), sources=100))
    for number in range(1_000):
        SoftPhone(
            desk, "1001", "a guess", Hop(f"192.7.{number // 250}.{number % 250}", 5060)
        ).says()
    assert desk.agent.phones is not None
    assert desk.agent.phones.counts()["sources"] == 100


# Calls to phones


def test_a_phone_is_called_where_it_registered() -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    phone.registers()
    assert ways(desk) == [PhoneWay("sip:1001@192.0.2.20:5062", PEER, by_flow=False)]
    assert ways(desk, "1002") == ways(desk, "1999") == []


def test_a_phone_behind_address_translation_is_called_by_the_way_it_came() -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    phone.registers(contact="<sip:1001@10.0.0.7:5060>")
    (way,) = ways(desk)
    assert way == PhoneWay("sip:1001@10.0.0.7:5060", PEER, by_flow=True)
    call(desk, way, "10.0.0.7:5060")
    assert desk.did(desk.agent.hang_up(desk.leg, desk.now)) == ["CallEnded local", "> BYE"]
    # The INVITE, its ACK and the BYE went to where the REGISTER came from.
    sent = [one for one in desk.commands if isinstance(one, SendDatagram)][-3:]
    assert [one.destination for one in sent] == [PEER] * 3
    bye = desk.last()
    assert isinstance(bye, Request)
    assert bye.uri == "sip:1001@10.0.0.7:5060"


def test_a_phone_over_tls_is_called_over_its_connection_and_not_once_it_is_lost() -> None:
    desk = Desk()
    phone = SoftPhone(desk, source=TLS)
    phone.registers(contact="<sip:1001@10.0.0.7:5061;transport=tls>")
    assert desk.agent.uses(TLS)
    assert ways(desk) == [PhoneWay("sip:1001@10.0.0.7:5061;transport=tls", TLS, by_flow=True)]
    desk.did(desk.agent.receive(ConnectionLost(TLS), desk.now))
    assert ways(desk) == []
    again = SoftPhone(desk, source=TLS._replace(port=41_001), call_id=phone.call_id)
    again.cseq = phone.cseq
    assert again.registers(contact="<sip:1001@10.0.0.7:5061;transport=tls>").status == 200
    assert [way.hop.port for way in ways(desk)] == [41_001]
    assert not desk.agent.uses(TLS)


def test_headers_in_a_contact_are_in_no_request() -> None:
    desk = Desk()
    contact = "<sip:1001@192.0.2.20:5062;x=1?Route=%3Csip:evil.example%3E>"
    assert SoftPhone(desk).registers(contact=contact).first("contact").startswith(contact)
    assert ways(desk) == [PhoneWay("sip:1001@192.0.2.20:5062;x=1", PEER, by_flow=False)]


def test_contacts_are_called_the_best_first() -> None:
    desk = Desk()
    first = SoftPhone(desk, source=Hop("192.0.2.51", 5060))
    second = SoftPhone(desk, source=Hop("192.0.2.52", 5060))
    assert first.registers(contact="<sip:1001@192.0.2.51>;q=0.5").status == 200
    assert second.registers(contact="<sip:1001@192.0.2.52>;q=0.9").status == 200
    assert [way.hop.host for way in ways(desk)] == ["192.0.2.52", "192.0.2.51"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"networks": ("10.0.0.0/33",)},
        {"registrations_per_s": 0},
        {"min_expires": 0},
        {"phones": 0},
        {"max_expires": 60},
        {"realm": "a\nb"},
        {"realm": "bank example"},
        {"realm": 'bank"'},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        PhoneOptions(**wrong)  # type: ignore[arg-type]


def test_a_realm_that_is_no_domain_is_refused_with_one_that_is() -> None:
    with pytest.raises(ValueError, match=r"realm: 'bank example' is no domain.*\"bank\.example\""):
        PhoneOptions("bank example")


def call(desk: Line, way: PhoneWay, contact: str) -> None:
    """Call a phone up to its ACK; it says in its 200 that it is at `contact`."""
    desk.leg, commands = desk.agent.invite(
        *(way.uri, "sip:bank@192.0.2.10", SDP.encode(), desk.now),
        destination=way.hop,
        by_flow=way.by_flow,
    )
    assert desk.did(commands) == ["> INVITE"]
    reply = desk.reply(desk.sent[-1], 200, "OK", body=SDP)
    reply = reply.replace("sip:bob@192.0.2.20:5062", f"sip:1001@{contact}")
    assert desk.hears(reply) == ["> ACK", "CallAnswered"]


def test_full_tables_put_new_registrations_off() -> None:
    desk = Desk(SipOptions(max_transactions=1))
    assert SoftPhone(desk).registers().status == 200
    other = SoftPhone(desk, "1002", "two secret", Hop("192.0.2.22", 5062))
    assert other.says().status == 503
    desk.wait(40)
    assert other.registers().status == 200


# Behind admission


def behind_a_door(**options: float) -> Desk:
    desk = Desk(phones=PhoneOptions("bank", ("192.0.0.0/8",), registrations_per_s=1e6))
    desk.agent = UserAgent(
        *(US, desk.options, tokens("t"), Trunks(), AdmissionOptions(**options)),  # type: ignore[arg-type]
        phones=desk.phones,
    )
    desk.agent.use_phones(ACCOUNTS)
    return desk


def test_a_flood_from_many_sources_stops_no_phone_that_is_known() -> None:
    desk = behind_a_door(registers_per_s=20.0)
    phone = SoftPhone(desk, source=Hop("192.0.2.99", 5062))
    assert phone.registers("Expires: 60\r\n").status == 200
    for number in range(5_000):
        source = Hop(f"192.{1 + number % 200}.2.{number % 250}", 5060)
        desk.hears(SoftPhone(desk, "1001", "a guess", source, branch=number).text(), source)
        if number % 500 == 0:
            desk.wait(1)
            assert phone.registers("Expires: 60\r\n").status == 200
    desk.sent.clear()
    stranger = Hop("192.9.9.9", 5060)
    desk.hears(SoftPhone(desk, "1001", "a guess", stranger, branch=1).text(), stranger)
    assert desk.last().status == 503  # type: ignore[union-attr]
    desk.wait(40)
    assert desk.agent.counts()["transactions"] == 0


def test_a_phone_with_a_wrong_password_is_listened_to_again_once_it_has_the_right_one() -> None:
    """Admission holds strangers that only ever fail; a secret mistyped is no scan."""
    desk = behind_a_door(failures=5)
    for _ in range(30):
        assert SoftPhone(desk, "1001", "mistyped").registers().status == 401
        desk.wait(60)
    desk.wait(300)
    assert SoftPhone(desk).registers().status == 200


def test_from_elsewhere_nobody_is_heard_for_long() -> None:
    desk = behind_a_door(failures=5)
    far = SoftPhone(desk, source=Hop("203.0.113.5", 5060))
    assert [far.says().status for _ in range(5)] == [403] * 5
    before = len(desk.sent)
    desk.hears(far.text(), far.source)
    assert len(desk.sent) == before


# Whatever comes

_LINE = st.text(
    st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=60
)
_PIECE = st.sampled_from(
    [
        *("*", "<sip:1001@192.0.2.20>", ";expires=", "=", ",", '"', "<", ">", ";q=0.5", "0", "-1"),
        *("4294967296", "sips:a@b", "Digest ", 'realm="bank"', 'username="1001"', "nc=00000001"),
        *("qop=auth", 'nonce="', "algorithm=SHA-256", "response=", "\x00", "\u9280"),
    ]
)
_VALUE = st.one_of(_LINE, st.lists(_PIECE, max_size=12).map("".join))


@given(
    st.lists(
        st.tuples(st.sampled_from(["Contact", "Expires", "Authorization", "Require", "q"]), _VALUE),
        max_size=6,
    )
)
def test_anything_gets_one_answer_and_registers_nobody(lines: list[tuple[str, str]]) -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    extra = "".join(f"{name}: {value}\r\n" for name, value in lines)
    desk.hears(phone.text(extra), PEER)
    assert len(desk.sent) == 1
    answer = desk.last()
    assert isinstance(answer, Response)
    assert answer.status in (400, 401, 413, 420)
    assert phones(desk) == []


@given(st.lists(st.tuples(st.sampled_from(["Contact", "Expires", "q"]), _VALUE), max_size=6))
def test_a_phone_that_writes_anything_breaks_nothing(lines: list[tuple[str, str]]) -> None:
    desk = Desk()
    phone = SoftPhone(desk)
    extra = "".join(f"{name}: {value}\r\n" for name, value in lines)
    answer = phone.registers(extra, contact="")
    assert answer.status in (200, 400, 403, 413, 423)
    assert len(phones(desk)) <= 3
    assert phone.registers(contact="").status == 200
    desk.wait(8_000)
    assert phones(desk) == []
    assert desk.agent.counts()["timers"] == 0
