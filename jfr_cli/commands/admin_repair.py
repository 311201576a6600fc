"""``jf admin upgrade`` and ``doctor``: upgrade and repair a database."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import options
from jfr_cli.commands.notify import Notify
from jfr_cli.console import print_renderable, say
from jfr_cli.output import show_one, show_rows, shows_object, shows_one, shows_table
from jfr_cli.progress import GOES_ON, WORTH_A_BAR, progress_bar, with_names
from jfr_cli.prompts import confirm, confirm_by_typing
from jfr_cli.render.doctor import EXAMINATION, FINDING, examination_text
from jfr_cli.render.upgrades import UPGRADE, UpgradeReport, upgrade_text
from jfr_cli.session import CURRENT


@shows_one()
def upgrade(
    no_dry_run: Annotated[
        bool,
        typer.Option("--no-dry-run", "-ndr", help="Upgrade instead of only showing the plan."),
    ] = False,
    check_env: Annotated[
        bool, typer.Option("--check-env", "-ce", help="Compare all packages, not only jobflow.")
    ] = False,
    target: Annotated[
        str | None, typer.Option("--target", "-t", metavar="VERSION", help="Stop at this version.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Ignore failed preconditions.")
    ] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Upgrade a database of jobflow-remote 0.1.x or 1.0.x; without -ndr, only show the plan.

    Back up the database first: `jf backup create`. No runner may be active.

    Example: jf admin upgrade --no-dry-run
    """
    with CURRENT.controller() as controller:
        plan = controller.upgrade_plan(target)
        found = controller.upgrade_full_check() if check_env else controller.upgrade_check_jobflow()
        report = UpgradeReport(plan, found.splitlines(), done=False, force=force)
        if no_dry_run and not dry_run and not plan.is_empty:
            plan.check(force)
            if shows_table():
                print_renderable(upgrade_text(report), CURRENT.color)
            name = CURRENT.project.name
            confirm_by_typing(f"Upgrade the database to {plan.target}?", name, yes)
            with progress_bar("upgrading", at_least=1) as report_step:
                plan = controller.upgrade(target, force, dry_run=False, progress=report_step)
            report = UpgradeReport(plan, report.differences, done=True, force=force)
            if shows_table():
                say(f"the database is now at version {plan.target}")
                return
    show_one(report, UPGRADE, lambda: upgrade_text(report))


@shows_one()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired.")] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch-locks", help="Watch the locks for 20 s to see which are renewed."),
    ] = False,
    outputs: Annotated[
        bool, typer.Option("--outputs", help="Also check that completed jobs have outputs.")
    ] = False,
    files: Annotated[
        bool, typer.Option("--files", help="Also look for remains of removed run folders.")
    ] = False,
    foreign_locks: Annotated[
        bool,
        typer.Option(
            "--foreign-locks", help="Remove locks of jobflow-remote (must not be running)."
        ),
    ] = False,
    half_inserted: Annotated[
        bool, typer.Option("--half-inserted", help="Remove remains of interrupted submissions.")
    ] = False,
    notify: Notify = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Find inconsistencies; with --fix, repair them. Exit 9 if problems remain.

    Repairs are made under locks, and are safe beside runners and users. Repairs that remove
    something must be requested: --foreign-locks, --half-inserted.

    Example: jf admin doctor --fix
    """
    from controller.doctor import examine

    mending = fix and not dry_run
    if mending and (foreign_locks or half_inserted):
        confirm("Remove foreign locks, or remains of interrupted submissions?", yes)
    afterwards = GOES_ON if mending else "nothing was changed"
    least = 1 if watch else WORTH_A_BAR
    with (
        CURRENT.controller() as controller,
        progress_bar("examining", at_least=least, afterwards=afterwards) as report,
    ):
        found = examine(
            controller,
            mending,
            watch=watch,
            outputs=outputs,
            files=files,
            foreign_locks=foreign_locks,
            half_inserted=half_inserted,
            progress=with_names(report),
        )
        if notify:
            from controller.notifications import tell_of_findings
            from controller.rules.diagnosis import Severity

            number = sum(f.severity is Severity.PROBLEM for f in found.remaining.findings)
            tell_of_findings(controller.queue, CURRENT.project, number)
    if shows_table() or shows_object():
        show_one(found, EXAMINATION, lambda: examination_text(found, fixed=mending))
    else:
        show_rows(found.remaining.findings, FINDING)
    if not found.ok:
        raise typer.Exit(9)
