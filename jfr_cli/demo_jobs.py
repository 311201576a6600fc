"""The calculation of the demonstration: equations of state of metals, with ASE's EMT potential.

The functions are in the package because the worker must be able to import them.
"""

from __future__ import annotations

from typing import Any

from ase.build import bulk
from ase.calculators.emt import EMT
from ase.eos import EquationOfState
from ase.units import GPa
from jobflow import Flow, Response, job

from controller import submit_flow

STRAINS = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06)
"""Relative changes of the volume of the smallest set of cells."""


@job
def relax(element: str) -> dict[str, Any]:
    """Find the lattice constant (Angstrom) of an fcc metal, coarsely, by a scan of the energy."""
    from scipy.optimize import minimize_scalar

    guess = bulk(element, "fcc").cell.lengths()[0] * 2**0.5
    found = minimize_scalar(
        lambda a: energy(element, a), bounds=(0.9 * guess, 1.1 * guess), method="bounded"
    )
    return {"element": element, "a": float(found.x), "energy": float(found.fun)}


@job
def strained_cells(relaxed: dict[str, Any]) -> Response[Any]:
    """Replace this job by one calculation per strained cell; soft metals get more of them."""
    soft = relaxed["energy"] > -0.005
    strains = (*STRAINS, -0.03, -0.01, 0.01, 0.03) if soft else STRAINS
    cells = [static(relaxed["element"], relaxed["a"] * (1 + s) ** (1 / 3)) for s in strains]
    for cell, strain in zip(cells, strains):
        cell.name = f"static {relaxed['element']} {strain:+.2f}"
    return Response(replace=Flow(cells, output=[cell.output for cell in cells]))


@job
def static(element: str, a: float) -> dict[str, float]:
    """Compute one cell: volume (Angstrom^3) and energy (eV) per atom."""
    return {"volume": a**3 / 4, "energy": energy(element, a)}


@job
def fit(element: str, points: list[dict[str, float]]) -> dict[str, Any]:
    """Fit a Birch-Murnaghan curve: lattice constant in Angstrom, bulk modulus in GPa."""
    volumes, energies = [p["volume"] for p in points], [p["energy"] for p in points]
    v0, e0, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    return {
        "element": element,
        "lattice_constant": float((4 * v0) ** (1 / 3)),
        "energy": float(e0),
        "bulk_modulus": float(modulus / GPa),
        "points": len(points),
    }


@job
def fails_on_purpose(element: str) -> float:
    """Compute an element that EMT has no parameters for."""
    return energy(element, 5.43)


def energy(element: str, a: float) -> float:
    """Energy (eV) of the primitive fcc cell with a lattice constant (Angstrom)."""
    atoms = bulk(element, "fcc", a=a)
    atoms.calc = EMT()
    return float(atoms.get_potential_energy())


def equation_of_state(element: str) -> Flow:
    """Return the flow of one metal."""
    relaxed = relax(element)
    relaxed.name = f"relax {element}"
    cells = strained_cells(relaxed.output)
    cells.name = f"strained cells {element}"
    curve = fit(element, cells.output)
    curve.name = f"fit {element}"
    return Flow([relaxed, cells, curve], name=f"equation of state {element}", output=curve.output)


def demo_flows(elements: tuple[str, ...] = ("Al", "Cu", "Ag")) -> tuple[Flow, Flow]:
    """Return a flow of all metals, and another with a job that fails."""
    failing = fails_on_purpose("Si")
    failing.name = "EMT knows no silicon"
    return (
        Flow([equation_of_state(e) for e in elements], name="equations of state"),
        Flow([failing], name="fails on purpose"),
    )


def submit_demo(
    project: str | None = None, elements: tuple[str, ...] = ("Al", "Cu", "Ag")
) -> tuple[list[str], list[str]]:
    """Submit the `demo_flows`; return the db_ids of their jobs."""
    metals, failing = demo_flows(elements)
    return submit_flow(metals, project=project), submit_flow(failing, project=project)
