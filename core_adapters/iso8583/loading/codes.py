"""`codes`: what the values of field 39 mean."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core_adapters.iso8583.profile import CODE_CLASSES, CodeMeaning
from core_adapters.profiles.yamlread import Section

CODE_OF = {1987: re.compile(r"[0-9A-Z]{2}"), 1993: re.compile(r"[0-9]{3}")}
"""Field 39 by edition: response code an2, action code n3."""
_WORDS = {
    1987: 'two quoted characters, such as "05"',
    1993: 'three quoted digits, such as "116"',
}


def read_codes(section: Section, shape: re.Pattern[str]) -> Mapping[str, CodeMeaning]:
    """The host's table of codes."""
    found: dict[str, CodeMeaning] = {}
    for code in section:
        row = section.section(code)
        kind = row.choice("class", CODE_CLASSES)
        name = _code(section, code, shape)
        found[name] = CodeMeaning(name, kind, row.take("reason", str, kind))
        row.done()
    return MappingProxyType(found)


def read_overrides(section: Section, shape: re.Pattern[str]) -> Mapping[str, CodeMeaning]:
    """Codes whose word is another for one service; `ok` is success."""
    found: dict[str, CodeMeaning] = {}
    for code in section:
        word = section.take(code, str)
        kind: Any = "success" if word == "ok" else "decline"
        name = _code(section, code, shape)
        found[name] = CodeMeaning(name, kind, word)
    return MappingProxyType(found)


def _code(section: Section, value: Any, shape: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not shape.fullmatch(value):
        words = next(_WORDS[edition] for edition, one in CODE_OF.items() if one is shape)
        raise section.error(f"a code of field 39 is {words}", value)
    return value
