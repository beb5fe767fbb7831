"""`telebank host` check and sql-stubs."""

import json
from pathlib import Path

import pytest

from support.host_command import SHIPPED, run

# -- check ---------------------------------------------------------------------------------------


def test_the_shipped_profile_has_no_findings(tmp_path: Path) -> None:
    result = run("check", "tb87", "--json", "--data", str(tmp_path))
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert report["findings"] == []
    assert report["not_served"] == []
    transfer = next(s for s in report["services"] if s["service"] == "transfer.card_to_card")
    assert (transfer["mti"], transfer["field_3"]) == ("0200", "420000")
    assert "51" in report["codes"]["decline"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('mti: "0600"', 'mti: "600"', "four quoted digits"),
        ("2: $card, 26", "2: $crad, 26", "$crad is no input of it; its inputs are $card, $pin"),
        ("48: {range: recent}", "48: {range: today}", "same MTI and field 3 as card.today"),
        ("profile: tb87", "profile: ourbank", "name it ourbank.yaml, or write `profile: tb87`"),
        ("test: true", "test: yes", "'test' is yes or no: write true or false"),
        ("is: b8, show: never}\n  53", "is: b8, show: clear}\n  53", "needs `show: never`"),
        ("is: n..19, show: pan", "is: n..19, show: clear", "needs `show: pan`"),
        ('"310000"', '"320000"', "same MTI and field 3 as"),
        ("class: cutover", "class: decline", "no code of class cutover"),
        ("format: csv", "format: xlsx", "host_file.format of the profile"),
        ("tombstones: true", "tombstone: true", "unknown key 'tombstone'"),
    ],
)
def test_findings_have_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "tb87.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    result = run("check", str(path), "--json", "--data", str(tmp_path))
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == 1
    assert said in finding
    assert finding.removeprefix(f"{path}:").split(":")[0].isdigit()


def test_the_picture_of_a_profile(tmp_path: Path) -> None:
    shown = run("check", "tb87-bcd", "--data", str(tmp_path))
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines()[1:])) <= 80
    for text in (
        "frame        2 bytes bcd, not counting itself, up to 8192",
        "tpdu         required, 6000010002",
        "x9.19 in field 64 or 128",
        "reply to 0420    is known by 41+11, and 4 must agree",
        "0500 for CNY",
    ):
        assert text in shown.stdout
    report = json.loads(run("check", "tb87-bcd", "--json", "--data", str(tmp_path)).stdout)
    assert report["match"]["default"] == {"key": [41, 11], "agree": [3, 4, 13, 49]}
    assert report["subfields"]["48"]["04"] == "fee"
    assert report["reversal"]["tombstones"] is True


def test_frames_without_a_mac_are_named(tmp_path: Path) -> None:
    profile = tmp_path / "ourbank.yaml"
    rows = 'mac: {algorithm: aes-cmac, exempt: ["0800", "0810"]}\n'
    head = "schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n"
    profile.write_text(head + rows, encoding="utf-8")
    shown = run("check", str(profile), "--data", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert "without it: 0800, 0810 (their field 15" in " ".join(shown.stdout.split())


def test_findings_of_rows_laid_over_name_their_own_file(tmp_path: Path) -> None:
    path = tmp_path / "ourbank.yaml"
    rows = "fields: {2: {show: clear}}\nservices: {card.balance: {processing_code: '320000'}}\n"
    path.write_text(f"schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n{rows}")
    found = json.loads(run("check", str(path), "--json", "--data", str(tmp_path)).stdout)
    shown = f"{path}:5:10: field 2 needs `show: pan`"
    assert shown in found["findings"]
    assert any("same MTI and field 3 as card.balance" in one for one in found["findings"])


def test_a_row_that_spoils_the_profile_beneath_is_blamed_itself(tmp_path: Path) -> None:
    path = tmp_path / "ourbank.yaml"
    rows = "fields:\n  43: {is: ans40}\n  48: ~\ntest: true\n"
    path.write_text(f"schema: 1\nextends: tb87\nprofile: ourbank\nversion: 1\n{rows}")
    result = run("check", str(path), "--json", "--data", str(tmp_path))
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.exit_code == 1
    assert finding.startswith(f"{path}:7:3: fields.48: with this row, ")
    assert "tb87.yaml:" in finding


def test_a_service_that_the_host_lacks_is_named_and_no_finding(tmp_path: Path) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    start, end = text.index("  card.balance:"), text.index("  transfer.quote:")
    path = tmp_path / "tb87.yaml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    result = run("check", str(path), "--data", str(tmp_path))
    assert result.exit_code == 0
    assert "not served by this host: card.balance" in result.stdout


# -- sql-stubs -----------------------------------------------------------------------------------


def test_stubs_for_the_banks_database_people() -> None:
    result = run("sql-stubs", "--dialect", "postgresql")
    assert result.exit_code == 0
    assert "create" in result.stdout.lower()
    assert run("sql-stubs", "--dialect", "nonsense").exit_code == 2
