"""What must be true of a chain, one rule a file.

A rule finds every case, raises nothing and knows no other rule.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from chains.model import Chain
from chains.problems import Problem
from chains.rules.argument_counts import argument_counts
from chains.rules.bad_defaults import bad_defaults
from chains.rules.bad_names import bad_names
from chains.rules.bad_queries import bad_queries
from chains.rules.bad_ranges import bad_ranges
from chains.rules.bad_spaces import bad_spaces
from chains.rules.bad_waits import bad_waits
from chains.rules.circles import circles
from chains.rules.constant_conditions import constant_conditions
from chains.rules.cut_text import cut_text
from chains.rules.each_and_matrix import each_and_matrix
from chains.rules.failing_constants import failing_constants
from chains.rules.file_defaults import file_defaults
from chains.rules.items_outside import items_outside
from chains.rules.kind_mismatches import kind_mismatches
from chains.rules.lists_to_repeat import lists_to_repeat
from chains.rules.literal_files import literal_files
from chains.rules.loose_memory import loose_memory
from chains.rules.lost_expressions import lost_expressions
from chains.rules.missing_parameters import missing_parameters
from chains.rules.misspelt_arguments import misspelt_arguments
from chains.rules.misspelt_limits import misspelt_limits
from chains.rules.parts_of_values import parts_of_values
from chains.rules.python_files import python_files
from chains.rules.reserved_names import reserved_names
from chains.rules.self_references import self_references
from chains.rules.skipped_outputs import skipped_outputs
from chains.rules.template_variables import template_variables
from chains.rules.unequal_lists import unequal_lists
from chains.rules.unknown_file_parts import unknown_file_parts
from chains.rules.unknown_functions import unknown_functions
from chains.rules.unknown_inputs import unknown_inputs
from chains.rules.unknown_items import unknown_items
from chains.rules.unknown_needs import unknown_needs
from chains.rules.unknown_parameters import unknown_parameters
from chains.rules.unknown_parts import unknown_parts
from chains.rules.unknown_run_facts import unknown_run_facts
from chains.rules.unknown_steps import unknown_steps
from chains.rules.unknown_templates import unknown_templates
from chains.rules.unknown_variables import unknown_variables
from chains.rules.unsure_parts import unsure_parts
from chains.rules.unused_inputs import unused_inputs
from chains.rules.unused_templates import unused_templates
from chains.rules.whole_names import whole_names
from chains.rules.wrong_literals import wrong_literals
from chains.rules.wrong_parts import wrong_parts
from spaces_registry.signature import Endpoint

Rule: TypeAlias = Callable[[Chain], Iterator[Problem]]
SignatureRule: TypeAlias = Callable[[Chain, Mapping[str, Endpoint]], Iterator[Problem]]

RULES: Final[tuple[Rule, ...]] = (
    argument_counts,
    bad_defaults,
    bad_names,
    bad_queries,
    bad_ranges,
    bad_spaces,
    bad_waits,
    circles,
    constant_conditions,
    cut_text,
    each_and_matrix,
    failing_constants,
    file_defaults,
    items_outside,
    lists_to_repeat,
    loose_memory,
    lost_expressions,
    misspelt_limits,
    python_files,
    reserved_names,
    self_references,
    skipped_outputs,
    template_variables,
    unequal_lists,
    unknown_functions,
    unknown_inputs,
    unknown_items,
    unknown_needs,
    unknown_run_facts,
    unknown_steps,
    unknown_templates,
    unknown_variables,
    unused_inputs,
    unused_templates,
    whole_names,
)
# these are also handed what each step calls, by step, as far as it is known
SIGNATURE_RULES: Final[tuple[SignatureRule, ...]] = (
    kind_mismatches,
    literal_files,
    missing_parameters,
    misspelt_arguments,
    parts_of_values,
    unknown_file_parts,
    unknown_parameters,
    unknown_parts,
    unsure_parts,
    wrong_literals,
    wrong_parts,
)
