"""What is loaded with what: who asks for a paper does not load what draws it."""

import json
import subprocess
import sys

import pytest

DRAWING = {"reportlab", "pypdfium2", "PIL"}


def _loaded(*modules: str) -> set[str]:
    """Names of all modules of a process that has imported these."""
    asked = f"import json, sys, {', '.join(modules)}; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "asks",
    [
        "telebank.calls.faxes.printing",
        "telebank.calls.faxes.composer",
        "telebank.calls.control.faxes",
        "telebank.commands.wiring.faxes",
        "telebank.flow.release",
        "telebank.flow.check",
    ],
)
def test_who_asks_for_papers_loads_nothing_that_draws_them(asks: str) -> None:
    assert DRAWING & _loaded(asks) == set()


def test_who_prints_loads_all_of_it() -> None:
    assert _loaded("fax.documents.press") >= DRAWING


def test_pages_know_nothing_of_documents() -> None:
    loaded = _loaded("fax.page.draw", "fax.page.received", "fax.page.tiff")
    assert {name for name in loaded if name.startswith("fax.documents")} == set()
