"""A finding as a bug report: what a reader needs who knows vSphere and has seen neither the run nor this tool."""

from vcontract._report.bug_reports.bug_report import BugReport, bug_report
from vcontract._report.bug_reports.evidence import Evidence, gather
from vcontract._report.bug_reports.saved import BugReports

__all__ = ["BugReport", "BugReports", "Evidence", "bug_report", "gather"]
