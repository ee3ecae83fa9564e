"""`python -m vcontract` is `vcontract`."""

from vcontract._cli import main

main()
