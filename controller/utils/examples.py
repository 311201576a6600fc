"""The place where scripts for jobflow-remote look for example jobs: see `controller.examples`."""

from controller.examples import (
    add,
    add_distributed,
    add_many,
    add_raise,
    conditional_sum_replace,
    make_list,
    sleep,
    value,
)

__all__ = [
    "add",
    "add_distributed",
    "add_many",
    "add_raise",
    "conditional_sum_replace",
    "make_list",
    "sleep",
    "value",
]
