"""Reports: one page template, and one table that prints in a terminal and on a page."""

from sofim_ref.reporting.plain_values import plain
from sofim_ref.reporting.report import Block, Code, Heading, Paragraph, Picture, Report, write_whole
from sofim_ref.reporting.table import Column, Table, fold
from sofim_ref.reporting.terminal import console, progress

__all__ = [
    "Block",
    "Code",
    "Column",
    "Heading",
    "Paragraph",
    "Picture",
    "Report",
    "Table",
    "console",
    "fold",
    "plain",
    "progress",
    "write_whole",
]
