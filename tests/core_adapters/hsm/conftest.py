"""Both modules: every test that takes `module` runs in software and in a SoftHSM token."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from core_adapters.hsm.module import Module
from core_adapters.hsm.pkcs11 import open_token
from core_adapters.hsm.software import open_software
from core_adapters.hsm.token import TokenOptions
from support.hsm_kit import SoftToken, shared_token, softhsm_library

_NAMES = count(1)


@pytest.fixture(scope="session")
def soft_token() -> SoftToken:
    return shared_token(softhsm_library())


@pytest.fixture(scope="session")
def token(soft_token: SoftToken) -> Iterator[Module]:
    """One login for all tests; the names of their keys differ."""
    opened = open_token(TokenOptions(soft_token.library, soft_token.label, soft_token.pin))
    yield opened
    opened.close()


@pytest.fixture
def software(tmp_path: Path) -> Module:
    return open_software(tmp_path / "keys", create=True)


@pytest.fixture(params=["software", "pkcs11"])
def module(request: pytest.FixtureRequest) -> Module:
    fixture = "software" if request.param == "software" else "token"
    opened: Module = request.getfixturevalue(fixture)
    return opened


@pytest.fixture
def name() -> str:
    """A key name that no other test has."""
    return f"key{next(_NAMES)}"
