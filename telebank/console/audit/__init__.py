"""The auditor's pages: search, one transaction told whole, what is unusual. They read, masked."""
