"""YAML as trees that know their lines: the one place where YAML is read.

libyaml (ruamel.yaml.clib) scans and parses, ruamel.yaml's own resolver and constructor make of that
what they make of their own scanner's events, four times slower: the same types, the same place of
every key, the same refusal of a key that is there twice. Comments are left out, and where a value
is empty its own place (not its key's) may be another. What libyaml refuses, or would read
otherwise, is read by ruamel.yaml alone; so errors are always its own.
"""

import re
from typing import Any

from _ruamel_yaml import CParser
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_READ_OTHERWISE = re.compile("[\t\x85\u2028\u2029]|^%", re.MULTILINE)
"""Tabs, which libyaml takes between words; ends of lines in YAML 1.1 alone; directives."""


def read_yaml(text: str, *, places: bool = True) -> Any:
    """The one document of a text: mappings are `CommentedMap`, lists `CommentedSeq`, which know
    the line of every entry; or plain dicts and lists without `places`.

    Raises `YAMLError` of ruamel.yaml with the place, `RecursionError` for what is nested too deep.
    How long a text may be is the caller's to bound.
    """
    if _READ_OTHERWISE.search(text) is None:
        yaml = _reader(places)
        yaml.Parser = lambda loader: CParser(text)
        try:
            return yaml.load(text)
        except YAMLError:
            pass  # read below in the words of ruamel.yaml, or as YAML 1.2, which libyaml knows less
    return _reader(places).load(text)


def _reader(places: bool) -> YAML:
    return YAML(typ="rt" if places else "safe", pure=True)
