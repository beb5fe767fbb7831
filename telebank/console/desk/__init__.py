"""The teller's desk: what he sees and does of his calls."""
