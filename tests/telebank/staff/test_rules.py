"""Roles, passwords, codes and logins without a store, a clock or a socket."""

import string

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.staff.options import StaffOptions
from telebank.staff.passwords import MIN_CHARACTERS, Passwords, complaint
from telebank.staff.roles import (
    ACTS,
    FOUNDERS,
    RIGHTS,
    Role,
    approvers,
    changers,
    first_people,
    last_of_founders,
    may,
    names,
)
from telebank.staff.sessions import Sessions
from telebank.staff.totp import STEP_S, new_seed, step_of, uri, well_formed

CHEAP = StaffOptions(argon2_memory_kib=64, argon2_time=1)
FLOOR_NAMES = "monitor whisper barge intercept force record"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


# -- roles ----------------------------------------------------------------------------------------


def test_no_role_both_changes_and_approves() -> None:
    assert changers() & approvers() == frozenset()
    assert all(act.proposes and act.approves for act in ACTS.values())


def test_auditors_only_look() -> None:
    assert not any(Role.AUDITOR in act.proposes | act.approves for act in ACTS.values())
    assert {right for right in RIGHTS if may(Role.AUDITOR, right)} == {
        "staff.list",
        "approval.list",
        "loss.list",
        "phone.list",
        "floor.see",
        "contact.list",
        "seat.list",
        "matter.see",
        "knowledge.read",
        "audit.review",
        "running.see",
    }


def test_each_act_on_the_floor_is_a_supervisors_right_of_its_own() -> None:
    acts = {right for right in RIGHTS if right.startswith("floor.")} - {"floor.see"}
    assert acts == {f"floor.{act}" for act in FLOOR_NAMES.split()}
    for right in acts:
        assert {role for role in Role if may(role, right)} == {Role.SUPERVISOR}


def test_who_works_at_a_desk_hears_his_own_recordings_and_supervisors_all() -> None:
    assert {role for role in Role if may(role, "desk.work")} == {Role.TELLER, Role.SUPERVISOR}
    assert {role for role in Role if may(role, "desk.unlock")} == {Role.TELLER, Role.SUPERVISOR}
    assert {role for role in Role if may(role, "recording.hear")} == {Role.SUPERVISOR}
    assert may(Role.TELLER, "recording.hear_own")


def test_the_first_two_can_add_everybody_else() -> None:
    adding = ACTS["staff.add"]
    assert FOUNDERS & adding.proposes
    assert FOUNDERS & adding.approves
    assert first_people([], "teller") == "founders"
    assert first_people([], "administrator") is None
    assert first_people(["administrator"], "administrator") == "founders"
    assert first_people(["administrator"], "supervisor") is None
    assert first_people(["administrator", "supervisor"], "supervisor") == "login_needed"


def test_the_last_who_can_add_people_stays() -> None:
    assert last_of_founders(["administrator", "supervisor", "teller"], "supervisor")
    assert not last_of_founders(["supervisor", "supervisor"], "supervisor")
    assert not last_of_founders(["teller"], "teller")


def test_roles_are_spoken() -> None:
    assert names({Role.TELLER, Role.ADMINISTRATOR}) == "an administrator or a teller"
    assert names({Role.IT}) == "an IT person"


def test_a_right_that_nobody_has_is_nobodys() -> None:
    assert not any(may(role, "no.such") for role in Role)


# -- passwords ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "12 to 128"),
        ("x" * 129, "12 to 128"),
        ("aaaaaaaaaaaabbb", "different"),
        ("four words\x07here", "control"),
        ("telebank12345", "telebank"),
        ("chen.mei.hua1", "chen.mei.hua"),
        ("Password12345", "password"),
    ],
)
def test_bad_passwords_are_told_why(password: str, says: str) -> None:
    why = complaint(password, "chen.mei.hua")
    assert why is not None
    assert says in why


@given(st.text(string.ascii_letters + string.digits + " 銀行電話", min_size=24, max_size=60))
def test_what_is_long_and_various_is_good(password: str) -> None:
    expected = len(set(password)) >= 5
    assert (complaint(password, "zz") is None) == expected


def test_a_password_is_the_same_from_every_keyboard() -> None:
    passwords = Passwords(CHEAP)
    composed, decomposed = "caf\u00e9 and four more", "cafe\u0301 and four more"
    encoded = passwords.hash(composed)
    assert passwords.verify(encoded, decomposed)
    assert not passwords.verify(encoded, composed + " ")
    assert passwords.hash(composed) != encoded  # another salt


def test_what_is_no_hash_is_nobodys() -> None:
    assert not Passwords(CHEAP).verify("", "whatever it may be")
    assert not Passwords(CHEAP).verify(Passwords(CHEAP).nobody, "")


def test_the_shipped_parameters_are_those_stated() -> None:
    encoded = Passwords(StaffOptions()).hash("x" * MIN_CHARACTERS)
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=1$")


# -- codes ----------------------------------------------------------------------------------------


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238 appendix B, SHA-1, the last six digits; T = 59 s and 1111111109 s."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert step_of(seed, "287082", 59.0, 0) == 1
    assert step_of(seed, "081804", 1_111_111_109.0, 0) == 1_111_111_109 // STEP_S


@given(step=st.integers(10, 10**8), off=st.integers(-3, 3), last=st.integers(0, 10**8 + 9))
def test_a_code_counts_within_a_step_and_after_the_last_one_taken(
    step: int, off: int, last: int
) -> None:
    code = pyotp.TOTP(SEED).generate_otp(step)
    found = step_of(SEED, code, (step + off) * STEP_S + 7.0, last)
    if abs(off) <= 1 and step > last:
        assert found is not None
        assert pyotp.TOTP(SEED).generate_otp(found) == code
    else:
        assert found is None or found > last


def test_what_is_no_code() -> None:
    assert step_of(SEED, "", 60.0, 0) is None
    assert step_of(SEED, "١٢٣٤٥٦", 60.0, 0) is None
    assert not well_formed("١٢٣٤٥٦")
    assert not well_formed("12345")
    assert well_formed("012345")


def test_a_seed_is_long_and_new_each_time() -> None:
    assert new_seed() != new_seed()
    assert len(new_seed()) == 32
    parsed = pyotp.parse_uri(uri(SEED, "chen"))
    assert (parsed.secret, parsed.name, parsed.issuer) == (SEED, "chen", "telebank")


# -- logins ---------------------------------------------------------------------------------------


def test_a_login_idles_out_and_has_an_end() -> None:
    sessions = Sessions(StaffOptions(idle_s=100.0, session_s=250.0))
    token = sessions.open("chen", Role.TELLER, 0.0)
    for now in (90.0, 180.0):
        assert sessions.find(token, now) is not None
    assert sessions.find(token, 249.0, act=False) is not None
    assert sessions.find(token, 250.0) is None
    assert len(sessions) == 0


def test_looking_keeps_no_login_alive() -> None:
    sessions = Sessions(StaffOptions(idle_s=100.0))
    token = sessions.open("chen", Role.TELLER, 0.0)
    assert sessions.find(token, 99.0, act=False) is not None
    assert sessions.find(token, 100.0, act=False) is None


def test_logins_are_bounded_and_new_each_time() -> None:
    sessions = Sessions(StaffOptions(sessions_max=5, sessions_each=2))
    mine = [sessions.open("chen", Role.TELLER, float(n)) for n in range(3)]
    assert len(set(mine)) == 3
    assert [sessions.find(token, 3.0) is not None for token in mine] == [False, True, True]
    for n in range(20):
        sessions.open(f"other{n}", Role.TELLER, 4.0)
        assert len(sessions) <= 5
    assert sessions.find(mine[2], 4.0) is None
    assert len(sessions.people(4.0)) == 5


def test_somebodys_logins_all_end_together() -> None:
    sessions = Sessions(StaffOptions())
    mine = [sessions.open("chen", Role.TELLER, 0.0) for _ in range(2)]
    other = sessions.open("wu", Role.SUPERVISOR, 0.0)
    assert sessions.close_all("chen") == 2
    assert [sessions.find(token, 1.0) for token in mine] == [None, None]
    assert sessions.find(other, 1.0) is not None
    assert sessions.close(other) is not None
    assert sessions.close(other) is None


def test_options_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="idle_s"):
        StaffOptions(idle_s=0.0)
