"""Import every module of a package, so that a dependency which its image lacks is found by its name.

`python image_imports.py services.auth`, in the folder that holds the code.
"""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """What the modules need of the chassis is imported with them; the rest of it need not be importable."""
    sys.path.insert(0, ".")
    files = sorted(Path(sys.argv[1].replace(".", "/")).rglob("*.py"))
    # A program is run, not imported: what it needs is imported by the rest.
    modules = [file.with_suffix("").parts for file in files if file.name != "__main__.py"]
    for parts in modules:
        importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    print(f"{sys.argv[1]}: {len(modules)} modules imported")


if __name__ == "__main__":
    main()
