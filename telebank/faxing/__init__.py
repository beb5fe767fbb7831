"""The fax process: the terminals of faxes, apart from calls and voices, and the way to it."""
