"""Who works here, and who may do what: passwords, second factor, rights, two-person acts."""
