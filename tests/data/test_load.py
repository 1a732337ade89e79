import subprocess
import sys

import pytest

from rnnsweep.data import DataError, load


def test_auto_falls_back_to_the_embedded_corpus_with_one_warning():
    warnings = []
    dataset = load("auto", warnings.append)
    assert (dataset.name, dataset.real) == ("embedded", False)
    (line,) = warnings
    assert "generated reviews, not on IMDB" in line
    assert "--data PATH" in line
    assert "\n" not in line


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file imbd; give auto, imdb, embedded or a file"):
        load("imbd")
    with pytest.raises(DataError, match=r"is a folder; give a file: \.npz"):
        load(str(tmp_path))


def test_importing_it_loads_no_framework():
    heavy = "{'tensorflow', 'keras', 'ray', 'optuna', 'pandas', 'pyarrow'}"
    program = f"import sys, rnnsweep.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
