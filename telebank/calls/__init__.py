"""The asyncio shell around the machines: sockets, calls, control."""
