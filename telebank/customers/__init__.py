"""What the bank keeps for its customers, and the services that it answers itself out of it."""
