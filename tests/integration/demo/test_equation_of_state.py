"""The demonstration's physics, against what ASE computes directly with the same potential."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def needs_ase() -> None:
    """Imported where it is used: collecting must be quick."""
    pytest.importorskip("ase")


def by_the_flow(element: str) -> dict[str, float]:
    """Do what the flow's jobs do, one after the other."""
    from jfr_cli import demo_jobs

    relaxed = demo_jobs.relax.original(element)
    cells = demo_jobs.strained_cells.original(relaxed).replace
    points = [demo_jobs.static.original(*cell.function_args) for cell in cells.jobs]
    found: dict[str, float] = demo_jobs.fit.original(element, points)
    return found


def directly(element: str, guess: float) -> tuple[float, float]:
    """Fit a narrow, dense set of cells: (lattice constant in Angstrom, bulk modulus in GPa)."""
    from ase.eos import EquationOfState
    from ase.units import GPa

    from jfr_cli import demo_jobs

    constants = [guess * (1 + 0.002 * n) for n in range(-6, 7)]
    energies = [demo_jobs.energy(element, a) for a in constants]
    curve = EquationOfState([a**3 / 4 for a in constants], energies, eos="birchmurnaghan")
    volume, _, modulus = curve.fit()
    return (4 * volume) ** (1 / 3), modulus / GPa


@pytest.mark.parametrize("element", ["Al", "Cu", "Ag"])
def test_lattice_constant_and_bulk_modulus(element: str) -> None:
    found = by_the_flow(element)
    constant, modulus = directly(element, found["lattice_constant"])
    assert found["lattice_constant"] == pytest.approx(constant, rel=0.01)
    assert found["bulk_modulus"] == pytest.approx(modulus, rel=0.05)
