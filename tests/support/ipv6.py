"""Whether this machine has IPv6 at all: some kernels and containers are without, and there nothing
of it can be tried over real sockets."""

import socket

import pytest


def _is_there() -> bool:
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


HERE = _is_there()
needs_ipv6 = pytest.mark.skipif(not HERE, reason="this machine has no IPv6")
