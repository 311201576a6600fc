"""``python -m jfr_cli.generate [FOLDER]``: write what is generated from the commands."""

from __future__ import annotations

import sys
from pathlib import Path

from jfr_cli.generate.files import FOLDERS, generated_files


def main() -> None:
    """Write the files below a folder (default: the current one); remove obsolete files."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = generated_files()
    for folder in FOLDERS:
        for path in sorted((root / folder).glob("*")):
            if path.is_file() and str(path.relative_to(root)) not in files:
                path.unlink()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}\n")


main()
