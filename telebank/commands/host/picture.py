"""A host profile in few lines, for `telebank host check`."""

import textwrap
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from core_adapters.iso8583.format.layout import Layout
from core_adapters.iso8583.profile import CODE_CLASSES, MatchRule, Profile, ServiceMap
from transactions.contract import Contracts

LIST_WIDTH = 66


def picture(profile: Profile, contracts: Contracts) -> dict[str, Any]:
    """Everything of the report but its findings."""
    return {
        "profile": profile.name,
        "version": profile.version,
        "edition": profile.edition,
        "test": profile.test,
        "wire": _wire(profile),
        "security": _security(profile),
        "services": [_service(profile, one, contracts) for one in profile.services.values()],
        "codes": _codes(profile),
        "subfields": {
            str(n): _parts(one.inside) for n, one in profile.fields.items() if one.inside
        },
        "lists": {
            str(n): f"up to {one.inside.rows} rows of {' '.join(_names(one.inside))}"
            for n, one in profile.fields.items()
            if one.inside is not None and one.inside.rows
        },
        "match": {key: _rule(rule) for key, rule in profile.match.items()},
        "reversal": _reversal(profile),
        "network": _network(profile),
    }


def _wire(profile: Profile) -> dict[str, str]:
    wire, frame = profile.wire, profile.frame
    itself = "counting itself" if frame.counts_itself else "not counting itself"
    tpdu = f", {frame.tpdu_value.hex()}" if frame.tpdu != "none" else ""
    return {
        "frame": f"{frame.size} bytes {frame.form}, {itself}, up to {frame.max_bytes}",
        "tpdu": f"{frame.tpdu}{tpdu}",
        "message": f"type {wire.mti}, bitmap {wire.bitmap}, digits {wire.numeric}, "
        f"lengths {wire.lengths}",
    }


def _security(profile: Profile) -> dict[str, str]:
    exempt = ", ".join(sorted(profile.mac_exempt)) or "none"
    if profile.mac_exempt:
        exempt += " (their field 15 and cut-over are believed over TLS alone)"
    change = profile.key_change
    keys = "none" if change is None else f"field {change.carrier}, {' '.join(change.keys)}"
    return {
        "mac": f"{profile.mac} in field 64 or 128; without it: {exempt}",
        "pin": f"PIN block of format {profile.pin_format} in field 52",
        "keys": f"key exchange: {keys}",
        "shown": f"first {profile.bin_digits} and last 4 digits of a card number",
    }


def _service(profile: Profile, one: ServiceMap, contracts: Contracts) -> dict[str, Any]:
    rule = profile.match_rule(one.mti, one.processing_code)
    return {
        "service": one.name,
        "version": one.version,
        "mti": one.mti,
        "repeat_mti": one.repeat_mti,
        "field_3": one.processing_code,
        "wait": f"{one.timeout_s:g} s",
        "recovery": contracts[one.name].recovery if one.name in contracts else "",
        "key": "+".join(map(str, rule.key)),
    }


def _codes(profile: Profile) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for code, meaning in profile.codes.items():
        found[meaning.kind].append(code)
    return {kind: sorted(found[kind]) for kind in CODE_CLASSES}


def _parts(layout: Layout) -> dict[str, Any]:
    """Tag to name, or to what stands inside it; of rows, how many and their columns."""
    if layout.rows:
        columns = {tag: one.name for tag, one in layout.columns.items()}
        return {"rows": layout.rows, "columns": columns}
    return {
        tag: one.name if one.inside is None else {one.name: _parts(one.inside)}
        for tag, one in layout.parts.items()
    }


def _names(layout: Layout) -> list[str]:
    return [one.name for one in layout.columns.values()]


def _rule(rule: MatchRule) -> dict[str, list[int]]:
    return {"key": list(rule.key), "agree": list(rule.agree)}


def _reversal(profile: Profile) -> dict[str, Any]:
    rules = profile.reversal
    return {
        "mti": f"{rules.mti}, repeated {rules.repeat_mti}",
        "stan": rules.stan,
        "late_window_s": rules.late_window_s,
        "tombstones": rules.tombstones,
        "duplicate_is_reversed": rules.duplicate_is_reversed,
    }


def _network(profile: Profile) -> dict[str, str]:
    one, totals = profile.network, profile.totals
    asked = f"{totals.mti} for {' '.join(totals.currencies)}" if totals is not None else "none"
    return {
        "mti": one.mti,
        "sign_on": one.sign_on,
        "sign_off": one.sign_off,
        "key_change": one.key_change,
        "cut_over": one.cut_over,
        "echo": one.echo,
        "totals": asked,
    }


def lines(report: Mapping[str, Any]) -> list[str]:
    """The picture for a terminal; an SQL host's report has fewer parts."""
    told = "a test host: tools may send to it" if report["test"] else "not a test host"
    out = [f"{report['profile']} version {report['version']} ({told}), {report['file']}", ""]
    out += _pairs(report.get("wire", {}))
    out += _pairs(report.get("security", {}))
    if "wire" in report:
        out.append("")
    keyless = [{k: v for k, v in one.items() if k != "key"} for one in report["services"]]
    out += [*table(keyless), ""]  # `match` below says the keys
    out += [f"{kind:<12} {' '.join(codes) or '–'}" for kind, codes in report["codes"].items()]
    if report.get("lists"):
        for number, text in report["lists"].items():
            first, *rest = textwrap.wrap(text, LIST_WIDTH)
            out += ["", *_pairs({f"field {number}": first}), *(f"{'':<13}{one}" for one in rest)]
    if "match" in report:
        out += ["", *_match_lines(report["match"]), *_other_lines(report)]
    missing = ", ".join(report["not_served"]) or "nothing"
    return [*out, "", f"in config/services.yaml and not served by this host: {missing}"]


def _pairs(part: Mapping[str, str]) -> list[str]:
    return [f"{name:<12} {text}" for name, text in part.items()]


def _match_lines(match: Mapping[str, Mapping[str, Sequence[int]]]) -> list[str]:
    """What a reply is known by, most particular last."""
    return [
        f"{'reply to ' + key if key != 'default' else 'a reply':<16} "
        f"is known by {'+'.join(map(str, rule['key']))}, and {_fields(rule['agree'])} must agree"
        for key, rule in match.items()
    ]


def _fields(numbers: Sequence[int]) -> str:
    return "nothing else" if not numbers else " ".join(map(str, numbers))


def _other_lines(report: Mapping[str, Any]) -> list[str]:
    undo, net = report["reversal"], report["network"]
    bars = "bars its original" if undo["tombstones"] else "bars nothing"
    twice = "it is done" if undo["duplicate_is_reversed"] else "a person decides"
    late = f"late for {undo['late_window_s']:g} s"
    codes = [
        f"{net[key]} {key.replace('_', ' ')}"
        for key in ("sign_on", "sign_off", "key_change", "cut_over", "echo")
    ]
    return [
        f"{'reversal':<16} {undo['mti']}, {undo['stan']} STAN; {late}",
        f"{'':<16} one that finds nothing {bars}",
        f"{'':<16} 94 on a repeat: {twice}",
        f"{'network':<16} {net['mti']}: {', '.join(codes[:3])},",
        f"{'':<16} {', '.join(codes[3:])}",
        f"{'totals':<16} {net['totals']}",
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A column for each key that any row has, each as wide as it needs."""
    if not rows:
        return ["no services"]
    keys = [key for key in rows[0] if any(one[key] for one in rows)]
    heading = {key: key.replace("_", " ") for key in keys}
    widths = {key: max(len(heading[key]), *(len(str(one[key])) for one in rows)) for key in keys}
    return [
        "  ".join(str(row[key] or "–").ljust(widths[key]) for key in keys).rstrip()
        for row in (heading, *rows)
    ]
