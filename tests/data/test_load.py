"""Which texts a source names, and what may be said of which."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from rnnsweep.data import DataError, Reading, load


def test_auto_falls_back_to_the_embedded_corpus_with_one_warning():
    warnings = []
    dataset = load("auto", warnings.append)
    assert (dataset.name, dataset.real) == ("embedded", False)
    (line,) = warnings
    assert "generated reviews, not on IMDB" in line
    assert "--data PATH" in line
    assert "\n" not in line


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file imbd; give auto, imdb, reuters, embedded, a file"):
        load("imbd")
    with pytest.raises(DataError, match=r"is a folder without a folder of \.txt files per class"):
        load(str(tmp_path))


def test_importing_it_loads_no_framework():
    heavy = "{'tensorflow', 'keras', 'ray', 'optuna', 'pandas', 'pyarrow'}"
    program = f"import sys, rnnsweep.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("source", ["auto", "imdb", "reuters", "embedded", "mine.npz"])
def test_what_holds_no_texts_cannot_be_read_in_another_way(source):
    with pytest.raises(DataError, match=f"--text-column, --strict cannot be had of --data {source}, which holds no"):
        load(source, reading=Reading(text_column="a", strict=True))


OTHERS = {
    "encoding": "cp1252", "header": True, "test": Path("t.csv"), "validation_file": Path("v.csv"), "tokens": "unicode",
    "pieces": 7, "strip_markup": True, "strict": True, "classes": ("a", "b"),
}  # fmt: skip


def test_every_field_of_a_reading_is_a_flag_and_part_of_the_keys_of_the_cache():
    digests = {Reading().digest(), Reading().digest("t.csv")}
    for field in dataclasses.fields(Reading):
        reading = Reading(**{field.name: OTHERS.get(field.name, "2")})
        assert reading.given == ("--" + field.name.replace("_", "-"),)
        digests.add(reading.digest())
    assert len(digests) == 2 + len(dataclasses.fields(Reading))
    assert Reading().given == ()


def test_another_reading_of_a_file_is_no_copy_from_the_cache(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"5.3 <b>{i},{i % 2}\n" for i in range(10)))
    plain = load(str(path))
    assert load(str(path), reading=Reading(tokens="unicode")).vocabulary != plain.vocabulary
    assert load(str(path), reading=Reading(strip_markup=True)).vocabulary != plain.vocabulary
    assert load(str(path)).vocabulary == plain.vocabulary
