"""The programs that are measured, a module for each family; ROWS is the table's left side."""

from programs import bodies, elementwise, learning, linear, loops, recommender, regression, stencils
from programs.row import KINDS, Row

FAMILIES = (regression, recommender, learning, elementwise, stencils, bodies, linear, loops)

ROWS: tuple[Row, ...] = tuple(row for family in FAMILIES for row in family.ROWS)
BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}

__all__ = ["BY_NAME", "KINDS", "ROWS", "Row"]
