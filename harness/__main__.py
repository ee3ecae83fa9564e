"""`python -m harness` is `vcontract`."""

from harness.cli import main

main()
