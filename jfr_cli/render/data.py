"""Plain data for scripts, as `controller.tables.data` writes it."""

from controller.tables.data import Row, one_written, plain, value_at, written

__all__ = ["Row", "one_written", "plain", "value_at", "written"]
