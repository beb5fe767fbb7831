"""`telebank host check`: whether a profile can be used, what it serves, what its codes mean."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from core_adapters.iso8583.checks import check_services
from core_adapters.iso8583.format.templates import Constant
from core_adapters.iso8583.loading.extending import read_extended
from core_adapters.iso8583.profile import Profile, ServiceMap
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section
from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.host.check_rows import blamed
from telebank.commands.host.check_sql import (
    is_sql,
    not_served,
    other_name,
    sql_report,
    wrong_file,
)
from telebank.commands.host.common import profile_path, read_contracts
from telebank.commands.host.picture import lines, picture
from telebank.settings import seed_dir
from transactions.contract import Contracts

SHIPPED = seed_dir() / "hosts"
CARD, NEVER_SHOWN = 2, (35, 36, 45, 52)
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
        loaded = load_profile(path, SHIPPED)
    except ProfileError as error:
        _end({"profile": str(path), "findings": [blamed(path, SHIPPED, error)]}, as_json)
        return
    report = {
        **picture(loaded, contracts),
        "file": str(path),
        "not_served": not_served(loaded.services, contracts),
        "findings": list(_findings(path, loaded, contracts)),
    }
    _end(report, as_json)


def findings(path: Path, contracts: Contracts) -> list[str]:
    """What `host check` finds in one profile, of either kind."""
    try:
        if is_sql(path):
            return list(sql_report(path, contracts)["findings"])
        return list(_findings(path, load_profile(path, SHIPPED), contracts))
    except ProfileError as error:
        return [blamed(path, SHIPPED, error)]


def _findings(path: Path, profile: Profile, contracts: Contracts) -> Iterator[str]:
    for service in profile.services.values():
        alone = replace(profile, services=MappingProxyType({service.name: service}))
        try:
            check_services(alone, contracts)
        except ProfileError as error:
            yield str(error)
    top = read_extended(path, SHIPPED)
    yield from other_name(path, profile.name, top)
    yield from _ambiguous(profile)
    yield from _shown(top.section("fields"), profile)
    yield from wrong_file(profile.host_file, top)
    for kind in NEEDED_CLASSES:
        if not any(meaning.kind == kind for meaning in profile.codes.values()):
            yield f"{top.place_of('codes')}: no code of class {kind}"


def _ambiguous(profile: Profile) -> Iterator[str]:
    """Services that no host could tell apart: MTI and field 3 are the same, and no constant in the
    same place differs."""
    seen: dict[tuple[str, str], list[ServiceMap]] = {}
    for service in profile.services.values():
        others = seen.setdefault((service.mti, service.processing_code), [])
        for other in others:
            if not _differ(_constants(service), _constants(other)):
                yield f"{service.place}: {service.name}: same MTI and field 3 as {other.name}"
                break
        others.append(service)


def _constants(service: ServiceMap) -> dict[tuple[int, str], str]:
    """What is the same in every request of the service: `range` of field 48 is `today`."""
    return {
        (number, name): source.text
        for number, template in service.request.items()
        for name, source in (template if isinstance(template, Mapping) else {"": template}).items()
        if isinstance(source, Constant)
    }


def _differ(one: Mapping[tuple[int, str], str], other: Mapping[tuple[int, str], str]) -> bool:
    return any(one[place] != other[place] for place in one.keys() & other.keys())


def _shown(fields: Section, profile: Profile) -> Iterator[str]:
    for number, spec in profile.fields.items():
        wrong = number in NEVER_SHOWN and spec.show != "never"
        if wrong or (number == CARD and spec.show == "clear"):
            wanted = "never" if wrong else "pan"
            yield f"{fields.place_of(number)}: field {number} needs `show: {wanted}`"


def _end(report: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False))
    else:
        _print(report)
    if report["findings"]:
        raise SystemExit(EXIT_FINDING)


def _print(report: dict[str, Any]) -> None:
    if "services" in report:
        for line in lines(report):
            click.echo(line)
    for finding in report["findings"]:
        click.echo(finding, err=True)
    if not report["findings"]:
        click.echo("no findings")
