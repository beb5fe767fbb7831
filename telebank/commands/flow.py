"""`telebank flow`: check, list and test the menu trees."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from telebank.commands import flow_draw, flow_menus
from telebank.commands.common import EXIT_FINDING, json_option

if TYPE_CHECKING:
    from telebank.flow.check.quick import Quick

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    envvar="TELEBANK_CONFIG",
    help="Folder with services.yaml, flows/ and prompts/; the shipped one if not given.",
)


@click.group(name="flow")
def command() -> None:
    """Check, list and test the menu trees.

    \b
    Examples:
      telebank flow check
      telebank flow check --times --config /srv/bank/config
      telebank flow list --json
      telebank flow test tests/playbooks/transfer.yaml
    """


@command.command()
@config_option
@click.option("--times", is_flag=True, help="Show the spoken seconds of the longest ways.")
@json_option
@click.option(
    "--quick-budget",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Seconds from the answer to the first sample of the balance, for one who knows the keys.",
)
def check(config: Path | None, times: bool, as_json: bool, quick_budget: float | None) -> None:
    """Refuse what must not take calls, each with file, line and what to do.

    \b
    Exit code 0: nothing found; 1: findings.
    Examples:
      telebank flow check
      telebank flow check --times
      telebank flow check --config ./config --json
    """
    from telebank.commands.measured import lengths
    from telebank.flow.check import check_release
    from telebank.flow.check.budget import estimated, ways
    from telebank.flow.check.quick import estimated_lead, quick_calls
    from telebank.flow.model import Finding, FlowError
    from telebank.flow.options import FlowOptions
    from telebank.flow.release import read_release

    options = FlowOptions() if quick_budget is None else FlowOptions(quick_budget_s=quick_budget)
    findings: list[Finding] = []
    longest: list[dict[str, Any]] = []
    quick: list[dict[str, Any]] = []
    measure, lead = lengths(_folder(config))
    try:
        release = read_release(_folder(config))
        findings = check_release(release, options, measure, lead)
        if times:
            seconds = measure or estimated(release)
            calls = quick_calls(release, options, seconds, lead or estimated_lead(release, seconds))
            slow_only = all(finding.rule == "quick" for finding in findings)
            quick = [_quick(call, options.quick_host_s) for call in calls] if slow_only else []
        if times and not findings:
            longest = [
                _way(way.flow, way.language, way.seconds, way.nodes)
                for way in ways(release, measure)
            ]
    except FlowError as error:
        findings = error.findings
    if as_json:
        plain = [_plain(finding) for finding in findings]
        measured = measure is not None
        told = {"findings": plain, "times": longest, "quick": quick, "measured": measured}
        click.echo(_dumped(told))
    else:
        _lines(str(finding) for finding in findings)
        _lines(_time_line(way) for way in longest)
        _lines(_quick_line(call) for call in quick)
        if times:
            click.echo("measured on the prompt packs" if measure else "estimated from the texts")
        click.echo(f"{len(findings)} findings" if findings else "no findings")
    raise SystemExit(EXIT_FINDING if findings else 0)


@command.command(name="list")
@config_option
@json_option
def list_flows(config: Path | None, as_json: bool) -> None:
    """List the flows with their nodes, services and sub-flows, and the release's hash.

    \b
    Examples:
      telebank flow list
      telebank flow list --json
    """
    from telebank.flow.check.graph import entered
    from telebank.flow.model import Call

    release = _release(config)
    rows = [
        {
            "flow": flow.name,
            "file": flow.file,
            "nodes": len(flow.nodes),
            "services": sorted({n.service for n in flow.nodes.values() if isinstance(n, Call)}),
            "enters": sorted(entered(flow)),
        }
        for flow in release.flows.values()
    ]
    if as_json:
        click.echo(_dumped({"release": release.hash, "flows": rows}))
        return
    click.echo(f"release {release.hash}")
    for row in rows:
        click.echo(f"{row['flow']:<16} {row['nodes']:>3} nodes  {', '.join(row['services'])}")
        if row["enters"]:
            click.echo(f"{'':<16} enters {', '.join(row['enters'])}")


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@config_option
@click.option("--coverage", is_flag=True, help="Nodes and outcomes that no test reaches fail too.")
@json_option
def test(paths: tuple[Path, ...], config: Path | None, coverage: bool, as_json: bool) -> None:
    """Play path tests (files or folders of them) against the menu trees.

    Without PATHS, the ones in tests/playbooks.

    \b
    Exit code 0: every call went as written; 1: one did not.
    Examples:
      telebank flow test
      telebank flow test tests/playbooks/transfer.yaml --json
      telebank flow test --coverage --config ./config
    """
    from telebank.flow.model import FlowError
    from telebank.flow.pathtest import play, uncovered
    from telebank.flow.playbook import load_playbook

    release = _release(config)
    try:
        tests = [item for path in _playbooks(paths) for item in load_playbook(path)]
    except FlowError as error:
        raise click.UsageError(str(error)) from error
    results = [play(release, item) for item in tests]
    failed = [result for result in results if result.problem is not None]
    missing = uncovered(release, results) if coverage else []
    if as_json:
        rows = [{"test": r.test.name, "file": r.test.file, "problem": r.problem} for r in results]
        click.echo(_dumped({"release": release.hash, "tests": rows, "uncovered": missing}))
    else:
        _lines(result.diff() for result in failed)
        _lines(missing)
        click.echo(f"{len(results) - len(failed)} of {len(results)} calls went as written")
    raise SystemExit(EXIT_FINDING if failed or missing else 0)


command.add_command(flow_menus.command)
command.add_command(flow_draw.command)


def _folder(config: Path | None) -> Path:
    from telebank.settings import seed_dir

    return config if config is not None else seed_dir()


def _release(config: Path | None) -> Any:
    from telebank.flow.load import load_release
    from telebank.flow.model import FlowError

    try:
        return load_release(_folder(config))
    except FlowError as error:
        _lines(str(finding) for finding in error.findings)
        raise click.ClickException("the release is refused; see `telebank flow check`") from error


def _playbooks(paths: tuple[Path, ...]) -> list[Path]:
    found: list[Path] = []
    for path in paths or (Path("tests/playbooks"),):
        found += sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not found or not all(path.is_file() for path in found):
        raise click.UsageError("no path tests there; name files, or a folder with *.yaml")
    return found


def _way(flow: str, language: str, seconds: float, nodes: tuple[str, ...]) -> dict[str, Any]:
    return {"flow": flow, "language": language, "seconds": round(seconds, 1), "nodes": list(nodes)}


def _time_line(way: dict[str, Any]) -> str:
    path = " > ".join(way["nodes"])
    return f"{way['seconds']:6.1f} s  {way['language']}  {way['flow']}: {path}"


def _quick(call: "Quick", host: float) -> dict[str, Any]:
    return {
        "language": call.language,
        "keys": list(call.keys),
        "seconds": round(call.seconds, 1),
        "host": host,
    }


def _quick_line(call: dict[str, Any]) -> str:
    keys = " ".join(call["keys"])
    return (
        f"{call['seconds']:6.1f} s  {call['language']}  from the answer to the amount: {keys}, "
        f"a key every 0.3 s, {call['host']:g} s a host answer"
    )


def _plain(finding: Any) -> dict[str, Any]:
    return {name: getattr(finding, name) for name in ("file", "line", "rule", "problem", "mend")}


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
