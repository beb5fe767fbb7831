"""linphone, the softphone, as a caller over UDP, TCP and TLS, and as a desk phone."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bank_process import HOST, BankProcess, Voice
from support.interop_bank import entered, lines_state, nothing_left
from support.interop_linphone import Linphone, linphone
from support.interop_programs import until
from support.staff_commands import Desk, Person
from support.tls_kit import Authority

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]
NAME = "localhost"
"""Its TLS library looks at names of a certificate, not at addresses."""
REALM = "bank.example"
LISTENING_S = 3.0


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, voice: Voice, authority: Authority
) -> Iterator[BankProcess]:
    own = authority.issue("bank", host=NAME)
    with BankProcess.start(
        tmp_path_factory.mktemp("bank"),
        voice,
        also=[f"tls:{HOST}:0"],
        sip={"t1": 0.1, "t2": 0.4, "t4": 0.4},
        sip_tls={"certificate": str(own.certificate), "key": str(own.key)},
        registrar={"realm": REALM, "md5": True},
    ) as bank:
        yield bank


@pytest.fixture(autouse=True)
def _nothing_is_left(bank: BankProcess) -> Iterator[None]:
    with nothing_left(bank):
        yield


def dialled(phone: Linphone, bank: BankProcess, transport: str = "udp") -> None:
    """A call to the bank that is answered, and its welcome heard: it names one address of
    the machine in its SDP and sends from another, which is learnt after `[media] learn_after_s`."""
    place = bank.place(transport).replace(HOST, NAME)
    phone.type(f"call sip:bank@{place};transport={transport}")
    phone.until_said("Media streams established")
    entered(bank, "main.lang")
    time.sleep(LISTENING_S)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
def test_a_call_is_heard_and_its_keys_are_taken(
    bank: BankProcess, tmp_path: Path, transport: str, codec: str, authority: Authority
) -> None:
    with linphone(tmp_path / "phone", codec=codec, ca=authority.path) as phone:
        dialled(phone, bank, transport)
        phone.type("2")
        entered(bank, "main.front")
        phone.type("3")
        entered(bank, "information.menu")
        time.sleep(LISTENING_S)
        phone.type("terminate")
        phone.until_said("ended")
    assert phone.heard_s() > LISTENING_S / 2
    newest = bank.last_call()
    assert (newest.codec, newest.language, newest.path) == (codec, "en", "2 3")
    assert newest.ended_by == "remote"


def test_its_certificate_authority_is_another(
    bank: BankProcess, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other"))
    with linphone(tmp_path / "phone", ca=other.path) as phone:
        place = bank.place("tls").replace(HOST, NAME)
        phone.type(f"call sip:bank@{place};transport=tls")
        phone.until_said("error")
        assert "handshake failed" in phone.log_text()


def test_keys_by_info(bank: BankProcess, tmp_path: Path) -> None:
    with linphone(tmp_path / "phone", info=True) as phone:
        dialled(phone, bank)
        phone.type("2")
        entered(bank, "main.front")
        phone.type("3")
        entered(bank, "information.menu")
        phone.type("terminate")
        phone.until_said("ended")
        assert phone.log_text().count("\nINFO sip:") == 2
    assert bank.last_call().path == "2 3"


def test_the_bank_hangs_up(bank: BankProcess, tmp_path: Path) -> None:
    with linphone(tmp_path / "phone") as phone:
        dialled(phone, bank)
        phone.type("2")
        entered(bank, "main.front")
        phone.type("9")
        phone.until_said("ended")
    newest = bank.last_call()
    assert (newest.path, newest.ended_by) == ("2 9", "local")


def test_hold_and_resume(bank: BankProcess, tmp_path: Path) -> None:
    with linphone(tmp_path / "phone") as phone:
        dialled(phone, bank)
        phone.type("2")
        entered(bank, "main.front")
        for times in (1, 2):
            phone.type("pause")
            until(lambda: lines_state(bank) == ["held"], "the caller holds the line")
            phone.type("resume")
            phone.until_said("Media streams established", times=1 + times)
            until(lambda: lines_state(bank) != ["held"], "he is back")
        phone.type("3")
        entered(bank, "information.menu")
        phone.type("terminate")
        phone.until_said("ended")
    assert bank.last_call().path == "2 3"


@pytest.fixture(scope="module")
def chen(bank: BankProcess, tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Person]:
    desk = Desk(bank.data, tmp_path_factory.mktemp("private"))
    chen = desk.person("chen")
    assert desk.add(chen, "administrator").code == 0
    desk.login(chen)
    return desk, chen


@pytest.mark.parametrize(("transport", "words"), [("udp", []), ("tcp", []), ("udp", ["--md5"])])
def test_it_registers_and_leaves(
    bank: BankProcess,
    tmp_path: Path,
    chen: tuple[Desk, Person],
    transport: str,
    words: list[str],
) -> None:
    desk, person = chen
    extension = f"{transport}{len(words)}"
    made = desk.run(person, "phones", "add", extension, "--name", "Counter", "--json", *words)
    assert made.code == 0, made

    def registered() -> list[dict[str, str]]:
        found: list[dict[str, str]] = desk.run(person, "phones", "show", extension, "--json").json[
            "registered"
        ]
        return found

    with linphone(tmp_path / "phone") as phone:
        place = bank.place(transport)
        uri = f"sip:{place};transport={transport}"
        phone.type(f"register sip:{extension}@{place} {uri} {made.json['secret']}")
        (one,) = until(registered, "it is registered")
        assert one["from"].startswith(f"{transport}:{HOST}:")
        sent = phone.log_text()
        assert "algorithm=SHA-256" in sent
        phone.type("unregister")
        until(lambda: not registered(), "it has left")
    assert made.json["secret"] not in bank.log_text()


def test_a_wrong_secret_is_refused(
    bank: BankProcess, tmp_path: Path, chen: tuple[Desk, Person]
) -> None:
    desk, person = chen
    made = desk.run(person, "phones", "add", "8009", "--name", "Counter", "--json")
    assert made.code == 0, made
    with linphone(tmp_path / "phone") as phone:
        phone.type(f"register sip:8009@{bank.sip} sip:{bank.sip} {made.json['secret'][::-1]}")
        until(lambda: bank.counts().get("total_register_wrong"), "it was refused")
    assert bank.counts()["phones_contacts"] == 0
