"""The demo's key ceremony: both sides hold the same keys, whoever comes first."""

import shutil
import threading
from pathlib import Path

from core_adapters.hsm.demo import share_demo_keys
from core_adapters.hsm.kinds import Algorithm, PinFormat, Usage
from core_adapters.hsm.software import open_software
from support.hsm_kit import CARD, PIN
from transactions.secret import Secret

PARTS = ("kbpk", "mak", "zpk")


def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "gateway" / "keys", tmp_path / "host" / "keys"


def check_values(folder: Path) -> list[tuple[str, int, str]]:
    infos = open_software(folder).list_keys()
    return [(info.spec.name, info.version, info.kcv) for info in infos]


def test_both_sides_work_together(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    share_demo_keys(ours, theirs, "tb87")
    gateway, host = open_software(ours), open_software(theirs)
    block = gateway.pin_block("tb87.zpk", Secret(PIN), CARD, PinFormat.ISO_0)
    assert host.open_pin("tb87.zpk", block, CARD, PinFormat.ISO_0).reveal() == PIN
    assert host.verify_mac("tb87.mak", b"text", gateway.mac("tb87.mak", b"text"))
    usages = {i.spec.name: i.spec.usage for i in gateway.list_keys()}
    assert usages == {
        "tb87.kbpk": Usage.TRANSPORT,
        "tb87.mak": Usage.MAC,
        "tb87.zpk": Usage.PIN,
    }
    assert [*gateway.faults(), *host.faults()] == []


def test_again_changes_nothing(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    share_demo_keys(ours, theirs, "tb87")
    before = check_values(ours), check_values(theirs)
    share_demo_keys(ours, theirs, "tb87")
    assert (check_values(ours), check_values(theirs)) == before
    assert before[0] == before[1]


def test_eight_at_once_agree(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    work = [threading.Thread(target=share_demo_keys, args=(ours, theirs, "tb87")) for _ in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert check_values(ours) == check_values(theirs)
    assert [version for _, version, _ in check_values(ours)] == [1, 1, 1]


def test_a_side_that_lost_its_keys_gets_new_ones_on_both(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    share_demo_keys(ours, theirs, "tb87")
    shutil.rmtree(theirs)
    share_demo_keys(ours, theirs, "tb87")
    current = {name: kcv for name, version, kcv in check_values(ours) if version == 2}
    assert current == {name: kcv for name, _, kcv in check_values(theirs)}
    assert sorted(current) == [f"tb87.{part}" for part in PARTS]


def test_several_hosts_and_other_algorithms(tmp_path: Path) -> None:
    ours, theirs = folders(tmp_path)
    share_demo_keys(ours, theirs, "tb87")
    share_demo_keys(ours, tmp_path / "other", "tb93", pin=Algorithm.AES256, mac=Algorithm.TDES2)
    kinds = {i.spec.name: i.spec.algorithm for i in open_software(ours).list_keys()}
    assert (kinds["tb93.zpk"], kinds["tb93.mak"]) == (Algorithm.AES256, Algorithm.TDES2)
    assert (kinds["tb87.zpk"], kinds["tb87.mak"]) == (Algorithm.TDES2, Algorithm.AES128)
