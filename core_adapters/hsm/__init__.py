"""The security module: keys by name and usage, PIN blocks, MACs, key blocks, PIN verifiers."""
