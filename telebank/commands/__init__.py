"""The command line: one module per noun; the only importers of the core adapters."""
