"""`telebank host check`: whether a profile can be used, what it serves, what its codes mean."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.profile import CODE_CLASSES, Profile
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.host_check_sql import is_sql, not_served, sql_report
from telebank.commands.host_common import profile_path, read_contracts
from telebank.settings import seed_dir
from transactions.contract import Contracts

NEVER_SHOWN = (35, 36, 45, 52)
NEEDED_CLASSES = ("success", "duplicate", "cutover", "unknown")


@click.command(name="check")
@click.argument("profile")
@data_option
@json_option
def command(profile: str, data: Path, as_json: bool) -> None:
    """Check PROFILE, a file or the name of one in config/hosts; exit 1 with findings.

    \b
    Examples:
      telebank host check tb87
      telebank host check /srv/bank/config/hosts/ourbank.yaml --json
    """
    path = profile_path(data, profile)
    contracts = read_contracts(data)
    try:
        if is_sql(path):
            _end(sql_report(path, contracts), as_json)
            return
        loaded = load_profile(path, seed_dir() / "hosts")
    except ProfileError as error:
        _end({"profile": str(path), "findings": [str(error)]}, as_json)
        return
    findings = list(_findings(path, loaded, contracts))
    report = {
        "profile": loaded.name,
        "version": loaded.version,
        "test": loaded.test,
        "file": str(path),
        "services": _services(loaded, contracts),
        "codes": _codes(loaded),
        "not_served": not_served(loaded.services, contracts),
        "findings": findings,
    }
    _end(report, as_json)


def _findings(path: Path, profile: Profile, contracts: Contracts) -> Iterator[str]:
    for service in profile.services.values():
        alone = replace(profile, services=MappingProxyType({service.name: service}))
        try:
            check_services(alone, contracts)
        except ProfileError as error:
            yield str(error)
    yield from _ambiguous(path, profile)
    yield from _shown(path, profile)
    for kind in NEEDED_CLASSES:
        if not any(meaning.kind == kind for meaning in profile.codes.values()):
            yield f"{path}:{_line(path, 'codes')}: no code of class {kind}"


def _ambiguous(path: Path, profile: Profile) -> Iterator[str]:
    seen: dict[tuple[str, str], str] = {}
    for service in profile.services.values():
        key = (service.mti, service.processing_code)
        if key in seen:
            yield f"{service.place}: {service.name}: same MTI and field 3 as {seen[key]}"
        seen.setdefault(key, service.name)


def _shown(path: Path, profile: Profile) -> Iterator[str]:
    for number, spec in profile.fields.items():
        wrong = number in NEVER_SHOWN and spec.show != "never"
        if wrong or (number == 2 and spec.show == "clear"):  # noqa: PLR2004 - the card
            wanted = "never" if wrong else "pan"
            yield f"{path}:{_line(path, str(number))}: field {number} needs `show: {wanted}`"


def _line(path: Path, key: str) -> int:
    """Line of the first mapping key of this text."""
    pattern = re.compile(rf"\s*{re.escape(key)}:")
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if pattern.match(text):
            return number
    return 1


def _services(profile: Profile, contracts: Contracts) -> list[dict[str, Any]]:
    return [
        {
            "service": one.name,
            "version": one.version,
            "mti": one.mti,
            "repeat_mti": one.repeat_mti,
            "field_3": one.processing_code,
            "wait": f"{one.timeout_s:g} s",
            "recovery": contracts[one.name].recovery if one.name in contracts else "",
        }
        for one in profile.services.values()
    ]


def _codes(profile: Profile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for code, meaning in profile.codes.items():
        found[meaning.kind].append(code)
    return {kind: sorted(found[kind]) for kind in CODE_CLASSES}


def _end(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)
    if report["findings"]:
        raise SystemExit(EXIT_FINDING)


def _print(report: dict[str, Any]) -> None:
    if "services" in report:
        test = "a test host: tools may send to it" if report["test"] else "not a test host"
        click.echo(f"{report['profile']} version {report['version']} ({test}), {report['file']}\n")
        _print_services(report["services"])
        click.echo()
        for kind, codes in report["codes"].items():
            click.echo(f"{kind:<12} {' '.join(codes) or '–'}")
        missing = ", ".join(report["not_served"]) or "nothing"
        click.echo(f"\nin config/services.yaml and not served by this host: {missing}")
    for finding in report["findings"]:
        click.echo(finding, err=True)
    if not report["findings"]:
        click.echo("no findings")


def _print_services(services: list[dict[str, Any]]) -> None:
    """A column for each key that any service has, the first as wide as it needs."""
    keys = [key for key in services[0] if any(one[key] for one in services)]
    widths = {key: max(len(key), *(len(str(one[key])) for one in services)) for key in keys}
    heading = {key: key.replace("_", " ") for key in keys}
    for row in (heading, *services):
        cells = (str(row[key] or "–").ljust(widths[key]) for key in keys)
        click.echo("  ".join(cells).rstrip())
