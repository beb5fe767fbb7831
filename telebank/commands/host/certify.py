"""`telebank host certify`: the conformance kit against the demo host, or a bank's own test host."""

import asyncio
import json
import platform
import secrets
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from core_adapters.conformance import kit
from core_adapters.conformance.people import People, PeopleError
from core_adapters.conformance.report import Facts, LeakError, render, summary
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.scenarios import Scenario, load_scenarios
from core_adapters.conformance.seal import Seal, SealError
from core_adapters.profiles.errors import ProfileError
from core_adapters.sql.errors import OdbcMissing
from core_adapters.sql.stubs import TRIED
from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.host.certify_hosts import opened
from telebank.commands.host.certify_values import Opened, Where
from telebank.commands.host.common import Finding, config_file, keys_option, profile_path

VERSIONS = ("telebank", "pyiso8583", "pyodbc", "cryptography")


DEMO = (
    "演示主机：本报告不证明任何银行的主机。THIS WAS THE DEMO HOST: "
    "the report proves adapter and profile, not any bank's own host."
)
"""What a report says first where no host was given."""


@dataclass(frozen=True, slots=True)
class Request:
    """What `certify` was asked for."""

    where: Where
    only: tuple[str, ...]
    seed: int
    pace: Pace
    by: str


@click.command(name="certify")
@click.argument("profile")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write HTML here.")
@click.option(
    "--host",
    "address",
    help="A bank's own test host: host:port, or for SQL NAME of [hosts.NAME]; needs --manual.",
)
@click.option("--manual", is_flag=True, help="Nothing is started: test money will move at --host.")
@click.option(
    "--cards",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Test customers of that host, mode 0600; see docs/hosts.md.",
)
@keys_option
@click.option(
    "--dialect",
    type=click.Choice(TRIED),
    default=TRIED[0],
    show_default=True,
    help="Of the demo database, for a profile of kind sql.",
)
@click.option("--by", default="", help="Who ran it and where, for the report.")
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
    dialect: str,
    by: str,
    only: tuple[str, ...],
    seed: int | None,
    timeout: float | None,
    data: Path,
    as_json: bool,
) -> None:
    """Try every service, outcome and fault, and write a signed report.

    Without --host a demo host is started: the demo core host on a free port, or for a profile of
    kind sql a database of the shipped stubs. Faults are made between adapter and host, so a bank's
    own test host needs no help. Exit 1 if anything failed, or could have been tried and was not.

    \b
    Examples:
      telebank host certify tb87 --report tb87.html
      telebank host certify ourbank.yaml --host 10.1.2.3:8583 --manual --cards cards.yaml \\
          --report ourbank.html
      telebank host certify tb87 --only timeout. --only late. --json
      telebank host certify sql-demo --dialect postgresql --report sql.html
      telebank host certify ourbank --host ourbank --manual --cards cards.yaml
    """
    if (address is not None) != manual or (address is not None and cards is None):
        raise click.UsageError(
            "a host of your own needs --host, --manual and --cards together, such as "
            "--host 10.1.2.3:8583 --manual --cards cards.yaml (SQL: --host NAME of [hosts.NAME])"
        )
    pace = _pace(timeout, own_host=address is not None)
    seed = seed or secrets.randbelow(10**6) + 1
    where = Where(data, profile, address, keys, cards, dialect)
    try:
        outcome, facts = _run(Request(where, only, seed, pace, by), report, quiet=as_json)
    except (ProfileError, PeopleError, LeakError) as error:
        raise Finding(str(error)) from error
    except (SealError, OdbcMissing) as error:
        raise click.UsageError(str(error)) from error
    _tell(outcome, facts, report, as_json=as_json)


def _pace(timeout: float | None, *, own_host: bool) -> Pace:
    """The demo host is asked quickly; a bank's own gets the profile's times unless told."""
    if own_host:
        return Pace(timeout_s=timeout or 120.0, echo_s=5.0, settle_s=120.0, retry_s=1.0)
    return Pace() if timeout is None else Pace(timeout_s=timeout)


def _run(asked: Request, report: Path | None, *, quiet: bool) -> tuple[kit.Outcome, Facts]:
    file = load_scenarios(config_file(asked.where.data, "conformance", "scenarios.yaml"))
    seal = None if report is None else _seal(report, asked.where.data)
    with opened(asked.where) as host:
        plan = kit.Plan(file, host.people, asked.seed, asked.pace, asked.only)
        _check_only(plan, host.target)
        outcome = _certify(host.target, plan, quiet=quiet)
        if host.books is not None:
            outcome = replace(outcome, results=[*outcome.results, _books(host.books())])
        facts = _facts(asked, host, outcome)
    if report is not None and seal is not None:
        _write(report, outcome, facts, seal, host.people)
    return outcome, facts


def _seal(report: Path, data: Path) -> Seal:
    """What signs the report; exit 2 now, not after the run, where it could not be written."""
    part = _part(report)
    try:
        part.touch()
        part.unlink()
    except OSError as error:
        why = f"cannot write --report {report}: {error.strerror}"
        hint = "" if report.parent.is_dir() else f"; make the folder {report.parent} first"
        raise click.UsageError(why + hint) from error
    return Seal.open_or_create(data / "keys")


def _part(report: Path) -> Path:
    return report.with_name(f".{report.name}.part")


def _check_only(plan: kit.Plan, target: kit.Target) -> None:
    """Exit 2 for an --only that no scenario's id begins with."""
    ids = [one.id for one in replace(plan, only=()).chosen(target)]
    for word in plan.only:
        if not any(one.startswith(word) for one in ids):
            there = ", ".join(dict.fromkeys(f"{one.partition('.')[0]}." for one in ids))
            raise click.UsageError(
                f"--only {word}: no scenario's id begins so; they begin with {there} "
                "and an id may be given whole, such as " + ids[0]
            )


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


def _books(found: list[str]) -> kit.Result:
    """The demo bank's own books after all this."""
    scenario = Scenario("host.books", "主机账目平衡", "the demo bank's books are whole", "")
    check = kit.Check("findings", "none", "; ".join(found) or "none", not found)
    return kit.Result(scenario, kit.FAILED if found else kit.PASSED, [check])


def _facts(asked: Request, host: Opened, outcome: kit.Outcome) -> Facts:
    data = asked.where.data
    paths = {
        "profile_sha256": profile_path(data, asked.where.profile),
        "services_sha256": config_file(data, "services.yaml"),
        "scenarios_sha256": config_file(data, "conformance", "scenarios.yaml"),
    }
    versions = [f"{name} {version(name)}" for name in VERSIONS]
    versions += [f"Python {platform.python_version()}", f"{platform.system()} {platform.machine()}"]
    values = {"profile": f"{host.target.name} version {host.version} ({host.target.kind})"}
    values |= {name: kit.content_hash(path.read_bytes()) for name, path in paths.items()}
    values |= {
        "host": host.what,
        "versions": ", ".join(versions),
        "seed": str(asked.seed),
        "times": f"time-outs up to {asked.pace.timeout_s:g} s",
        "began": outcome.began.isoformat(timespec="seconds"),
        "seconds": f"{outcome.seconds:.1f}",
        "by": asked.by,
    }
    if asked.where.address is None:
        values["warning"] = DEMO
    return Facts(values)


def _write(path: Path, outcome: kit.Outcome, facts: Facts, seal: Seal, people: People) -> None:
    """The report, and its detached signature beside it."""
    page = render(outcome, facts, seal, people.texts())
    try:
        part = _part(path)
        part.write_bytes(page)
        part.replace(path)
        path.with_name(f"{path.name}.sig").write_text(seal.sign(page) + "\n", encoding="ascii")
    except OSError as error:
        raise click.UsageError(f"cannot write --report {path}: {error.strerror}") from error


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
        f"{outcome.count(kit.SKIPPED)} not tried, "
        f"{outcome.count(kit.INAPPLICABLE)} not applicable in {outcome.seconds:.0f} s "
        f"(seed {facts.values['seed']})"
    )
    if "warning" in facts.values:
        click.echo(facts.values["warning"])
