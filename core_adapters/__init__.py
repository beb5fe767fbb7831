"""Ways to a core banking host; each implements `transactions.ports.HostAdapter`."""
