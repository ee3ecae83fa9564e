"""What a run can be written as beside its directory: one listener of its events for each `--output FORMAT=FILE`."""

from vcontract._report.outputs.chosen import FORMATS, outputs, step_summary

__all__ = ["FORMATS", "outputs", "step_summary"]
