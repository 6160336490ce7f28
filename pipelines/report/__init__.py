"""The page of one run: a file that opens anywhere, without a script and without the network."""

from pipelines.report.page import report_html, write_report

__all__ = ["report_html", "write_report"]
