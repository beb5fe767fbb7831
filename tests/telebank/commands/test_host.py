"""`telebank host` check, send, replay and trace, over real TCP and a real control socket."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from core_adapters.conformance.faults import Fault
from core_adapters.conformance.people import KitVault
from core_adapters.conformance.proxy import FaultProxy, Order
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.tap import MAX_WATCHERS, Tap
from support.conformance_bench import CONTRACTS, PROFILE, Bench
from support.corehost_process import CoreHostProcess
from telebank.calls.control.host_trace import TRACE, HostTrace, host_trace
from telebank.commands.host import command
from telebank.commands.host.certify_hosts import demo_people
from telebank.settings import seed_dir

SHIPPED = seed_dir() / "hosts" / "tb87.yaml"


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, list(words), input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


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


# -- send ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as one:
        yield one


def send(host: CoreHostProcess, *words: str, stdin: str | None = None) -> Result:
    where = ("--host", f"127.0.0.1:{host.port}", "--data", str(host.data), "--keys", str(host.keys))
    return run("send", *words, *where, stdin=stdin)


def test_a_balance_with_every_frame_decoded_and_masked(host: CoreHostProcess) -> None:
    card = host.cards[0].card
    result = send(host, "card.balance", f"card={card}")
    assert result.exit_code == 0
    assert "Processing code                    310000" in result.stdout
    assert "approved" in result.stdout
    assert "10000.00 CNY" in result.stdout
    assert card not in result.output
    assert f"{card[:6]}******{card[-4:]}" in result.stdout


def test_a_pin_from_standard_input_is_nowhere_shown(host: CoreHostProcess) -> None:
    who = host.cards[1]
    result = send(host, "pin.verify", f"card={who.card}", "pin=-", "--json", stdin=f"{who.pin}\n")
    assert result.exit_code == 0
    assert lines(result)[-1]["outcome"] == "approved"
    assert who.pin not in result.output
    block = [v for e in lines(result) for v in e.get("fields", []) if v["field"] == "52"]
    assert {view["text"] for view in block} == {"•••"}


def test_a_pin_from_another_descriptor(host: CoreHostProcess) -> None:
    reading, writing = os.pipe()
    os.write(writing, f"{host.cards[2].pin}\n".encode())
    os.close(writing)
    words = (f"card={host.cards[2].card}", "pin=-", "--pin-fd", str(reading))
    assert send(host, "pin.verify", *words).exit_code == 0
    os.close(reading)


def test_a_pin_that_is_not_given_is_asked_for_without_echo(host: CoreHostProcess) -> None:
    who = host.cards[3]
    result = send(host, "pin.verify", f"card={who.card}", stdin=f"{who.pin}\n")
    assert result.exit_code == 0
    assert who.pin not in result.output


def test_a_pin_on_the_command_line_is_refused(host: CoreHostProcess) -> None:
    result = send(host, "pin.verify", f"card={host.cards[0].card}", "pin=123456789012")
    assert result.exit_code == 2
    assert "123456789012" not in result.output
    assert "shell's history" in result.output


def test_a_list_is_shown_row_by_row_and_asked_for_page_by_page(host: CoreHostProcess) -> None:
    card = f"card={host.cards[7].card}"
    result = send(host, "card.recent", card)
    assert result.exit_code == 0, result.output
    rows = [line for line in result.stdout.splitlines() if line.split()[:1] == ["120.01"]]
    assert len(rows) == 1
    assert "what=" in rows[0]
    assert "amount=•••" in rows[0]
    assert "items             1. on " in result.stdout
    told = lines(send(host, "deposit.list", card, "--json"))[-1]["data"]
    more = lines(send(host, "deposit.list", card, f"cursor={told['cursor']}", "--json"))
    assert told["items"][0]["sub"] == "0001"
    assert {"sub", "kind", "amount", "rate"} <= set(more[-1]["data"]["items"][0])
    assert "cursor" not in more[-1]["data"]


def test_dates_and_words_are_told_how_they_are_written(host: CoreHostProcess) -> None:
    asked = ("bill.breakdown", f"card={host.cards[7].card}", "number=1")
    for words, said in (
        (("biller=Water", "month=2026-10-01"), "biller: a code: small letters"),
        (("biller=water", "month=October"), "month: a date, such as 2026-11-22"),
        (("biller=water",), "bill.breakdown needs month=date"),
    ):
        result = send(host, *asked, *words)
        assert result.exit_code == 2
        assert said in result.output


def test_what_the_host_declines_is_exit_1(host: CoreHostProcess) -> None:
    result = send(host, "card.balance", "card=6227009999999995")
    assert result.exit_code == 1
    assert "declined: bad_card" in result.stdout


def test_a_host_that_is_no_test_host_is_sent_nothing(host: CoreHostProcess) -> None:
    path = host.data / "real.yaml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace("test: true ", "test: false "))
    result = send(host, "card.balance", f"card={host.cards[0].card}", "--profile", str(path))
    assert result.exit_code == 2
    assert "test: true" in result.output


def test_a_host_that_is_not_there_is_exit_3(host: CoreHostProcess) -> None:
    words = ("--host", "127.0.0.1:1", "--data", str(host.data), "--keys", str(host.keys))
    slow = host.data / "config"
    slow.mkdir(exist_ok=True)
    (slow / "telebank.toml").write_text(
        "schema = 1\n[hosts.tb87]\nconnect_timeout_s = 0.2\nmux = {sign_on_timeout_s = 0.2}\n"
    )
    result = run("send", "card.balance", f"card={host.cards[0].card}", *words)
    (slow / "telebank.toml").unlink()
    assert result.exit_code == 3
    assert "nothing was sent" in result.output


@pytest.mark.parametrize("words", [("card.balance",), ("card.balance", "crad=1"), ("nonsense",)])
def test_a_wrong_command_line_is_exit_2(host: CoreHostProcess, words: tuple[str, ...]) -> None:
    assert send(host, *words).exit_code == 2


# -- replay --------------------------------------------------------------------------------------


def replay(host: CoreHostProcess, tmp_path: Path, *rows: dict[str, Any]) -> Result:
    file = tmp_path / "messages.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    where = ("--host", f"127.0.0.1:{host.port}", "--data", str(host.data), "--keys", str(host.keys))
    return run("replay", str(file), "--json", "--wait", "2", *where)


def test_messages_of_a_file_are_sent_and_answered(host: CoreHostProcess, tmp_path: Path) -> None:
    balance = {"2": host.cards[4].card, "3": "310000", "49": "156"}
    echo = {"mti": "0800", "fields": {"70": "301"}}
    result = replay(host, tmp_path, {"mti": "0200", "fields": balance}, echo)
    got = [e for e in lines(result) if e["what"] == "received"]
    assert result.exit_code == 0
    assert [e["mti"] for e in got] == ["0810", "0210", "0810"]
    assert host.cards[4].card not in result.output
    assert "2 sent, 2 answered" in result.stderr


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"mti": "0600", "fields": {"52": "0011223344556677"}}, "field 52 is a secret"),
        ({"mti": "0200", "fields": {"35": "6227=99"}}, "field 35 is a secret"),
        ({"mti": "0200", "fields": {"3": "abc"}}, "field 3"),
        ({"fields": {}}, "needs `mti`"),
    ],
)
def test_a_line_that_may_not_be_sent_stops_all(
    host: CoreHostProcess, tmp_path: Path, row: dict[str, Any], said: str
) -> None:
    result = replay(host, tmp_path, {"mti": "0800", "fields": {"70": "301"}}, row)
    assert result.exit_code == 2
    assert "line 2" in result.output
    assert said in result.output
    assert lines(result) == []


@pytest.mark.parametrize("content", [b"hello", b"[1]", b"\x7fELF\xff\xfe", b""])
def test_a_file_of_something_else_says_what_a_line_is(
    host: CoreHostProcess, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(content)
    result = run("replay", str(file), "--data", str(host.data), "--keys", str(host.keys))
    assert result.exit_code == 2
    assert "messages" in result.output
    assert not content or 'a line is a message, such as {"mti": "0200"' in result.output


def test_the_host_of_a_running_demo_is_found(host: CoreHostProcess) -> None:
    ready = host.data / "run" / "corehost.json"
    ready.parent.mkdir(exist_ok=True)
    ready.write_text(json.dumps({"host": "127.0.0.1", "port": host.port}))
    keys = ("--data", str(host.data), "--keys", str(host.keys))
    result = run("send", "card.balance", f"card={host.cards[7].card}", *keys)
    ready.unlink()
    assert result.exit_code == 0
    assert "approved" in result.stdout


# -- trace ---------------------------------------------------------------------------------------


async def serve_tap(tap: Tap, socket: Path) -> web.AppRunner:
    app = web.Application()
    app[TRACE] = HostTrace(tap)
    app.add_routes([web.get("/v1/host/trace", host_trace)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    return runner


async def watch(data: Path, *words: str) -> asyncio.subprocess.Process:
    program = "from telebank.commands.host import command; command()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "trace", "--data", str(data), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def wanted(tap: Tap) -> None:
    async with asyncio.timeout(20):
        while not tap.wanted:
            await asyncio.sleep(0.01)


async def test_a_frame_that_matched_nothing_says_which_field_differed(tmp_path: Path) -> None:
    tap = Tap()
    runner = await serve_tap(tap, tmp_path / "control.sock")
    async with Bench(tmp_path) as bench:
        proxy = FaultProxy(
            bench.codec, ModuleMac(bench.module, "tb87.mak"), "127.0.0.1", bench.port, 1
        )
        options = Iso8583Options(addresses=(f"127.0.0.1:{await proxy.start()}",))
        host = Iso8583Host(PROFILE, CONTRACTS, bench.module, options, vault=KitVault(), tap=tap)
        watcher = await watch(tmp_path, "--json", "--limit", "6")
        await wanted(tap)
        await host.start()
        assert await host.wait_signed_on(5)
        fault = Fault("reply", "set", field=41, to="OTHER   ")
        proxy.order(Order(PROFILE.services["card.balance"], [fault]))
        asked = asyncio.create_task(_ask(host))
        out, _ = await asyncio.wait_for(watcher.communicate(), 20)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await host.close()
        await proxy.close()
    await runner.cleanup()
    events = [json.loads(line) for line in out.splitlines()]
    said = ["sent", "received", "link_up", "sent", "received", "unmatched"]
    assert [event["what"] for event in events] == said
    assert events[-1]["why"] == "key field 41 differs from the request in flight"
    named = {view["name"]: view["text"] for view in events[3]["fields"]}
    assert named["Processing code"] == "310000"
    assert demo_people().payers[0].card.digits not in out.decode()


async def _ask(host: Iso8583Host) -> None:
    from core_adapters.conformance.journal import Numbers, Stans
    from transactions.request import AuthLevel, Request

    card = demo_people().payers[0].card
    request = Request("r1", "card.balance", 1, {"card": card}, "test", auth=AuthLevel.PIN)
    await host.execute(request, Numbers(Stans(1)))


async def test_a_fifth_watcher_is_told_why_not(tmp_path: Path) -> None:
    tap = Tap()
    runner = await serve_tap(tap, tmp_path / "control.sock")
    watchers = [tap.watch() for _ in range(MAX_WATCHERS)]
    process = await watch(tmp_path)
    _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 3
    assert b"too many watch already" in said
    assert all(watchers)
    await runner.cleanup()


def test_a_node_that_does_not_run_is_exit_3(tmp_path: Path) -> None:
    result = run("trace", "--data", str(tmp_path))
    assert result.exit_code == 3
    assert "telebank serve" in result.output


# -- sql-stubs -----------------------------------------------------------------------------------


def test_stubs_for_the_banks_database_people() -> None:
    result = run("sql-stubs", "--dialect", "postgresql")
    assert result.exit_code == 0
    assert "create" in result.stdout.lower()
    assert run("sql-stubs", "--dialect", "nonsense").exit_code == 2


# -- certify -------------------------------------------------------------------------------------


def test_a_certification_is_signed_and_verified(tmp_path: Path) -> None:
    report, data = tmp_path / "tb87.html", str(tmp_path)
    words = ("tb87", "--only", "service.card", "--only", "timeout.after", "--seed", "7")
    result = run("certify", *words, "--report", str(report), "--data", data, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["verdict"], found["failed"], found["seed"]) == ("passed", 0, "7")
    assert {one["id"] for one in found["scenarios"]} >= {"timeout.after", "host.books"}
    assert run("verify", str(report), "--data", data).exit_code == 0
    assert "THIS WAS THE DEMO HOST" in report.read_text(encoding="utf-8")
    report.write_text(report.read_text().replace("REVERSED", "APPROVED"))
    touched = run("verify", str(report), "--data", data, "--json")
    assert touched.exit_code == 1
    assert len(json.loads(touched.stdout)["findings"]) == 2


def test_a_banks_own_host_that_fails_is_exit_1(host: CoreHostProcess, tmp_path: Path) -> None:
    cards = tmp_path / "cards.yaml"
    cards.write_text(
        f'schema: 1\npayers:\n- {{card: "{host.cards[5].card}", pin: "000000000000"}}\n'
        f'payee: {{card: "{host.cards[6].card}"}}\n'
    )
    cards.chmod(0o600)
    where = ("--host", f"127.0.0.1:{host.port}", "--manual", "--cards", str(cards))
    words = ("--keys", str(host.keys), "--only", "service.pin.verify", "--data", str(tmp_path))
    result = run("certify", "tb87", *where, *words, "--timeout", "0.5", "--json")
    found = {one["id"]: one for one in json.loads(result.stdout)["scenarios"]}
    assert result.exit_code == 1
    assert found["service.pin.verify"]["wrong"][0]["seen"] == "declined"
    assert found["service.pin.verify.wrong"]["verdict"] == "passed"
    assert "no test customer is 'locked'" in found["service.pin.verify.locked"]["why"]


def test_a_host_of_ones_own_needs_three_words(tmp_path: Path) -> None:
    result = run("certify", "tb87", "--host", "127.0.0.1:1", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "--manual and --cards" in result.output
    assert "--host 10.1.2.3:8583" in result.output


def test_a_report_that_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    report = tmp_path / "none" / "x.html"
    result = run("certify", "tb87", "--report", str(report), "--data", str(tmp_path))
    assert result.exit_code == 2
    assert f"make the folder {report.parent} first" in result.output


def test_scenarios_that_are_not_there_are_answered_by_those_that_are(tmp_path: Path) -> None:
    words = ("--only", "link.", "--only", "nosuch.", "--data", str(tmp_path))
    result = run("certify", "tb87", *words)
    assert result.exit_code == 2
    assert "--only nosuch.: " in result.output
    assert "timeout., late." in result.output


def test_a_host_reached_by_sql_is_checked_too(tmp_path: Path) -> None:
    result = run("check", "sql-demo", "--json", "--data", str(tmp_path))
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert "transfer.card_to_card" in {one["service"] for one in report["services"]}
    refused = run("send", "sql-demo", "card.balance", "--data", str(tmp_path))
    assert refused.exit_code == 2
    text = (seed_dir() / "hosts" / "sql-demo.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("    reference: reference ", "    referense: reference "))
    found = run("check", str(wrong), "--json", "--data", str(tmp_path))
    assert found.exit_code == 1
    assert "wrong.yaml" in found.stdout
    assert "host_file" in found.stdout


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_database_is_certified_with_the_same_scenarios(tmp_path: Path, dialect: str) -> None:
    report, data = tmp_path / "sql.html", str(tmp_path)
    words = ["--dialect", dialect, "--report", str(report), "--data", data, "--json"]
    for only in ("service.card.balance", "timeout.after", "wrong.mac", "recovery.query.never"):
        words += ["--only", only]
    result = run("certify", "sql-demo", *words)
    found = json.loads(result.stdout)
    verdicts = {one["id"]: one["verdict"] for one in found["scenarios"]}
    assert result.exit_code == 0, result.stdout
    assert verdicts.pop("wrong.mac") == "not_applicable"
    assert set(verdicts.values()) == {"passed"}
    assert {"timeout.after", "recovery.query.never", "host.books"} <= verdicts.keys()
    assert (found["not_applicable"], found["not_tried"]) == (1, 0)
    assert run("verify", str(report), "--data", data).exit_code == 0


def test_a_bank_s_own_database_is_a_section_of_the_settings(tmp_path: Path) -> None:
    cards = tmp_path / "cards.yaml"
    cards.write_text(
        'schema: 1\npayers:\n- {card: "6227009000000351"}\npayee: {card: "6227009000000369"}\n'
    )
    cards.chmod(0o600)
    where = ("--host", "nowhere", "--manual", "--cards", str(cards), "--data", str(tmp_path))
    result = run("certify", "sql-demo", *where)
    assert result.exit_code == 2
    assert "no section [hosts.nowhere]" in result.output


@pytest.mark.parametrize(
    "changes",
    [
        [
            ("mti: ascii", "mti: bcd"),
            ("numeric: ascii", "numeric: bcd"),
            ("lengths: ascii", "lengths: bcd"),
        ],
        [("{use: none, value", "{use: required, value"), ("bitmap: binary", "bitmap: hex")],
        [
            ("size: 2, form: binary", "size: 4, form: binary"),
            ("algorithm: aes-cmac", "algorithm: x9.19"),
        ],
    ],
    ids=["bcd", "tpdu-hex", "four-bytes-x9.19"],
)
def test_another_profile_needs_no_other_scenarios(
    tmp_path: Path, changes: list[tuple[str, str]]
) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "other.yaml"
    path.write_text(text, encoding="utf-8")
    only = ("frame.", "cut.reply.1", "wrong.mac", "wrong.garbled", "timeout.after", "cutover.")
    words = [word for one in only for word in ("--only", one)]
    result = run(
        "certify", str(path), *words, "--timeout", "0.3", "--data", str(tmp_path), "--json"
    )
    found = json.loads(result.stdout)
    assert [one for one in found["scenarios"] if one["verdict"] != "passed"] == []
    assert found["passed"] > 8
