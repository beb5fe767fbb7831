"""`match`, `network`, `reversal`, `key_change`, `totals`: what is said about other messages."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.iso8583.format.fields import FieldSpec
from core_adapters.iso8583.loading.common import MAX_LATE_S, known_field, mti, numbers, seconds
from core_adapters.iso8583.loading.services import read_templates
from core_adapters.iso8583.profile import (
    KeyChangeMap,
    MatchRule,
    NetworkMap,
    ReversalMap,
    TotalsMap,
)
from core_adapters.profiles.yamlread import Section, nearest
from transactions.money import CURRENCIES

STAN = 11
SECRETS = frozenset({35, 36, 45, 52, 53})
"""Tracks, PIN and what belongs to it: never in a reversal."""
KEYS = ("mak", "zpk", "kbpk")
MAX_CURRENCIES = 50
FIGURES = (
    *("credits.count", "credit_reversals.count", "debits.count", "debit_reversals.count"),
    *("credits.amount", "credit_reversals.amount", "debits.amount", "debit_reversals.amount"),
    *("fees", "fees_returned", "net"),
)
MAY_LACK = ("fees", "fees_returned", "net")
"""Figures that a host need not have."""
_MATCH_KEY = re.compile(r"default|[0-9]{4}(/[0-9]{6})?")


def read_match(section: Section, fields: Mapping[int, FieldSpec]) -> Mapping[str, MatchRule]:
    """`match`: what makes a reply ours."""
    found: dict[str, MatchRule] = {}
    for key in section:
        if not isinstance(key, str) or not _MATCH_KEY.fullmatch(key):
            raise section.error('a row is default, "0200" or "0200/310000"', key)
        row = section.section(key)
        key_fields = numbers(row, "key", fields)
        if STAN not in key_fields:
            raise row.error("a key needs field 11 (STAN)", "key")
        found[key] = MatchRule(key_fields, numbers(row, "agree", fields))
        row.done()
    if "default" not in found:
        raise section.error("needs `default`")
    return MappingProxyType(found)


def read_network(section: Section, fields: Mapping[int, FieldSpec]) -> NetworkMap:
    """`network`: network management and its codes."""
    network = NetworkMap(
        mti=mti(section, "mti"),
        request=read_templates(section.section("request"), fields, "network"),
        sign_on=section.take("sign_on", str),
        sign_off=section.take("sign_off", str),
        key_change=section.take("key_change", str),
        cut_over=section.take("cut_over", str),
        echo=section.take("echo", str),
    )
    section.done()
    return network


def read_reversal(section: Section, fields: Mapping[int, FieldSpec]) -> ReversalMap:
    """`reversal`: how something is undone."""
    keep = numbers(section, "keep", fields)
    if SECRETS & set(keep):
        raise section.error("a reversal never carries PIN or track data", "keep")
    reasons = section.section("reasons")
    reversal = ReversalMap(
        mti=mti(section, "mti"),
        repeat_mti=mti(section, "repeat_mti"),
        keep=keep,
        request=read_templates(section.section("request"), fields, "reversal"),
        stan=section.choice("stan", ("original", "new"), "original"),
        reasons=MappingProxyType({str(k): reasons.take(k, str) for k in reasons}),
        default_reason=section.take("default_reason", str),
        late_window_s=seconds(section, "late_window_s", MAX_LATE_S),
        tombstones=section.take("tombstones", bool, False),
        duplicate_is_reversed=section.take("duplicate_is_reversed", bool, False),
    )
    section.done()
    return reversal


def read_key_change(section: Section, fields: Mapping[int, FieldSpec]) -> KeyChangeMap:
    """`key_change`: where a new key's block stands, and whose word means which key."""
    carrier = known_field(section, section.take("carrier", int), "carrier", fields)
    keys = section.section("keys")
    found = KeyChangeMap(
        carrier=carrier,
        name=_subfield(section, "name", fields[carrier]),
        block=_subfield(section, "block", fields[carrier]),
        check=_subfield(section, "check", fields[carrier]),
        keys=MappingProxyType({str(word): keys.choice(word, KEYS) for word in keys}),
    )
    if not found.keys:
        raise keys.error("needs a row, such as MAK: mak")
    block = fields[carrier].part(found.block)
    if block is None or block.show != "never":
        raise section.error(f"tag {found.block!r} of field {carrier} needs `show: never`", "block")
    section.done()
    return found


def _subfield(section: Section, key: str, spec: FieldSpec) -> str:
    name: str = section.take(key, str)
    if spec.path_of(name) is None:
        near = nearest(name, spec.paths)
        raise section.error(f"{name!r} is no subfield of field {spec.number}{near}", key)
    return name


def read_totals(section: Section, fields: Mapping[int, FieldSpec]) -> TotalsMap:
    """`totals`: how a business date's figures are asked for, once a currency."""
    reply = section.section("reply")
    totals = TotalsMap(
        mti=mti(section, "mti"),
        timeout_s=seconds(section, "timeout_s"),
        currencies=_currencies(section),
        request=read_templates(section.section("request"), fields, "totals"),
        reply=MappingProxyType({str(name): _figure(reply, name, fields) for name in reply}),
    )
    missing = [one for one in FIGURES if one not in totals.reply and one not in MAY_LACK]
    if missing:
        raise reply.error(f"needs {missing[0]!r}")
    if "fees_returned" in totals.reply and "fees" not in totals.reply:
        raise reply.error("needs 'fees' beside 'fees_returned'")
    section.done()
    return totals


def _currencies(section: Section) -> tuple[str, ...]:
    found = section.take("currencies", list)
    if not 0 < len(found) <= MAX_CURRENCIES or len(set(map(str, found))) != len(found):
        raise section.error(f"1 to {MAX_CURRENCIES} currencies, each once", "currencies")
    for code in found:
        if code not in CURRENCIES:
            near = nearest(str(code), CURRENCIES)
            raise section.error(f"{code!r} is no currency known here{near}", "currencies")
    return tuple(str(code) for code in found)


def _figure(section: Section, name: str, fields: Mapping[int, FieldSpec]) -> int:
    if name not in FIGURES:
        near = nearest(str(name), FIGURES)
        raise section.error(f"a figure is one of {', '.join(FIGURES)}{near}", name)
    return known_field(section, section.take(name, int), name, fields)
