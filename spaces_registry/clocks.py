"""How long a call may take, one clock per phase, so that a long queue is not taken for a hung app."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """The time limits of one call, in seconds.

    Attributes:
        connect_s: to open a connection.
        quiet_s: between two bytes, where some are due; Gradio's own sign of life comes every 15 s.
        wake_s: for a sleeping or building Space to become ready.
        queue_s: from joining the queue to the start of the work.
        run_s: from the start of the work to its result; the only clock that is the app's own fault.
    """

    connect_s: float = 15.0
    quiet_s: float = 60.0
    wake_s: float = 300.0
    queue_s: float = 1800.0
    run_s: float = 900.0
