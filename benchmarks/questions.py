"""What is asked, of whom, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

OURS, CLIENT, BARE, DAGGR, WORKFLOW = "spacechain", "gradio_client", "bare HTTP", "daggr", "gr.Workflow"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One row of a table.

    Attributes:
        label: what the table calls it.
        tool: a module of `contestants`.
        way: what of that module is measured.
    """

    label: str
    tool: str
    way: str

    @property
    def is_peer(self) -> bool:
        """Whether it runs in the peers' environment."""
        return self.tool in ("client", "daggr_graphs", "workflows")


@dataclass(frozen=True, slots=True)
class Question:
    """One table.

    Attributes:
        name: for `--only` and in the JSON.
        title: what is measured.
        contestants: who takes turns.
        baseline: label of the row that the ratios are of.
        turns: kept turns a contestant in a full run.
        quick_turns: in a quick one.
        floor_s: no tool can be faster; None if there is no such bound.
    """

    name: str
    title: str
    contestants: Sequence[Contestant]
    baseline: str
    turns: int
    quick_turns: int
    floor_s: float | None = None


ONE_CALL = Question(
    name="one-call",
    title="One trivial call (text to the same text) of an app that is connected already",
    contestants=(
        Contestant(f"{OURS}: App.call", "ours", "one_call"),
        Contestant(f"{CLIENT}: predict", "client", "one_call"),
        Contestant(BARE, "bare", "one_call"),
    ),
    baseline=f"{CLIENT}: predict",
    turns=101,
    quick_turns=15,
)

THREE_STEPS = Question(
    name="three-steps",
    title="Three instant steps of three apps, files handed on: text → png → gif and caption → wav",
    contestants=(
        Contestant(f"{OURS}: run_chain, all of it, nothing kept", "ours", "three_steps"),
        Contestant(f"{CLIENT}: warm clients", "client", "three_steps"),
        Contestant(f"{CLIENT}: new clients", "client", "three_steps_anew"),
        Contestant(f"{DAGGR}: execute_all, warm", "daggr_graphs", "three_steps"),
        Contestant(f"{WORKFLOW}: executor", "workflows", "three_steps"),
        Contestant(BARE, "bare", "three_steps"),
    ),
    baseline=f"{CLIENT}: warm clients",
    turns=21,
    quick_turns=2,
)

DIAMOND = Question(
    name="diamond",
    title="One step, four of 0.5 s that read from it, one that reads from the four",
    contestants=(
        Contestant(f"{OURS}: run.seconds", "ours", "diamond"),
        Contestant(f"{CLIENT}: submit x4", "client", "diamond"),
        Contestant(f"{DAGGR}: execute_all", "daggr_graphs", "diamond"),
        Contestant(f"{WORKFLOW}: executor", "workflows", "diamond"),
        Contestant(f"{BARE}, 4 threads", "bare", "diamond"),
    ),
    baseline=f"{CLIENT}: submit x4",
    turns=9,
    quick_turns=1,
    floor_s=0.5,
)

FOUR_ITEMS = Question(
    name="four-items",
    title="One step over a list of four, 0.5 s each",
    contestants=(
        Contestant(f"{OURS}: each, run.seconds", "ours", "four_items"),
        Contestant(f"{CLIENT}: submit x4", "client", "four_items"),
        Contestant(f"{DAGGR}: .each", "daggr_graphs", "four_items"),
        Contestant(f"{BARE}, 4 threads", "bare", "four_items"),
    ),
    baseline=f"{CLIENT}: submit x4",
    turns=9,
    quick_turns=1,
    floor_s=0.5,
)

TWENTY_ITEMS = Question(
    name="twenty-items",
    title="One step over a list of twenty, 0.2 s each, the app's limit and ours raised to twenty",
    contestants=(
        Contestant(f"{OURS}: each, run.seconds", "ours", "twenty_items"),
        Contestant(f"{CLIENT}: submit x20", "client", "twenty_items"),
        Contestant(f"{DAGGR}: .each", "daggr_graphs", "twenty_items"),
        Contestant(f"{BARE}, 20 threads", "bare", "twenty_items"),
    ),
    baseline=f"{CLIENT}: submit x20",
    turns=11,
    quick_turns=1,
    floor_s=0.2,
)

COLD_START = Question(
    name="cold-start",
    title="Whole processes, from start to end",
    contestants=(
        Contestant("python -c pass", "commands", "nothing"),
        Contestant(f"{OURS} --help", "commands", "our_help"),
        Contestant(f"{OURS} check --static short-film", "commands", "our_check"),
        Contestant(f"{OURS} call, one call", "commands", "our_call"),
        Contestant(f"{OURS} run, three steps, all kept", "commands", "our_kept_run"),
        Contestant(f"{OURS} run, three steps, --fresh", "commands", "our_fresh_run"),
        Contestant(f"{CLIENT} script, one call", "commands", "client_script"),
        Contestant(f"{CLIENT} script, three steps", "commands", "client_three_steps"),
        Contestant("hf-gradio predict, one call", "commands", "hf_gradio"),
        Contestant("gradio predict, one call", "commands", "gradio"),
        Contestant(f"{DAGGR} --help", "commands", "daggr_help"),
    ),
    baseline=f"{CLIENT} script, one call",
    turns=9,
    quick_turns=1,
)

FIRST_REQUEST = Question(
    name="first-request",
    title="Whole processes, from start to their first connection",
    contestants=(
        Contestant(f"{OURS} run", "commands", "our_first_request"),
        Contestant(f"{CLIENT} script", "commands", "client_first_request"),
    ),
    baseline=f"{CLIENT} script",
    turns=15,
    quick_turns=2,
)

HAND_OVER = Question(
    name="hand-over",
    title="A file of 20 MB that one app makes and another one reads",
    contestants=(
        Contestant(f"{OURS}: run_chain, all of it, nothing kept", "ours", "hand_over"),
        Contestant(f"{OURS}: App.call, twice", "ours", "hand_over_by_call"),
        Contestant(f"{CLIENT}: predict, twice", "client", "hand_over"),
        Contestant(BARE, "bare", "hand_over"),
    ),
    baseline=f"{CLIENT}: predict, twice",
    turns=11,
    quick_turns=1,
)

SLOW_CALLS = Question(
    name="slow-calls",
    title="A call of 12 s at an endpoint whose calls took 12 s before",
    contestants=(
        Contestant(f"{OURS}: pickup: auto, run.seconds", "ours", "slow_auto"),
        Contestant(f"{OURS}: pickup: attached", "ours", "slow_attached"),
        Contestant(f"{OURS}: pickup: detached", "ours", "slow_detached"),
    ),
    baseline=f"{OURS}: pickup: attached",
    turns=5,
    quick_turns=1,
    floor_s=12.0,
)

AFTER_A_COLD_START = Question(
    name="after-a-cold-start",
    title="Forty calls of 1 s, four at once, at an endpoint whose only call before took 12 s",
    contestants=(
        Contestant(f"{OURS}: pickup: auto, run.seconds", "ours", "cold_auto"),
        Contestant(f"{OURS}: pickup: attached", "ours", "cold_attached"),
    ),
    baseline=f"{OURS}: pickup: attached",
    turns=3,
    quick_turns=1,
    floor_s=10.0,
)

QUESTIONS = (
    *(ONE_CALL, THREE_STEPS, DIAMOND, FOUR_ITEMS, TWENTY_ITEMS, COLD_START, FIRST_REQUEST, HAND_OVER),
    *(SLOW_CALLS, AFTER_A_COLD_START),
)
