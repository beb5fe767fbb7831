"""Both event loops: the node runs on uvloop, and what is built on asyncio runs on its own too."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Every test of connections runs once on each."""
    del config, item
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}
