"""`python -m telemed`."""

from telemed.cli import main

main()
