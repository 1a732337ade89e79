"""Files, folders and ledgers that no command can use, in one folder, and a few that it can."""

import bz2
import gzip
import io
import json
import lzma
import os
import socket
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from rnnsweep.ledger import Ledger
from rnnsweep.spec import Spec
from tests.helpers.ledgers import IMDB, put

ROWS = [(f"{'a fine good' if i % 2 else 'a poor bad'} film {i}", "pos" if i % 2 else "neg") for i in range(60)]
TABLE = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
DEEP = "[" * 100_000 + "]" * 100_000
TRIALS = {
    "done": Spec(units=(4,), epochs=2, **IMDB),
    "again": Spec(units=(4,), epochs=2, seed=2, **IMDB),
    "other": Spec(cell="lstm", units=(5,), epochs=2, **IMDB),
    "broken": Spec(units=(6,), epochs=2, **IMDB),
    "endless": Spec(units=(7,), epochs=2, **IMDB),
}


class Evil:
    """What a pickle makes of it leaves a folder behind, so that a test sees whether it was ever unpickled."""

    def __reduce__(self):
        """Return the call that unpickling makes."""
        return os.mkdir, ("unpickled",)


def _npz(**arrays):
    data = io.BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def _parquet(frame):
    data = io.BytesIO()
    frame.to_parquet(data, index=False)
    return data.getvalue()


def _excel(frame):
    data = io.BytesIO()
    frame.to_excel(data, index=False)
    return data.getvalue()


def _zip(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def _words(count):
    """Return lists of ranks as an object array, as Keras's file has them, and labels."""
    ranks = np.empty(count, object)
    ranks[:] = [[1, 4, 5 + i % 3] for i in range(count)]
    return ranks, np.arange(count) % 2


def _each(lists, change):
    changed = np.empty(len(lists), object)
    changed[:] = [[change(rank) for rank in ranks] for ranks in lists]
    return changed


def files():
    """Return the content of each file by its name."""
    frame = pd.DataFrame(ROWS, columns=["text", "label"])
    good, labels = _words(40)
    imdb = {"x_train": good, "y_train": labels, "x_test": good, "y_test": labels}
    evil = np.array([Evil()], object)
    return {
        "good.csv": TABLE,
        "good.npz": _npz(**imdb),
        "empty.csv": "",
        "blank.csv": "\n\n\n",
        "header.csv": "text,label\n",
        "row.csv": "text,label\nonly,pos\n",
        "few.csv": "text,label\na,pos\nb,neg\nc,pos\n",
        "onecolumn.csv": "text\n" + "".join(f"{text}\n" for text, _ in ROWS),
        "oneclass.csv": "text,label\n" + "".join(f"{text},pos\n" for text, _ in ROWS),
        "nolabels.csv": "text,label\n" + "".join(f"{text},\n" for text, _ in ROWS),
        "notexts.csv": "text,label\n" + "".join(f",{label}\n" for _, label in ROWS),
        "unique.csv": "text,label\n" + "".join(f"{text},c{i}\n" for i, (text, _) in enumerate(ROWS)),
        "quote.csv": TABLE.replace("film 7,", '"film 7,'),
        "latin.csv": TABLE.replace("film 7,", "caf\xe9 7,").encode("latin-1"),
        "nul.csv": b"text,label\n\0\0\0\0,pos\n\0\0,neg\n" * 20,
        "random.csv": np.random.RandomState(1).bytes(4000),
        "page.csv": "<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n",
        "paper.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "split.csv": "text,label,split\n" + "".join(f"{text},{label},later\n" for text, label in ROWS),
        "testonly.csv": "text,label,split\n" + "".join(f"{text},{label},test\n" for text, label in ROWS),
        "cut.csv.gz": gzip.compress(TABLE.encode())[:-20],
        "bomb.csv.gz": gzip.compress(b"text,label\n" + b"a" * (64 << 20)),
        "nogzip.csv.gz": TABLE,
        "several.zip": _zip({"a.csv": TABLE, "b.csv": TABLE}),
        "none.zip": _zip({}),
        "cut.zip": _zip({"a.csv": TABLE})[:-30],
        "deep.json": DEEP,
        "number.json": "17",
        "half.json": '[{"text": "a", "label"',
        "empty.json": "[]",
        "words.jsonl": '"a"\n"b"\n',
        "half.jsonl": '{"text": "a", "label": "pos"}\n{"text": "b", "la\n',
        "deep.jsonl": '{"text": ' + DEEP + "}\n",
        "cut.parquet": _parquet(frame)[:-40],
        "none.parquet": _parquet(frame.iloc[:0]),
        "cut.xlsx": _excel(frame)[:-60],
        "none.xlsx": _excel(frame.iloc[:0]),
        "old.xls": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        "pickle.pkl": b"\x80\x04K\x01.",
        "evil.npz": _npz(x_train=evil, y_train=evil, x_test=evil, y_test=evil),
        "cut.npz": _npz(**imdb)[:-40],
        "other.npz": _npz(a=good),
        "labels.npz": _npz(**imdb | {"y_train": labels * 7}),
        "lengths.npz": _npz(**imdb | {"y_train": labels[:3]}),
        "negative.npz": _npz(**imdb | {"x_train": _each(good, lambda rank: -rank)}),
        "fractions.npz": _npz(**imdb | {"x_train": _each(good, lambda rank: rank / 3)}),
        "words.npz": _npz(**imdb | {"x_train": _each(good, str)}),
        "nothing.npz": _npz(**{name: array[:0] for name, array in imdb.items()}),
        "square.npz": _npz(**imdb | {"x_train": np.ones((40, 3), np.int64)}),
        "vectors.txt": "film 0.1 0.2\nbad 0.1\n",
        "words.txt": "film nine ten\n",
        "foreign.txt": "zzz 0.1 0.2\nyyy 0.1 0.3\n",
        "evil.py": "raise SystemExit(3)\n",
        "broken_layer.py": "class Layer(\n",
        "predictions.csv": "prediction\n0\n1\n",
        "columns.csv": "a,b\n0,1\n",
        "odd.csv": "prediction\n0\n1\nmaybe\n1\n",
        "probability.csv": "probability\n0.1\n7\n0.5\n0.2\n",
    }


def valid():
    """Return the content of a good file of each kind by its name."""
    frame = pd.DataFrame(ROWS[:12], columns=["text", "label"])
    table = frame.to_csv(index=False)
    lines = frame.to_json(orient="records", lines=True)
    return {
        "a.csv": table,
        "a.tsv": frame.to_csv(index=False, sep="\t"),
        "a.jsonl": lines,
        "a.json": frame.to_json(orient="records"),
        "a.parquet": _parquet(frame),
        "a.xlsx": _excel(frame),
        "a.csv.gz": gzip.compress(table.encode()),
        "a.csv.bz2": bz2.compress(table.encode()),
        "a.jsonl.xz": lzma.compress(lines.encode()),
        "a.csv.zst": pa.compress(table.encode(), "zstd", asbytes=True),
        "a.zip": _zip({"a.csv": table}),
        "a.npz": files()["good.npz"],
        "a.vec": "2 2\nfilm 0.1 0.2\nbad 0.3 0.4\n",
    }


def searched(ledger):
    """Add to the ledger of `kept` what a search, a plan and an index leave there."""
    settings = {
        "goal": {"objectives": ["val_accuracy"], "max_params": None, "max_seconds": None},
        "axes": {"cell": "gru"},
    }
    base = json.loads(TRIALS["done"].to_json())
    ledger.write_study("s", settings | {"base": base, "sampler": "tpe", "pruner": "none"})
    said = {"number": 0, "state": "running", "params": {"cell": "gru"}, "known": False, "suggest_seconds": 0.1}
    ledger.record(TRIALS["done"].key).write_suggestion("s", said)
    ledger.plan({"gru": 3})
    ledger.name_data("a" * 64, ["--data", "imdb"])
    ledger.load()
    ledger.write_index(list(ledger.list_files()), 1)


def make(folder):
    """Write all of it into a folder."""
    for name, content in files().items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    for name in ("hollow", "flat", "one/pos", "kept.db", "broken-ledger", "listed/studies"):
        (folder / name).mkdir(parents=True)
    (folder / "flat/a.md").write_text("a text of no class")
    (folder / "one/pos/a.txt").write_text("a text")
    (folder / "loop").symlink_to("loop")
    (folder / "nowhere").symlink_to("no/such")
    with sqlite3.connect(folder / "foreign.db") as database:
        database.execute("create table mine (x)")
    database.close()
    (folder / "text.db").write_text("no database" * 100)
    kept(folder / "kept")
    (folder / "broken-ledger" / ("a" * 12)).mkdir()
    (folder / "broken-ledger" / ("a" * 12) / "spec.json").write_text(DEEP)


def kept(folder):
    """Write a ledger of four finished trials, one of which holds no JSON, and one that diverged."""
    ledger = Ledger(folder)
    for name, spec in TRIALS.items():
        put(ledger, spec, "diverged" if name == "endless" else "finished")
    ledger.record(TRIALS["broken"].key).write("result.json", DEEP.encode())


def taken_port():
    """Return a socket that listens, answers nobody and is no cluster."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen()
    return found


def snapshot(folder):
    """Return what lies below a folder: the path, size and time of the last change of each."""
    found = sorted(Path(folder).rglob("*"))
    return [(str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in found]
