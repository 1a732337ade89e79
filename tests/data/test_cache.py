import hashlib
import os
import pickle

import numpy as np
import pytest

from rnnsweep.data import imdb, load
from rnnsweep.data.cache import FORMAT, file_checksum
from rnnsweep.files import cache_folder
from tests.helpers.reviews import objects, rows_of, same, write_npz


def test_a_converted_file_opens_as_memory_maps_and_equals_what_was_converted(tiny):
    first, second = load(str(tiny)), load(str(tiny))
    assert isinstance(second.train.tokens.base, np.memmap)
    assert not second.train.tokens.flags.writeable
    assert same(first.train, second.train)
    assert same(first.test, second.test)
    assert first.sha256 == second.sha256
    assert (second.name, second.real, second.classes) == ("imdb", True, ("negative", "positive"))


def test_opening_a_converted_file_does_not_read_its_pickle_again(tiny, monkeypatch):
    load(str(tiny))
    monkeypatch.setattr(imdb, "_npz_content", None)
    assert len(load(str(tiny)).train) == 5


def test_equal_reviews_have_one_checksum_however_they_are_stored(tiny, tmp_path):
    other = tmp_path / "other.npz"
    with np.load(tiny, allow_pickle=True) as arrays:
        np.savez(other, **{name: arrays[name] for name in sorted(arrays)})
    assert other.read_bytes() != tiny.read_bytes()
    assert load(str(other)).sha256 == load(str(tiny)).sha256
    changed = write_npz(tmp_path / "changed.npz", y_test=np.array([0, 1, 0, 1]))
    assert load(str(changed)).sha256 != load(str(tiny)).sha256


def test_a_cache_that_cannot_be_written_costs_only_time(tiny, tmp_path, monkeypatch):
    cached = load(str(tiny))
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RNNSWEEP_CACHE", str(tmp_path / "file" / "cache"))
    dataset = load(str(tiny))
    assert same(dataset.train, cached.train)
    assert dataset.sha256 == cached.sha256


@pytest.mark.parametrize("name", ["about.json", "train_tokens.npy", "test_offsets.npy", "train_labels.npy"])
@pytest.mark.parametrize("keep", [None, 0, 0.5])
def test_a_damaged_cache_entry_is_rebuilt(tiny, tmp_path, name, keep):
    whole = load(str(tiny))
    rows = rows_of(whole.train)
    (file,) = (tmp_path / "cache").glob(f"*/{name}")
    content = file.read_bytes()
    file.unlink()
    if keep is not None:
        file.write_bytes(content[: int(keep * len(content))])
    again = load(str(tiny))
    assert rows_of(again.train) == rows
    assert again.sha256 == whole.sha256
    assert file.read_bytes() == content
    assert not list((tmp_path / "cache").glob(".*"))


def test_two_processes_may_convert_the_same_file_at_once(tiny, tmp_path, monkeypatch):
    convert = imdb._npz_content

    def slower(*args):
        content = convert(*args)
        with monkeypatch.context() as patch:
            patch.setattr(imdb, "_npz_content", convert)
            load(str(tiny))  # the other process, which ends first
        return content

    monkeypatch.setattr(imdb, "_npz_content", slower)
    assert isinstance(load(str(tiny)).train.tokens.base, np.memmap)
    assert len(list((tmp_path / "cache").glob(f"*-npz-v{FORMAT}"))) == 1
    assert not list((tmp_path / "cache").glob(".*"))


def test_a_file_changed_in_place_is_converted_again(tiny):
    load(str(tiny))
    write_npz(tiny, x_test=objects([[1], [2], [3], [4]]))
    assert rows_of(load(str(tiny)).test)[0][0] == 1
    assert load(str(tiny)).test.lengths.tolist() == [2, 2, 2, 2]


def test_the_checksum_of_an_old_file_is_remembered(tiny):
    os.utime(tiny, (1, 1))
    found = file_checksum(tiny)
    assert found == hashlib.sha256(tiny.read_bytes()).hexdigest()
    tiny.write_bytes(b"x" * tiny.stat().st_size)
    assert file_checksum(tiny) != found
    os.utime(tiny, (1, 1))
    assert file_checksum(tiny) == found


def test_the_cache_is_in_xdg_cache_home_or_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("RNNSWEEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "rnnsweep"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "rnnsweep"


def test_a_message_that_carries_a_dataset_shares_its_arrays_instead_of_copying_them(tiny):
    shared = []
    message = pickle.dumps(load(str(tiny)), protocol=5, buffer_callback=shared.append)
    assert len(shared) == 6
    assert len(message) < 5000
