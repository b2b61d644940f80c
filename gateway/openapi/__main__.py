"""Write docs/openapi.json: `python -m gateway.openapi [--into FILE]` (`make openapi`)."""

import argparse
import json
from pathlib import Path

from gateway.app import ROUTES
from gateway.openapi.document import document

PLACE = Path(__file__).parents[2] / "docs/openapi.json"


def written() -> str:
    """The file's content: paths in the order of the routes, schemas in that of their names."""
    return json.dumps(document(ROUTES), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=PLACE)
    parser.parse_args().into.write_text(written())
