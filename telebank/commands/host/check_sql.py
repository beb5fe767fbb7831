"""`telebank host check` for a host that is reached by SQL."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core_adapters.hostfile_form import HostFileError, read_form
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section, read_yaml
from transactions.contract import Contracts

_KIND = re.compile(r"^kind:\s*sql\b", re.MULTILINE)


def is_sql(path: Path) -> bool:
    """Whether the file says `kind: sql`; False where it cannot be read (its loader says why)."""
    try:
        return _KIND.search(path.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


def sql_report(path: Path, contracts: Contracts) -> dict[str, Any]:
    """What `host check` says of it; raises `ProfileError` where it cannot be loaded."""
    from core_adapters.sql.profile_load import load_profile

    profile = load_profile(path)
    codes: dict[str, list[str]] = defaultdict(list)
    for code, meaning in profile.codes.items():
        codes[meaning.kind].append(code)
    return {
        "profile": profile.name,
        "version": profile.version,
        "test": profile.test,
        "file": str(path),
        "services": [
            {
                "service": one.name,
                "version": one.version,
                "dialects": " ".join(one.call.sql),
                "recovery": contracts[one.name].recovery if one.name in contracts else "",
            }
            for one in profile.services.values()
        ],
        "codes": dict(codes),
        "not_served": not_served(profile.services, contracts),
        "findings": sorted(set(_findings(path, profile, contracts))),
    }


def _findings(path: Path, profile: Any, contracts: Contracts) -> Iterator[str]:
    from core_adapters.sql.checks import check_profile

    for dialect in profile.dialects:
        try:
            check_profile(profile, contracts, dialect)
        except ProfileError as error:
            yield str(error).replace(f"profile {profile.name}:", f"{path}:", 1)
    top = read_yaml(path)
    yield from other_name(path, profile.name, top)
    yield from wrong_file(profile.host_file, top)


def other_name(path: Path, name: str, top: Section) -> Iterator[str]:
    """A file that is found by one name, and whose keys and settings go by another."""
    if path.stem != name:
        yield (
            f"{top.place_of('profile')}: the file is {path.name} and says `profile: {name}`; "
            f"name it {name}.yaml, or write `profile: {path.stem}`"
        )


def wrong_file(section: Mapping[str, Any] | None, top: Section) -> Iterator[str]:
    """What is wrong with section `host_file`, of any adapter's profile."""
    if section is None:
        return
    try:
        read_form(section)
    except HostFileError as error:
        yield f"{top.place_of('host_file')}: {error}"


def not_served(served: Iterable[str], contracts: Contracts) -> list[str]:
    """Services of the contracts that are the host's to answer and that it does not have."""
    have = set(served)
    asked = (one for one in contracts.services.values() if one.source == "host")
    return sorted(one.name for one in asked if one.name not in have)
