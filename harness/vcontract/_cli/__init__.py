"""The command line; what a verb needs is imported in the verb alone, so that start-up stays quick."""

from vcontract._cli.verbs import main

__all__ = ["main"]
