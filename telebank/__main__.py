"""`python -m telebank`."""

from telebank.main import main

main()
