"""Reports: signed, whole, masked; one that was touched is found."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core_adapters.conformance import kit
from core_adapters.conformance.people import PeopleError, load_people
from core_adapters.conformance.report import Facts, LeakError, check_report, render
from core_adapters.conformance.scenarios import Scenario
from core_adapters.conformance.seal import KEY_FILE, Seal, SealError, read_public, verified
from support.conformance_bench import UNHURRIED, Bench, wrong
from telebank.commands.host.certify_people import demo_people

FACTS = Facts({"profile": "tb87 version 1", "host": "<here>"})


def outcome(seen: str = "REVERSED") -> kit.Outcome:
    scenario = Scenario("timeout.after", "超时", "time-out", "transfer.card_to_card")
    checks = [kit.Check("state", "REVERSED", seen, seen == "REVERSED")]
    verdict = kit.PASSED if checks[0].ok else kit.FAILED
    result = kit.Result(scenario, verdict, checks)
    return kit.Outcome([result], datetime.now(UTC), 1.0, 7)


def test_a_report_is_as_it_was_signed(tmp_path: Path) -> None:
    seal = Seal.open_or_create(tmp_path)
    page = render(outcome(), FACTS, seal, ()).decode()
    assert check_report(page, read_public(tmp_path / "certify.ed25519.pub")) == []
    assert "&lt;here&gt;" in page
    assert Seal.open_or_create(tmp_path).public == seal.public


@pytest.mark.parametrize(
    ("old", "new"),
    [("MANUAL", "REVERSED"), ('"failed": 1', '"failed": 0'), ("未通过 failed", "通过 passed")],
)
def test_a_report_that_was_touched_is_found(tmp_path: Path, old: str, new: str) -> None:
    seal = Seal.open_or_create(tmp_path)
    page = render(outcome("MANUAL"), FACTS, seal, ()).decode()
    assert old in page
    assert check_report(page.replace(old, new), seal.public)


def test_another_key_did_not_sign_it(tmp_path: Path) -> None:
    page = render(outcome(), FACTS, Seal.open_or_create(tmp_path / "ours"), ())
    theirs = Seal.open_or_create(tmp_path / "theirs")
    assert check_report(page.decode(), theirs.public)
    assert not verified(theirs.public, page, "no signature")


def test_a_report_with_a_card_number_is_not_written(tmp_path: Path) -> None:
    seal = Seal.open_or_create(tmp_path)
    with pytest.raises(LeakError):
        render(outcome("6227009000000351"), FACTS, seal, ("6227009000000351",))


async def test_every_service_passes_and_no_card_or_pin_stands_in_the_report(tmp_path: Path) -> None:
    async with Bench(tmp_path) as bench:
        found = await bench.certify("service.", pace=UNHURRIED)
    page = render(found, FACTS, Seal.open_or_create(tmp_path), demo_people().texts()).decode()
    assert wrong(found) == {}
    assert found.count(kit.SKIPPED) == 0
    assert found.passed
    assert "622700******" in page
    assert len(demo_people().texts()) > 100


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Seal.open_or_create(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o644)
    with pytest.raises(SealError, match="chmod 600"):
        Seal.open_or_create(tmp_path)


def test_a_file_of_test_customers(tmp_path: Path) -> None:
    path = tmp_path / "cards.yaml"
    path.write_text(
        'schema: 1\npayers:\n- {card: "6227009000000351", pin: "123456789012", identity: "4021"}\n'
        'payee: {card: "6227009000000369"}\n',
        encoding="utf-8",
    )
    with pytest.raises(PeopleError, match="chmod 600"):
        load_people(path)
    path.chmod(0o600)
    found = load_people(path)
    assert found.find("payer", 7) == found.payers[0]
    assert found.find("hot", 0) is None
    assert "123456789012" not in repr(found)
