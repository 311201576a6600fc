"""Entry point of the `jf` command."""


def main() -> None:
    """Run the command line."""
    from jfr_cli.app import app

    app()
