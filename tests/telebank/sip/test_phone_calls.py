"""Calls of desk phones from where no trunk is: proved by digest, with rights of their own, and
nothing for others to learn."""

from typing import Any

import pytest

from support.sip_line import US, tokens
from support.sip_phones import ACCOUNTS, NETWORKS, REALM, Caller, Desk, SoftPhone, same_but_nonce
from telebank.sip import CallOffered, Hop, PhoneRefused, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import TrunkOptions, Trunks

WELL = AdmissionOptions(failures=1_000, stranger_setups_per_s=1e3, strangers_setups_per_s=1e3)


def desk_of(here: AdmissionOptions = WELL, trunks: Trunks | None = None, **phones: Any) -> Desk:
    """A registrar whose agent has the usual trunk, this machine."""
    desk = Desk(phones=PhoneOptions(REALM, NETWORKS, registrations_per_s=1e6, **phones))
    desk.agent = UserAgent(
        *(US, desk.options, tokens("t"), trunks or Trunks(), here), phones=desk.phones
    )
    desk.agent.use_phones(ACCOUNTS)
    return desk


def offered(desk: Desk) -> list[CallOffered]:
    return [each for each in desk.commands if isinstance(each, CallOffered)]


def test_a_phone_that_proves_itself_calls() -> None:
    desk = desk_of()
    phone = Caller(desk)
    assert phone.invites().status == 401
    assert desk.agent.counts() == {"legs": 0, "dialogs": 0, "transactions": 0, "timers": 0}
    assert phone.calls().status == 100
    (call,) = offered(desk)
    assert (call.trunk, call.from_uri, call.to_uri) == (
        "phone 1001",
        "sip:1001@bank",
        "sip:95588@bank",
    )
    assert desk.agent.phones is not None
    assert desk.agent.phones.calls == {"challenged": 2, "proved": 1}


def test_a_repeat_of_a_call_that_was_let_in_is_not_asked_again() -> None:
    desk = desk_of()
    phone = Caller(desk)
    assert phone.calls().status == 100
    assert desk.hears(phone.last, phone.source) == ["> 100 INVITE"]
    assert len(offered(desk)) == 1


def test_what_a_trunk_has_is_not_asked_for_a_password() -> None:
    trunks = Trunks({"pbx": TrunkOptions(addresses=("192.0.2.20",))})
    desk = desk_of(trunks=trunks)
    assert Caller(desk).invites().status == 100
    assert offered(desk)[0].trunk == "pbx"


def test_known_and_unknown_names_get_the_same() -> None:
    desk = desk_of()
    names = (("1001", 7_001), ("1999", 7_002), ("1002", 7_003), ("alice", 7_004))
    answers = []
    for name, port in names:
        phone = Caller(desk, name, "a guess", Hop("192.0.2.21", port))
        answers.append([same_but_nonce(phone.invites()), same_but_nonce(phone.calls())])
        assert (phone.invites().status, phone.calls().status) == (401, 401)
    assert all(each == answers[0] for each in answers)
    assert offered(desk) == []
    assert {each.extension for each in desk.told(PhoneRefused)} == {"1001", "1002", ""}


def test_wrong_passwords_are_counted_with_those_of_registering() -> None:
    desk = desk_of()
    source = Hop("192.0.2.21", 7_001)
    for _ in range(6):
        assert SoftPhone(desk, secret="a guess", source=source).registers().status == 401
    assert Caller(desk, source=source).calls().status == 401  # the right one, but held
    assert desk.agent.phones is not None
    assert desk.agent.phones.calls["held"] == 1
    desk.wait(3)
    assert Caller(desk, source=source).calls().status == 100


def test_who_only_ever_fails_is_not_listened_to() -> None:
    desk = desk_of(AdmissionOptions(failures=4, stranger_setups_per_s=1e3))
    phone = Caller(desk, "1999", "a guess")
    for _ in range(4):
        assert phone.invites().status == 401
    with pytest.raises(ValueError, match="not enough values"):
        phone.invites()


def test_a_phone_that_is_known_is_never_shut_out_by_its_challenges() -> None:
    desk = desk_of(AdmissionOptions(failures=4, stranger_setups_per_s=1e3), calls=50)
    phone = Caller(desk)
    assert phone.registers().status == 200
    assert [phone.invites().status for _ in range(10)] == [401] * 10
    assert phone.calls().status == 100


def test_a_phone_is_not_shut_out_by_what_is_sent_in_its_name() -> None:
    """Nor by its own keep-alives after a restart of the node."""
    desk = desk_of(AdmissionOptions())
    phone = SoftPhone(desk)
    for _ in range(30):
        desk.hears(desk.request("OPTIONS", to_tag=False).replace("CSeq: ", "CSeq: x"), phone.source)
    assert desk.hears(desk.request("OPTIONS", to_tag=False), phone.source) == []
    assert phone.registers().status == 200
    assert Caller(desk, source=phone.source).calls().status == 100


def test_a_flood_of_strangers_stops_no_call_of_a_phone_that_is_known() -> None:
    desk = desk_of(AdmissionOptions())
    phone = Caller(desk)
    assert phone.registers().status == 200
    guesser = Caller(desk, "1999", "a guess")
    for nth in range(200):
        guesser.source = Hop(f"2001:db8:0:{nth:x}::1", 5060)
        guesser.branch += 1
        desk.hears(guesser.text().replace("REGISTER", "INVITE"), guesser.source)
    assert desk.agent.admitted()["refused"] > 100
    assert phone.calls().status == 100


def test_a_phone_calls_in_its_own_name() -> None:
    desk = desk_of()
    assert Caller(desk, to="1002").calls().status == 403
    assert [each.extension for each in desk.told(PhoneRefused)] == ["1001"]
    assert offered(desk) == []


def test_rights_are_a_phones() -> None:
    desk = desk_of(numbers=("95588", "9600*"), calls=1)
    phone = Caller(desk)
    assert phone.calls("sip:8820@bank").status == 404
    assert phone.calls("sip:96001@bank").status == 100
    let_in = phone.last
    assert phone.calls().status == 503  # of one phone; another's is its own
    assert Caller(desk, "1002", "two secret", Hop("192.0.2.22", 5060)).calls().status == 100
    desk.hears(let_in.replace("INVITE", "CANCEL"), phone.source)
    assert phone.calls().status == 100


@pytest.mark.parametrize(
    ("caller", "options", "status"),
    [
        ({"source": Hop("203.0.113.7", 5060)}, {}, 403),
        ({"domain": "elsewhere.example"}, {"domains": ("bank",)}, 403),
        ({}, {"domains": ("bank",)}, 100),
        ({"domain": "elsewhere.example"}, {}, 100),
        ({}, {"calls": 0}, 403),
    ],
)
def test_who_is_asked_at_all(caller: dict[str, Any], options: dict[str, Any], status: int) -> None:
    assert Caller(desk_of(**options), **caller).calls().status == status


def test_the_signed_number_is_the_called_one() -> None:
    desk = desk_of()
    phone = Caller(desk)
    begun = phone.client.begin("INVITE", "sip:95588@bank")
    again = phone.client.again(begun, phone.invites())
    lines = "".join(f"{name}: {value}\r\n" for name, value in again.headers)  # type: ignore[union-attr]
    assert phone.invites("sip:8820@bank", lines).status == 401
    assert offered(desk) == []


def test_strangers_that_are_let_in_are_asked_for_nothing() -> None:
    desk = desk_of(AdmissionOptions(strangers="menu"))
    assert Caller(desk, "1999", "a guess").invites().status == 100
    assert offered(desk)[0].trunk == "strangers"
