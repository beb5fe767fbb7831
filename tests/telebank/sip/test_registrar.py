"""The registrar: one phone step by step, then random histories against a model of a few lines."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebank.sip.message import Request, parse
from telebank.sip.registrar import (
    Binding,
    BindingExpired,
    Registered,
    Registrar,
    RegistrarOptions,
    RegistrationRefused,
)
from telebank.sip.uri import Address

PHONE: Address = ("192.0.2.20", 5062)
DESK = "<sip:1001@192.0.2.20:5062>"
SOFT = "<sip:1001@192.0.2.21:5060;transport=tcp>"


def register(
    *contacts: str,
    expires: str | None = None,
    cseq: int = 1,
    call_id: str = "1@phone",
    user: str = "1001",
    uri: str = "sip:bank",
    domain: str = "bank",
) -> Request:
    lines = [
        f"REGISTER {uri} SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK1",
        f"From: <sip:{user}@{domain}>;tag=p",
        f"To: <sip:{user}@{domain}>",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} REGISTER",
        *(f"Contact: {contact}" for contact in contacts),
        *([] if expires is None else [f"Expires: {expires}"]),
        "\r\n",
    ]
    parsed = parse("\r\n".join(lines).encode())
    assert isinstance(parsed, Request)
    return parsed


@dataclass
class Desk:
    """A registrar, a clock, and one phone that counts its requests."""

    options: RegistrarOptions = field(default_factory=RegistrarOptions)
    now: float = 0.0
    cseq: int = 0

    def __post_init__(self) -> None:
        self.registrar = Registrar(self.options)

    def wakes(self) -> float | None:
        return self.registrar.wake_at

    def sends(self, *contacts: str, **more: object) -> Registered | RegistrationRefused:
        self.cseq += 1
        request = register(*contacts, **{"cseq": self.cseq, **more})  # type: ignore[arg-type]
        account = str(more.get("user", "1001"))
        return self.registrar.receive(request, account, PHONE, self.now)

    def gets(self, *contacts: str, **more: object) -> list[str]:
        answer = self.sends(*contacts, **more)
        assert isinstance(answer, Registered), answer
        assert {name for name, _ in answer.headers} <= {"Contact"}
        return [value for _, value in answer.headers]

    def status(self, *contacts: str, **more: object) -> int:
        before = self.registrar.bindings("1001", self.now)
        answer = self.sends(*contacts, **more)
        assert isinstance(answer, RegistrationRefused), answer
        assert self.registrar.bindings("1001", self.now) == before
        return answer.status


def uris(bindings: Iterable[Binding]) -> list[str]:
    return [f"<{binding.uri}>" for binding in bindings]


def test_a_phone_comes_stays_and_goes() -> None:
    desk = Desk()
    assert desk.wakes() is None
    assert desk.gets(DESK, expires="600") == [f"{DESK};expires=600"]
    (binding,) = desk.registrar.bindings("1001", 0.0)
    assert (binding.account, binding.source, binding.expires_at) == ("1001", PHONE, 600.0)
    assert desk.wakes() == 600.0
    desk.now = 300.5
    assert desk.gets() == [f"{DESK};expires=300"]
    assert desk.gets(DESK) == [f"{DESK};expires=3600"]
    assert desk.gets(DESK, expires="0") == []
    assert desk.wakes() is None
    assert len(desk.registrar) == 0


def test_what_changed_is_told() -> None:
    desk = Desk()
    first = desk.sends(DESK, SOFT)
    assert isinstance(first, Registered)
    assert (uris(first.added), first.refreshed, first.removed) == ([DESK, SOFT], (), ())
    second = desk.sends(DESK, SOFT + ";expires=0", "<sip:1001@192.0.2.22>")
    assert isinstance(second, Registered)
    assert uris(second.added) == ["<sip:1001@192.0.2.22>"]
    assert uris(second.refreshed) == [DESK]
    assert uris(second.removed) == [SOFT]
    query = desk.sends()
    assert isinstance(query, Registered)
    assert (query.added, query.refreshed, query.removed) == ((), (), ())


def test_bindings_end_by_the_clock() -> None:
    desk = Desk()
    desk.gets(DESK, expires="100")
    desk.gets(SOFT, expires="200")
    assert desk.registrar.wake(99.9) == []
    (gone,) = desk.registrar.wake(100.0)
    assert isinstance(gone, BindingExpired)
    assert uris([gone.binding]) == [DESK]
    assert desk.wakes() == 200.0
    assert uris(desk.registrar.bindings("1001", 100.0)) == [SOFT]
    assert uris(e.binding for e in desk.registrar.wake(1e9)) == [SOFT]
    assert desk.wakes() is None
    assert desk.registrar.accounts() == ()


def test_a_binding_nobody_was_woken_for_is_gone_all_the_same() -> None:
    desk = Desk()
    desk.gets(DESK, expires="100")
    desk.now = 100.0
    assert desk.registrar.bindings("1001", 100.0) == ()
    answer = desk.sends()
    assert isinstance(answer, Registered)
    assert uris(answer.removed) == [DESK]  # told once: here, or by `wake`
    assert desk.registrar.wake(200.0) == []


def test_the_time_asked_for() -> None:
    desk = Desk()
    for contact, expires, got in (
        (DESK, None, 3600),
        (DESK, "60", 60),
        (DESK, "7200", 7200),
        (DESK, "999999999", 7200),
        (DESK, "99999999999999999999", 3600),  # cannot be read (10.3 step 7)
        (DESK, "soon", 3600),
        (DESK, "-1", 3600),
        (DESK, "٦٠", 3600),
        (DESK + ";expires=120", "600", 120),
        (DESK + ";expires=x", "600", 3600),
        (DESK + ";expires", "600", 600),
        (DESK + ';expires="90"', "600", 3600),
    ):
        assert desk.gets(contact, expires=expires) == [f"{DESK};expires={got}"]


def test_too_brief() -> None:
    desk = Desk()
    answer = desk.sends(DESK, expires="59")
    assert answer == RegistrationRefused(423, "Interval Too Brief", (("Min-Expires", "60"),))
    assert desk.status(SOFT, DESK + ";expires=1") == 423  # and the other contact is not taken
    assert len(desk.registrar) == 0


def test_everything_at_once() -> None:
    desk = Desk()
    desk.gets(DESK, SOFT)
    for contacts, expires in (
        (("*",), None), (("*",), "1"), (("*",), "soon"), (("*", DESK), "0"), ((DESK, "*"), "0"),
        (("*;expires=0",), "0"), (("*", "*"), "0"),
    ):  # fmt: skip
        assert desk.status(*contacts, expires=expires) == 400
    answer = desk.sends("*", expires="0")
    assert isinstance(answer, Registered)
    assert uris(answer.removed) == [DESK, SOFT]
    assert desk.gets("*", expires="0") == []  # nothing to take out is fine


def test_the_order_of_requests() -> None:
    desk = Desk()
    desk.gets(DESK, cseq=5)
    for cseq in (5, 4):
        assert desk.status(DESK, cseq=cseq) == 500
        assert desk.status(DESK, cseq=cseq, expires="0") == 500
        assert desk.status("*", cseq=cseq, expires="0") == 500
        assert desk.status(SOFT, DESK, cseq=cseq) == 500
    # Another contact is another binding, another Call-ID another phone (or a restarted one).
    assert desk.gets(SOFT, cseq=2) == [f"{DESK};expires=3600", f"{SOFT};expires=3600"]
    assert len(desk.gets(DESK, cseq=1, call_id="2@phone")) == 2
    assert desk.gets("*", cseq=1, call_id="3@phone", expires="0") == []


def test_more_contacts_than_an_account_may_have() -> None:
    four = [f"<sip:1001@192.0.2.{n}>" for n in range(1, 5)]
    desk = Desk(RegistrarOptions(max_contacts=3))
    desk.gets(*four[:3])
    assert desk.status(four[3]) == 403
    assert len(desk.gets(four[3], four[0] + ";expires=0")) == 3
    desk = Desk(RegistrarOptions(max_contacts=3, replace_oldest=True))
    assert desk.status(*four) == 403
    desk.gets(*four[:3])
    desk.gets(four[0])
    answer = desk.sends(four[3])
    assert isinstance(answer, Registered)
    assert uris(answer.removed) == [four[1]]
    assert uris(desk.registrar.bindings("1001", 0.0)) == [four[2], four[0], four[3]]


def test_more_accounts_than_there_may_be() -> None:
    desk = Desk(RegistrarOptions(max_accounts=2, retry_after=7))
    for user in ("1001", "1002"):
        desk.gets(DESK, user=user)
    answer = desk.sends(DESK, user="1003")
    assert answer == RegistrationRefused(503, "registrar full", (("Retry-After", "7"),))
    assert desk.gets(user="1003") == []
    assert len(desk.gets(SOFT, user="1001")) == 2
    desk.gets("*", expires="0", user="1002")
    assert len(desk.gets(DESK, user="1003")) == 1


def test_an_account_registers_itself_alone() -> None:
    registrar = Registrar(RegistrarOptions(domains=("bank", "192.0.2.10")))
    for user, domain, uri, status in (
        ("1002", "bank", "sip:bank", 403),
        ("", "bank", "sip:bank", 403),
        ("1001", "elsewhere", "sip:bank", 404),
        ("1001", "bank", "sip:elsewhere", 404),
        ("1001", "bank", "tel:95500", 404),
    ):
        request = register(DESK, user=user, domain=domain, uri=uri)
        answer = registrar.receive(request, "1001", PHONE, 0.0)
        assert isinstance(answer, RegistrationRefused)
        assert answer.status == status
    for user, domain in (("1001", "bank"), ("%31001", "192.0.2.10:5060")):
        answer = registrar.receive(
            register(DESK, user=user, domain=domain, call_id=domain), "1001", PHONE, 0.0
        )
        assert isinstance(answer, Registered)


BAD = [
    "nonsense", "<sip:a@b", "sip:", "<tel:95500>", "<mailto:a@b>", "<sip:a@b:99999>", "<>",
    DESK + ",", DESK + ",,", "<sip:a@b>x", DESK + " " + SOFT,
]  # fmt: skip


@pytest.mark.parametrize("contact", BAD)
def test_contacts_that_cannot_be_read(contact: str) -> None:
    assert Desk().status(contact) == 400
    assert Desk().status(SOFT, contact) == 400


def test_limits_of_a_request() -> None:
    desk = Desk(RegistrarOptions(max_request_contacts=3, max_contacts=3))
    many = [f"<sip:1001@192.0.2.{n}>" for n in range(1, 5)]
    assert desk.status(*many) == 413
    assert desk.status(", ".join(many)) == 413
    assert desk.status(DESK, DESK, DESK, DESK) == 413
    assert desk.status(f"<sip:{'1' * 300}@192.0.2.1>") == 413
    assert desk.status(DESK, call_id="1" * 257) == 400
    assert len(desk.gets(", ".join(many[:3]))) == 3


def test_the_same_contact_in_another_spelling() -> None:
    desk = Desk()
    desk.gets('"Desk" <sip:%31001@PHONE:5062>;q=0.5')
    assert desk.gets("<sip:1001@phone:5062;x=y>;q=0.25") == [
        "<sip:1001@phone:5062;x=y>;q=0.25;expires=3600"
    ]
    assert len(desk.gets("sip:1001@phone")) == 2  # without the port it is another place
    assert desk.gets("<sip:1001@phone:5062>, <sip:1001@phone>;q=9, <sip:1001@PHONE>") == [
        "<sip:1001@phone:5062>;expires=3600",
        "<sip:1001@PHONE>;expires=3600",
    ]


def test_closed_accounts_and_restored_bindings() -> None:
    desk = Desk(RegistrarOptions(max_contacts=2, max_accounts=1))
    desk.gets(DESK, SOFT)
    kept = desk.registrar.bindings("1001", 0.0)
    assert desk.registrar.forget("1001") == kept
    assert desk.registrar.forget("1001") == ()
    assert desk.wakes() is None
    extra = [replace(kept[0], uri="sip:1001@192.0.2.9"), replace(kept[0], account="1002")]
    desk.registrar.restore([*kept, *extra])
    assert desk.registrar.bindings("1001", 0.0) == kept
    assert desk.registrar.accounts() == ("1001",)
    assert desk.wakes() == 3600.0


@pytest.mark.parametrize(
    "options",
    [
        {"min_expires": 0}, {"min_expires": 3601}, {"default_expires": 59}, {"max_expires": 3000},
        {"max_contacts": 0}, {"max_accounts": 0}, {"max_request_contacts": 0},
    ],
    ids=str,
)  # fmt: skip
def test_options_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="sip registrar"):
        RegistrarOptions(**options)  # type: ignore[arg-type]


# Random histories against a model: a dictionary of what each account has, and the rules in words.

Entry = tuple[str, int, float]
"""Call-ID, CSeq, end."""


@dataclass(frozen=True)
class Step:
    account: str
    contacts: list[tuple[str, int | None]] | None
    """Host and expires of each; None for `*`."""
    expires: int | None
    call_id: str
    cseq: int
    wait: float
    wake: bool

    def request(self) -> Request:
        lines = ["*"] if self.contacts is None else [
            f"<sip:p@{host}>" + ("" if seconds is None else f";expires={seconds}")
            for host, seconds in self.contacts
        ]  # fmt: skip
        expires = None if self.expires is None else str(self.expires)
        return register(
            *lines, user=self.account, cseq=self.cseq, call_id=self.call_id, expires=expires
        )


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["1001", "1002", "1003"]),
        st.none()
        | st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from([None, 0, 30, 60, 500, 9_999])),
            max_size=3,
        ),
        st.sampled_from([None, 0, 59, 100, 4_000]),
        st.sampled_from(["x", "y"]),
        st.integers(1, 6),
        st.sampled_from([0.0, 1.0, 50.0, 1_000.0]),
        st.booleans(),
    ),
    max_size=40,
)


class Model:
    """Two accounts may have two contacts each."""

    def __init__(self) -> None:
        self.have: dict[str, dict[str, Entry]] = {"1001": {}, "1002": {}, "1003": {}}

    def expire(self, now: float) -> int:
        """How many contacts ended."""
        before = sum(map(len, self.have.values()))
        for name, entries in self.have.items():
            self.have[name] = {h: e for h, e in entries.items() if e[2] > now}
        return before - sum(map(len, self.have.values()))

    def take(self, step: Step, now: float) -> int:
        """The status of the answer."""
        old = self.have[step.account]
        if step.contacts is None:
            late = any(self._late(step, entry) for entry in old.values())
            status, new = (400, old) if step.expires != 0 else (500, old) if late else (200, {})
        else:
            status, new = self._change(step, step.contacts, now)
        if status == 200:
            self.have[step.account] = new
        return status

    def _change(
        self, step: Step, contacts: list[tuple[str, int | None]], now: float
    ) -> tuple[int, dict[str, Entry]]:
        old = self.have[step.account]
        new = dict(old)
        for at, (host, own) in enumerate(contacts):
            if any(host == other for other, _ in contacts[at + 1 :]):
                continue  # the last of equal ones counts
            if host in old and self._late(step, old[host]):
                return 500, old
            new.pop(host, None)
            asked = next((x for x in (own, step.expires) if x is not None), 3_600)
            if 0 < asked < 60:
                return 423, old
            if asked:
                new[host] = (step.call_id, step.cseq, now + min(asked, 7_200))
        if len(new) > 2:
            return 403, old
        full = sum(map(bool, self.have.values())) >= 2
        return (503 if new and not old and full else 200), new

    @staticmethod
    def _late(step: Step, entry: Entry) -> bool:
        return entry[0] == step.call_id and step.cseq <= entry[1]


@settings(max_examples=400, deadline=None)
@given(STEPS)
def test_random_histories(steps: list[Step]) -> None:
    registrar, model = Registrar(RegistrarOptions(max_contacts=2, max_accounts=2)), Model()
    now = 0.0
    for step in steps:
        now += step.wait
        expired = model.expire(now)
        if step.wake or expired:
            assert len(registrar.wake(now)) == expired
        before = registrar.bindings(step.account, now)
        answer = registrar.receive(step.request(), step.account, PHONE, now)
        status = model.take(step, now)
        assert (200 if isinstance(answer, Registered) else answer.status) == status
        for name, entries in model.have.items():
            got = registrar.bindings(name, now)
            assert [b.uri for b in got] == [f"sip:p@{host}" for host in entries]
            assert [(b.call_id, b.cseq, b.expires_at) for b in got] == list(entries.values())
        ends = [e[2] for entries in model.have.values() for e in entries.values()]
        assert registrar.wake_at == min(ends, default=None)
        if isinstance(answer, Registered):
            after = registrar.bindings(step.account, now)
            assert [v for _, v in answer.headers] == [b.contact(now) for b in after]
            kept = {b.uri for b in before} - {b.uri for b in answer.removed}
            assert kept | {b.uri for b in answer.added} == {b.uri for b in after}
            assert {b.uri for b in answer.refreshed} <= kept


TEXT = f'{DESK};q=0.7;expires=600, "A, \\"B\\"" <sip:1001@[2001:db8::1]:7;transport=tcp>;x="y,z"'


def test_truncation_at_every_character() -> None:
    for end in range(len(TEXT)):
        for tail in ("", ",", '"', "\\", "<", ">", ";", "*"):
            request = register(expires="100")
            request.headers["contact"] = [TEXT[:end] + tail]
            Registrar(RegistrarOptions()).receive(request, "1001", PHONE, 0.0)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(st.sampled_from('<>sip:@b;="\\,*?%4expires019[] \t\udcff'), max_size=40)))
def test_noise_never_raises(contacts: list[str]) -> None:
    request = register(expires="100")
    request.headers["contact"] = contacts
    registrar = Registrar(RegistrarOptions())
    answer = registrar.receive(request, "1001", PHONE, 0.0)
    assert len(registrar) == (len(answer.headers) if isinstance(answer, Registered) else 0)
