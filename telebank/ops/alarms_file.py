"""config/alarms.yaml, the shipped one or the bank's own; and what an earlier run left raised."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
from ruamel.yaml.error import YAMLError

from telebank.ops.alarms import Rule
from transactions.yaml_text import read_yaml

FILE = "alarms.yaml"
MAX_BYTES = 100_000
MAX_RULES = 100


class AlarmsError(ValueError):
    """A file of alarms that cannot be used; the words say which and why."""


def load_rules(path: Path) -> Sequence[Rule]:
    """Raises `AlarmsError`, or `OSError`."""
    if path.stat().st_size > MAX_BYTES:
        raise AlarmsError(f"{path}: larger than {MAX_BYTES} bytes")
    try:
        rules = msgspec.convert(read_yaml(path.read_text("utf-8"), places=False), list[Rule])
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise AlarmsError(f"{path}: not YAML: {error}") from error
    except msgspec.ValidationError as error:
        raise AlarmsError(f"{path}: {error}") from error
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AlarmsError(f"{path}: {', '.join(twice)}: a name for each alarm")
    if len(rules) > MAX_RULES:
        raise AlarmsError(f"{path}: at most {MAX_RULES} alarms")
    return rules


def raised_before(path: Path) -> frozenset[str]:
    """Those of an earlier run; none where it left nothing that can be read."""
    try:
        return frozenset(str(name) for name in json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return frozenset()


def keep_raised(path: Path, names: Sequence[str]) -> None:
    """For the next run; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(sorted(names)))
    temporary.replace(path)
