"""`python -m vcontract` is `vcontract`."""

from vcontract.cli import main

main()
