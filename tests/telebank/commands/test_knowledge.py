"""`telebank knowledge`: searched, shown and checked; names for the shell."""

import json
from pathlib import Path

from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from telebank.commands.knowledge import command
from telebank.main import main


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["knowledge", *words, "--data", str(data)])


def test_the_shipped_articles_are_checked(tmp_path: Path) -> None:
    found = run(tmp_path, "check")
    assert (found.exit_code, "articles of" in found.output) == (0, True)


def test_what_is_wrong_ends_both_checks(tmp_path: Path) -> None:
    own = tmp_path / "config" / "knowledge"
    own.mkdir(parents=True)
    (own / "ours.yaml").write_text("schema: 1\narticles:\n  - id: a\n    colour: red\n")
    for words in (["knowledge", "check"], ["config", "check"]):
        found = CliRunner().invoke(main, [*words, "--data", str(tmp_path)])
        assert found.exit_code == 1
        assert f"{own}/ours.yaml:4: unknown key 'colour'" in found.output
    assert run(tmp_path, "search", "PIN").exit_code == 2


def test_articles_are_found_in_either_language(tmp_path: Path) -> None:
    for words in (("密码锁定",), ("PIN", "locked")):
        rows = json.loads(run(tmp_path, "search", *words, "--json").output)["articles"]
        assert rows[0]["id"] == "pin-locked"
        assert rows[0]["found"]
    shown = run(tmp_path, "search", "PIN", "locked", "--language", "zh").output
    assert "电话银行密码锁定" in shown


def test_a_business_lists_all_by_kind_menu_or_service(tmp_path: Path) -> None:
    listed = [
        json.loads(run(tmp_path, "search", "--business", name, "--json").output)["articles"]
        for name in ("fx", "fx_deal", "fx.deal")
    ]
    assert [row["id"] for row in listed[0]] == [row["id"] for row in listed[1]]
    assert [row["id"] for row in listed[2]] == ["fx-deal"]
    assert run(tmp_path, "search", "--business", "pigs").exit_code == 2


def test_nothing_found_is_exit_code_1(tmp_path: Path) -> None:
    assert run(tmp_path, "search", "qqqqq").exit_code == 1
    assert json.loads(run(tmp_path, "search", "qqqqq", "--json").output) == {"articles": []}


def test_one_article_is_printed(tmp_path: Path) -> None:
    shown = run(tmp_path, "show", "enrol", "--language", "zh")
    assert (shown.exit_code, "1. 输入卡号" in shown.output) == (0, True)
    assert run(tmp_path, "show", "nothing").exit_code == 2


def test_names_are_completed(tmp_path: Path) -> None:
    shell = ShellComplete(command, {}, "knowledge", "_X")
    data = ["--data", str(tmp_path)]
    kinds = shell.get_completions(["search", *data, "--business"], "f")
    articles = shell.get_completions(["show", *data], "pin-l")
    assert [item.value for item in kinds] == ["fx"]
    assert [item.value for item in articles] == ["pin-locked"]
