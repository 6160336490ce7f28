"""The tools that are compared, one module each, and in it one context manager for each thing to be done.

A context manager opens what a tool keeps warm; what it yields does the work once and says how long that took.
The work is written as each tool's own guide would have it; its result is checked outside the measured time.
"""

from collections.abc import Callable
from typing import TypeAlias

Once: TypeAlias = Callable[[int], float]  # takes the number of the turn, returns seconds
