"""How a user wants a file of texts read: what the flags of the data say, without anything heavy to import."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

PIECES = 8000  # of words that subwords learn, where nobody says how many


@dataclass(frozen=True)
class Reading:
    """How a user wants a file read; all of it may be left to what the file holds."""

    encoding: str | None = None
    header: bool | None = None
    text_column: str | None = None  # by name, or by number from 1
    label_column: str | None = None
    label_columns: tuple[str, ...] | None = None  # of 0 and 1, one for each of several labels a text
    label_separator: str | None = None  # between several labels of one cell
    min_label: int | None = None  # training texts of the rarest label that is kept, of several a text
    split_column: str | None = None
    group_column: str | None = None  # of texts that belong together
    test: Path | None = None  # files beside the first one
    validation_file: Path | None = None
    tokens: str = "auto"  # or a name of tokens.KINDS
    pieces: int = PIECES
    strip_markup: bool = False  # and its entities
    strict: bool = False  # refuses the rows that are else left out
    classes: tuple[str, ...] | None = None  # chosen, in this order
    positive: str | None = None
    vectors: Path | None = None  # pretrained, of words; they are read beside the texts, and change nothing of them

    @property
    def given(self) -> tuple[str, ...]:
        """The flags of what is not left to the file, such as `--text-column`."""
        fields = (field for field in dataclasses.fields(self) if getattr(self, field.name) != field.default)
        return tuple("--" + field.name.replace("_", "-") for field in fields)

    def words(self, source: str) -> list[str]:
        """Return the words of a command line that name a source, read in this way."""
        found = ["--data", source]
        for field in dataclasses.fields(self):
            value, flag = getattr(self, field.name), field.name.replace("_", "-")
            if value == field.default:
                continue
            if isinstance(value, bool):
                found.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                found += [f"--{flag}", *(map(str, value) if isinstance(value, tuple) else [str(value)])]
        return found

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return all files that are read, `path` first."""
        return tuple(file for file in (path, self.test, self.validation_file) if file is not None)

    def digest(self, *more: str) -> str:
        """Return 16 hex digits of the sha256 of every field and of `more`, by which a cache tells readings apart."""
        text = json.dumps([dataclasses.asdict(self), more], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
