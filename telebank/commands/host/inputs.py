"""Inputs of a service from the command line: `name=value` by the contract's kinds, PINs apart."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType

import click

from core_adapters.profiles.yamlread import nearest
from transactions.card import CardNumber, CardNumberError
from transactions.contract import Kind, Service
from transactions.kinds import WORD
from transactions.money import Money, MoneyError
from transactions.outcome import Value
from transactions.secret import Secret

MAX_PIN_LINE = 64


def read_inputs(
    service: Service, kinds: Mapping[str, Kind], words: Sequence[str], pin_fd: int
) -> dict[str, Value]:
    """Values of `name=value`; asks for secrets that are not given. Exit 2 on anything else."""
    given = dict(_pair(word) for word in words)
    for name in given:
        if name not in kinds:
            near = nearest(name, kinds)
            raise click.UsageError(
                f"{service.name} has no input {name!r}; its inputs are {', '.join(kinds)}{near}"
            )
    values = {
        name: _secret(name, text, pin_fd) if kinds[name] == "secret" else _value(name, text, kinds)
        for name, text in given.items()
    }
    for name, kind in kinds.items():
        if name in values or name not in service.inputs or name in service.optional:
            continue
        if kind != "secret":
            raise click.UsageError(f"{service.name} needs {name}={kind}")
        values[name] = _asked(name)
    return values


def _pair(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals or not name or not text:
        raise click.UsageError("write inputs as NAME=VALUE")
    return name, text


def _value(name: str, text: str, kinds: Mapping[str, Kind]) -> Value:
    read = _READ.get(kinds[name], str)
    try:
        return read(text)
    except (CardNumberError, MoneyError, ValueError, ArithmeticError) as error:
        why = _FORMS.get(kinds[name]) or str(error)
        raise click.UsageError(f"{name}: {why}") from None


def _money(text: str) -> Money:
    amount, _, code = text.partition(":")
    return Money.parse(amount, code or "CNY")


def _word(text: str) -> str:
    if not WORD.fullmatch(text):
        raise ValueError
    return text


_READ: Mapping[Kind, Callable[[str], Value]] = MappingProxyType(
    {
        "card_no": CardNumber,
        "money": _money,
        "number": int,
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "rate": Decimal,
        "word": _word,
    }
)
_FORMS: Mapping[Kind, str] = MappingProxyType(
    {
        "number": "a whole number",
        "date": "a date, such as 2026-11-22",
        "time": "a time, such as 09:30:00",
        "rate": "a decimal number",
        "word": "a code: small letters, digits and _",
    }
)
"""What to write for a kind whose own errors would not say it."""


def _secret(name: str, text: str, pin_fd: int) -> Secret:
    if text != "-":
        raise click.UsageError(
            f"{name} is a secret and stays in the shell's history; leave it out to be asked, or "
            f"give {name}=- and write it to file descriptor {pin_fd}"
        )
    if pin_fd == 0 and sys.stdin.isatty():
        return _asked(name)
    try:
        line = os.read(pin_fd, MAX_PIN_LINE) if pin_fd else sys.stdin.buffer.readline(MAX_PIN_LINE)
    except OSError as error:
        raise click.UsageError(f"cannot read file descriptor {pin_fd}: {error}") from None
    return _digits(name, line.decode("ascii", "replace").strip())


def _asked(name: str) -> Secret:
    return _digits(name, click.prompt(name, hide_input=True, err=True))


def _digits(name: str, text: str) -> Secret:
    if not (text.isascii() and text.isdigit()):
        raise click.UsageError(f"{name} is digits")
    return Secret(text)
