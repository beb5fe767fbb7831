"""Reads and checks a profile; every complaint has file, line, column and what to do."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core_adapters.iso8583.loading.codes import CODE_OF, read_codes
from core_adapters.iso8583.loading.common import VERSION_DIGIT
from core_adapters.iso8583.loading.extending import read_extended
from core_adapters.iso8583.loading.fields import read_balances, read_fields
from core_adapters.iso8583.loading.rules import (
    read_key_change,
    read_match,
    read_network,
    read_reversal,
    read_totals,
)
from core_adapters.iso8583.loading.services import read_services, read_templates
from core_adapters.iso8583.loading.wire import read_bin_digits, read_mac, read_pin, read_wire
from core_adapters.iso8583.profile import Profile
from core_adapters.profiles.yamlread import Section

__all__ = ["load_profile"]

SCHEMA = 1


def load_profile(path: Path, shipped: Path | None = None, leave_out: Sequence[Any] = ()) -> Profile:
    """Read a profile; raises `ProfileError`.

    A profile that it `extends` stands beside it, or else in the folder `shipped`; `leave_out` as
    in `read_extended`.
    """
    top = read_extended(path, shipped, leave_out)
    if top.take("schema", int) != SCHEMA:
        raise top.error(f"must begin with `schema: {SCHEMA}`", "schema")
    edition = _edition(top)
    wire, frame = read_wire(top.section("wire"))
    algorithm, exempt = read_mac(top.section("mac"))
    pin_format = read_pin(top.section("pin"))
    fields = read_fields(top.section("fields"), top.section("tags"), pin_format)
    profile = Profile(
        name=top.take("profile", str),
        version=top.take("version", int),
        test=top.take("test", bool, False),
        wire=wire,
        frame=frame,
        mac=algorithm,
        mac_exempt=exempt,
        fields=fields,
        balances=read_balances(top.section("balances")),
        common=read_templates(top.section("common"), fields),
        services=read_services(top.section("services"), fields, CODE_OF[edition]),
        codes=read_codes(top.section("codes"), CODE_OF[edition]),
        match=read_match(top.section("match"), fields),
        network=read_network(top.section("network"), fields),
        reversal=read_reversal(top.section("reversal"), fields),
        pin_format=pin_format,
        edition=edition,
        key_change=_optional(top, "key_change", read_key_change, fields),
        totals=_optional(top, "totals", read_totals, fields),
        host_file=top.raw("host_file"),
        bin_digits=read_bin_digits(top),
    )
    top.done()
    _check_mtis(top, profile)
    return profile


def _check_mtis(top: Section, profile: Profile) -> None:
    mtis = {profile.network.mti, profile.reversal.mti, profile.reversal.repeat_mti}
    for service in profile.services.values():
        mtis |= {service.mti, service.repeat_mti or service.mti}
        if service.advice is not None:
            mtis |= {service.advice.mti, service.advice.repeat_mti}
    if profile.totals is not None:
        mtis.add(profile.totals.mti)
    digit = VERSION_DIGIT[profile.edition]
    for one in sorted(mtis):
        if one[0] != digit:
            why = f"MTIs of edition {profile.edition} begin with {digit}, and {one} does not"
            raise top.error(why, "edition")


def _edition(top: Section) -> int:
    edition: int = top.take("edition", int, 1987)
    if edition not in CODE_OF:
        known = ", ".join(str(year) for year in CODE_OF)
        raise top.error(f"the editions of ISO 8583 known here are {known}", "edition")
    return edition


def _optional(top: Section, key: str, read: Any, fields: Any) -> Any:
    return read(top.section(key), fields) if top.has(key) else None
