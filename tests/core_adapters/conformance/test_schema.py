"""The JSON Schema beside the profiles says what the loader says."""

import json
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from core_adapters.iso8583.format.layout import SHOWS
from core_adapters.iso8583.profile import CODE_CLASSES
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.profiles.errors import ProfileError
from telebank.settings import seed_dir

SCHEMA: dict[str, Any] = json.loads(
    (seed_dir() / "schema" / "host-profile.schema.json").read_text(encoding="utf-8")
)
PROFILES = sorted(
    path
    for path in (seed_dir() / "hosts").glob("*.yaml")
    if "wire:" in path.read_text(encoding="utf-8")
)
"""Those of ISO 8583; a host reached by SQL has a form of its own."""


def plain(value: Any) -> Any:
    """With keys as text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found


def complaints(profile: dict[str, Any]) -> list[str]:
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(plain(profile))]


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_shipped_profiles_are_valid(path: Path) -> None:
    assert complaints(read(path)) == []


def test_closed_sets_are_the_loaders() -> None:
    classes = SCHEMA["properties"]["codes"]["additionalProperties"]["properties"]["class"]["enum"]
    fields = next(iter(SCHEMA["properties"]["fields"]["patternProperties"].values()))
    assert tuple(classes) == CODE_CLASSES
    assert tuple(fields["properties"]["show"]["enum"]) == SHOWS


SPOILT = [
    ("schema", 2),
    ("version", "1"),
    ("wire", {"frame": {"size": 3, "max": 8192}, "tpdu": {}}),
    ("wire", {"frame": {"size": 2, "max": 99999}, "tpdu": {}}),
    ("mac", {"algorithm": "des"}),
    ("codes", {"00": {"class": "fine"}}),
    ("codes", {"000": {"class": "success"}}),
    ("match", {"0302": {"key": [41, 11], "agree": []}}),
    ("match", {"default": {"key": [41], "agree": []}}),
    ("extra", {}),
]


@pytest.mark.parametrize(("key", "value"), SPOILT)
def test_schema_and_loader_refuse_the_same(tmp_path: Path, key: str, value: Any) -> None:
    profile = deepcopy(read(seed_dir() / "hosts" / "tb87.yaml")) | {key: value}
    text = StringIO()
    YAML().dump(profile, text)
    path = tmp_path / "spoilt.yaml"
    path.write_text(text.getvalue(), encoding="utf-8")
    assert complaints(profile)
    with pytest.raises(ProfileError):
        load_profile(path)
