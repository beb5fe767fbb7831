"""`telebank host certify`: the conformance kit against the demo host, or a bank's own test host."""

import asyncio
import contextlib
import json
import platform
import secrets
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core_adapters.conformance import kit
from core_adapters.conformance.iso8583_bench import Iso8583Target
from core_adapters.conformance.people import People, PeopleError, load_people, people_of
from core_adapters.conformance.report import Facts, LeakError, render, summary
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.scenarios import Scenario, load_scenarios
from core_adapters.conformance.seal import Seal, SealError
from core_adapters.corehost.house import findings
from core_adapters.corehost.seed import SeedCard, card_number, trial_set
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.profiles.errors import ProfileError
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.host_common import (
    Finding,
    config_file,
    host_options,
    keys_option,
    only_test,
    profile_path,
    read_contracts,
    read_keys,
    read_profile,
    split_address,
)

READY_S, STOP_S = 30.0, 10.0
ORDINARY = 60
VERSIONS = ("telebank", "pyiso8583", "cryptography")


@dataclass(frozen=True, slots=True)
class Request:
    """What `certify` was asked for."""

    data: Path
    profile: str
    address: str | None
    keys: Path | None
    cards: Path | None
    only: tuple[str, ...]
    seed: int
    pace: Pace


@click.command(name="certify")
@click.argument("profile")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write HTML here.")
@click.option("--host", "address", help="A bank's own test host, host:port; needs --manual.")
@click.option("--manual", is_flag=True, help="Nothing is started: test money will move at --host.")
@click.option(
    "--cards",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Test customers of that host, mode 0600; see docs/hosts.md.",
)
@keys_option
@click.option("--only", multiple=True, help="Scenarios whose id begins so; may be repeated.")
@click.option("--seed", type=click.IntRange(1), help="Of what is left to chance; printed.")
@click.option(
    "--timeout",
    type=click.FloatRange(0.2, 120),
    help="Longest time-out of a service, seconds.  [default: 0.7; with --host the profile's own]",
)
@data_option
@json_option
def command(
    profile: str,
    report: Path | None,
    address: str | None,
    manual: bool,
    cards: Path | None,
    keys: Path | None,
    only: tuple[str, ...],
    seed: int | None,
    timeout: float | None,
    data: Path,
    as_json: bool,
) -> None:
    """Try every service, outcome and fault, and write a signed report. Exit 1 if anything failed.

    Without --host the demo core host is started on a free port. Faults are made by a proxy between
    adapter and host, so a bank's own test host needs no help.

    \b
    Examples:
      telebank host certify tb87 --report tb87.html
      telebank host certify ourbank.yaml --host 10.1.2.3:8583 --manual --cards cards.yaml \\
          --report ourbank.html
      telebank host certify tb87 --only timeout. --only late. --json
    """
    if (address is not None) != manual or (address is not None and cards is None):
        raise click.UsageError("a host of your own needs --host, --manual and --cards together")
    pace = _pace(timeout, own_host=address is not None)
    seed = seed or secrets.randbelow(10**6) + 1
    asked = Request(data, profile, address, keys, cards, only, seed, pace)
    loaded = read_profile(data, profile)
    only_test(loaded)
    try:
        outcome, people = _run(asked, quiet=as_json)
        facts = _facts(asked, outcome)
        if report is not None:
            _write(report, outcome, facts, Seal.open_or_create(data / "keys"), people)
    except (ProfileError, PeopleError, LeakError) as error:
        raise Finding(str(error)) from error
    except SealError as error:
        raise click.UsageError(str(error)) from error
    _tell(outcome, facts, report, as_json=as_json)


def _pace(timeout: float | None, *, own_host: bool) -> Pace:
    """The demo host is asked quickly; a bank's own gets the profile's times unless told."""
    if own_host:
        return Pace(timeout_s=timeout or 120.0, echo_s=5.0, settle_s=120.0, retry_s=1.0)
    return Pace() if timeout is None else Pace(timeout_s=timeout)


def _run(asked: Request, *, quiet: bool) -> tuple[kit.Outcome, People]:
    profile, contracts = read_profile(asked.data, asked.profile), read_contracts(asked.data)
    file = load_scenarios(config_file(asked.data, "conformance", "scenarios.yaml"))
    with contextlib.ExitStack() as stack:
        folder: Path | None = None
        if asked.address is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="certify-")))
            path = profile_path(asked.data, asked.profile)
            host, port = "127.0.0.1", stack.enter_context(demo_host(folder, path))
            people = demo_people()
            module = read_keys(asked.data, folder / "keys", profile)
            options = Iso8583Options(terminal="TBCERT01")
        else:
            assert asked.cards is not None
            host, port = split_address(asked.address)
            people = load_people(asked.cards)
            module = read_keys(asked.data, asked.keys, profile)
            options = host_options(asked.data, profile, asked.address)
        target = Iso8583Target(host, port, profile, contracts, module, options)
        plan = kit.Plan(file, people, asked.seed, asked.pace, asked.only)
        if not plan.chosen(target):
            raise click.UsageError("no scenario's id begins so")
        outcome = _certify(target, plan, quiet=quiet)
        if folder is not None:
            outcome = replace(outcome, results=[*outcome.results, _books(folder)])
    return outcome, people


def _certify(target: kit.Target, plan: kit.Plan, *, quiet: bool) -> kit.Outcome:
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("signing on", total=None)

        def hear(done: int, everything: int, result: kit.Result) -> None:
            bar.update(task, completed=done, total=everything, description=result.scenario.id)
            if result.verdict == kit.FAILED:
                bar.print(f"failed  {result.scenario.id}  {result.scenario.en}", markup=False)

        return asyncio.run(kit.certify(target, plan, hear))


def _books(folder: Path) -> kit.Result:
    """The demo bank's own books after all this."""
    scenario = Scenario("host.books", "主机账目平衡", "the demo bank's books are whole", "")
    found = findings(folder / "corehost")
    check = kit.Check("findings", "none", "; ".join(found) or "none", not found)
    return kit.Result(scenario, kit.FAILED if found else kit.PASSED, [check])


@contextlib.contextmanager
def demo_host(folder: Path, profile: Path) -> Iterator[int]:
    """A demo core host with test cards on a free port, in a process of its own; gives the port."""
    words = [sys.executable, "-m", "telebank", "corehost", "run", "--test-data"]
    words += ["--listen", "127.0.0.1:0", "--profile", str(profile.resolve())]
    words += ["--data", str(folder / "corehost"), "--keys", str(folder / "keys")]
    with (
        (folder / "corehost.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own program
            words, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], READY_S)
            line = process.stdout.readline() if ready else ""
            if not line:
                raise Unreachable("the demo core host did not start")
            yield int(json.loads(line)["port"])
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def demo_people() -> People:
    """The test customers of a demo host started with --test-data."""
    cards = trial_set()
    special = cards[ORDINARY:]
    rows: dict[str, Any] = {
        "payers": [_row(one) for one in cards[: ORDINARY - 10]],
        "payee": _row(cards[ORDINARY - 1]),
        "poor": _row(special[0]),
        "unknown": (card_number(999_999_999), "", ""),
    }
    rows |= {one.state: _row(one) for one in special if one.state in ("hot", "locked")}
    return people_of(rows)


def _row(one: SeedCard) -> tuple[str, str, str]:
    return one.card, one.pin, one.identity


def _facts(asked: Request, outcome: kit.Outcome) -> Facts:
    profile = read_profile(asked.data, asked.profile)
    paths = {
        "profile_sha256": profile_path(asked.data, asked.profile),
        "services_sha256": config_file(asked.data, "services.yaml"),
        "scenarios_sha256": config_file(asked.data, "conformance", "scenarios.yaml"),
    }
    versions = [f"{name} {version(name)}" for name in VERSIONS]
    values = {"profile": f"{profile.name} version {profile.version}"}
    values |= {name: kit.content_hash(path.read_bytes()) for name, path in paths.items()}
    values |= {
        "host": asked.address or "the demo core host",
        "versions": ", ".join([*versions, f"Python {platform.python_version()}"]),
        "seed": str(asked.seed),
        "times": f"time-outs up to {asked.pace.timeout_s:g} s",
        "began": outcome.began.isoformat(timespec="seconds"),
        "seconds": f"{outcome.seconds:.1f}",
    }
    return Facts(values)


def _write(path: Path, outcome: kit.Outcome, facts: Facts, seal: Seal, people: People) -> None:
    """The report, and its detached signature beside it."""
    page = render(outcome, facts, seal, people.texts())
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(page)
    part.replace(path)
    path.with_name(f"{path.name}.sig").write_text(seal.sign(page) + "\n", encoding="ascii")


def _tell(outcome: kit.Outcome, facts: Facts, report: Path | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary(outcome, facts), ensure_ascii=False))
    else:
        _print(outcome, facts)
        if report is not None:
            click.echo(f"report {report}, signature {report}.sig")
    if not outcome.passed:
        raise SystemExit(EXIT_FINDING)


def _print(outcome: kit.Outcome, facts: Facts) -> None:
    for result in outcome.results:
        if result.verdict == kit.SKIPPED:
            click.echo(f"not tried  {result.scenario.id}: {result.why}")
        if result.verdict != kit.FAILED:
            continue
        click.echo(f"FAILED     {result.scenario.id}: {result.scenario.en}")
        for check in result.checks:
            if not check.ok:
                click.echo(f"           {check.name}: expected {check.expected}, saw {check.seen}")
    click.echo(
        f"{outcome.count(kit.PASSED)} passed, {outcome.count(kit.FAILED)} failed, "
        f"{outcome.count(kit.SKIPPED)} not tried in {outcome.seconds:.0f} s "
        f"(seed {facts.values['seed']})"
    )
