"""An exported folder says what the ledger says, where there is no rnnsweep."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import regex

from rnnsweep.data.tokens import Characters, Words, strip_markup
from rnnsweep.data.vocabulary import parse_vocabulary
from rnnsweep.ledger import Ledger
from rnnsweep.ledger.ledger import vocabulary_path
from rnnsweep.use.export import export
from rnnsweep.use.predict import predict
from rnnsweep.use.standalone import IGNORABLE, script

TEXTS = ["a great, lovely film", "DULL plot; awful", "", "xyzzy", "fine " * 50]
# Python as a stranger starts it: no paths of this project, and none of its modules, even where they are installed.
ALONE = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("rnnsweep", "pandas", "ray"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
found = runpy.run_path(sys.argv[0], run_name="__main__")
import json
print(json.dumps(found["predict"](sys.argv[1:]).tolist()))
"""


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "model"
    export(Ledger(trained / "results"), None, out, int8=True)
    return out


def alone(folder, name, cwd):
    command = [sys.executable, "-I", "-c", ALONE, str(folder / name), *TEXTS]
    run = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=250)
    assert run.returncode == 0, run.stderr
    *printed, numbers = run.stdout.splitlines()
    return printed, np.array(json.loads(numbers))[:, 0]


@pytest.mark.parametrize("name", ["predict.py", "predict_onnx.py"])
def test_the_scripts_say_what_the_ledger_says_without_rnnsweep(folder, trained, tmp_path, name):
    if name == "predict_onnx.py":
        pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    key = re.search(r"key `(\w+)`", (folder / "README.md").read_text())[1]
    expected = predict(Ledger(trained / "results"), TEXTS, key)
    printed, found = alone(folder, name, tmp_path)
    assert np.abs(found - expected["p_pos"]).max() < 1e-5
    assert [line.split("\t")[0] for line in printed] == list(expected["class"])


def test_the_card_says_what_it_is_how_good_and_what_for(folder, trained, keys):
    text = (folder / "README.md").read_text()
    for title in ("Use", "What it must not be used for", "Data", "How it was chosen", "Test accuracy", "By class",
                  "What it takes", "Spec"):  # fmt: skip
        assert f"\n## {title}\n" in text
    assert "one of the median validation accuracy" in text
    assert "| all 2 seeds, mean |" in text
    assert re.search(r"\| neg \| \d\.\d{3} \| \d\.\d{3} \| \d\.\d{3} \| \d+ \|", text)
    assert "licence of the data is not known" in text
    assert len((folder / "predict.py").read_text().splitlines()) < 45


def test_a_network_of_one_key_is_that_one(trained, keys, tmp_path):
    found = export(Ledger(trained / "results"), keys["lstm", 1], tmp_path / "one")
    assert found.key == keys["lstm", 1]
    assert "model.int8.onnx" not in found.files
    assert "named by its key" in (tmp_path / "one" / "README.md").read_text()


def split_of(trained, tmp_path, kind, **reading):
    """Return the function `split` of the script for these tokens, the network left out of it."""
    from dataclasses import replace

    from rnnsweep.data import Reading

    ledger = Ledger(trained / "results")
    sha256 = next(iter(ledger.load().specs.values())).data_sha256
    words = parse_vocabulary(ledger.vocabulary(sha256), vocabulary_path(sha256))
    text = script(replace(words, kind=kind, reading=Reading(**reading)), "onnxruntime")
    text = re.sub(r"^(model|known|import onnxruntime).*$", "", text, flags=re.MULTILINE)
    names = {"__file__": str(tmp_path / "x.py"), "__name__": "script"}
    exec(text, names)
    return names


def test_the_standard_library_splits_characters_and_words_as_training_did(trained, tmp_path):
    texts = ["这部电影很好看！！真的", "ﬁlm Ａ é e\u0301 ß İ", "ไม่ดีเลย กำลัง", "...", "a\u200bb 👍🏽 c", "हिन्दी नहीं"]
    split = split_of(trained, tmp_path, Characters())["split"]
    assert [split(text) for text in texts[:5]] == Characters().split(texts[:5])
    names = split_of(trained, tmp_path, Words(), strip_markup=True)
    marked = "<br />It's <b>GOOD</b> &amp; cheap<!-- x -->"
    assert names["split"](names["plain"](marked)) == Words().split([strip_markup(marked)])[0]


def test_the_invisible_characters_are_unicodes():
    every = "".join(map(chr, (c for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF)))
    pattern = re.compile(f"[{IGNORABLE}]".encode().decode("unicode_escape"))
    assert pattern.findall(every) == regex.findall(r"\p{Default_Ignorable_Code_Point}", every)
