"""What the benchmarks share: rows of figures, as a table to read and as JSON lines to compute with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def show(rows: Sequence[Mapping[str, Any]], file: Path | None = None) -> None:
    """Print rows of the same columns as a table, and write them as JSON lines, a row each, where a file is named."""
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=140).print(table)
    if file:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
