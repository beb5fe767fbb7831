"""Menu trees: loading, checking and running `ivr-flow/1`."""
