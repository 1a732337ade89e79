"""What is said of the rows of a file, written as it is said, so that what was broken off goes on."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rnnsweep.data.stream import Source, stream
from rnnsweep.use.chosen import UseError
from rnnsweep.use.predict import Prediction, Predictor

BLOCK = 2**20
DIGITS = 6  # behind the point of a probability


@dataclass(frozen=True)
class Done:
    """How far a file is read."""

    rows: int
    share: float  # of the file, 0 to 1


def predict_file(predictor: Predictor, source: Source, out: Path) -> Iterator[Done]:
    """Write a line per row of a file of texts to a .csv, and yield how far it is after each thousand or so.

    Lines that are there from an earlier run stay, and are not computed again. Raises `UseError` where they are no lines
    of this network, or there are more than the file has rows, and `DataError` where the file cannot be read.
    """
    header = ["row", "network", "class", *(f"p_{one_line(name)}" for name in predictor.named), "note"]
    before, row = _lines_before(out, header, predictor.chosen.name), 0
    with _opened(out) as file:
        if before < 0:
            file.write(_line(header))
        for part in stream(source):
            texts = part.texts[max(0, before - row) :]
            first, row = row + len(part.texts) - len(texts), row + len(part.texts)
            said = predictor.predict_all(texts) if texts else []
            file.write(b"".join(_line(_cells(at, predictor, one)) for at, one in enumerate(said, first + 1)))
            file.flush()
            yield Done(row, part.share)
    if before > row:
        raise UseError(f"{out} has {before:,} lines, and {source.path} only {row:,} rows; name another --out")


def _cells(row: int, predictor: Predictor, said: Prediction) -> list[str]:
    shares = [f"{share:.{DIGITS}f}" for share in said.probabilities]
    return [str(row), predictor.chosen.name, one_line(said.label), *shares, said.note]


def one_line(text: str) -> str:
    """Return a name without line breaks, so that a row of the output is a line of it."""
    return " ".join(text.splitlines())


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")


def _opened(out: Path) -> IO[bytes]:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        return out.open("ab")
    except OSError as error:
        raise UseError(f"--out {out} cannot be written ({error.strerror}); give another place") from None


def _lines_before(out: Path, header: Sequence[str], key: str) -> int:
    """Return how many whole rows an earlier run wrote, -1 where not even its header; half a line is cut off."""
    if not out.exists() or out.stat().st_size == 0:
        return -1
    try:
        with out.open("r+b") as file:
            first = file.readline()
            if first != _line(header):
                raise UseError(f"{out} is not of this network's classes, or no predictions at all; name another --out")
            whole, lines, last = _whole(file)
            file.truncate(whole)
    except OSError as error:
        raise UseError(f"--out {out} cannot be read ({error.strerror}); give another place") from None
    if lines and next(csv.reader([last.decode("utf-8", "replace")]))[1:2] != [key]:
        raise UseError(f"{out} has lines of another network than {key}; name another --out, or delete it")
    return lines


def _whole(file: IO[bytes]) -> tuple[int, int, bytes]:
    """Return the bytes up to the last whole line, how many lines there are behind the first, and the last of them."""
    begin, lines, end = file.tell(), 0, file.tell()
    while block := file.read(BLOCK):
        lines += block.count(b"\n")
        if b"\n" in block:
            end = file.tell() - len(block) + block.rindex(b"\n") + 1
    file.seek(max(begin, end - BLOCK), os.SEEK_SET)
    tail = file.read(end - file.tell()).splitlines()
    return end, lines, tail[-1] if tail else b""
