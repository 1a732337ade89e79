import os

import pytest

from rnnsweep.files import write_whole


def test_a_file_is_written_with_the_folders_above_it_and_replaced(tmp_path):
    path = tmp_path / "new" / "folder" / "file"
    write_whole(path, b"first")
    write_whole(path, b"second", durable=True)
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_only_a_durable_file_waits_for_the_disk(tmp_path, monkeypatch):
    waited = []
    monkeypatch.setattr(os, "fsync", waited.append)
    write_whole(tmp_path / "file", b"data")
    assert not waited
    write_whole(tmp_path / "file", b"data", durable=True)
    assert len(waited) == 1


def test_a_writing_that_fails_leaves_what_was_there_and_nothing_else(tmp_path, monkeypatch):
    def refuse(descriptor):
        raise OSError("no space left on device")

    path = tmp_path / "file"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no space left"):
        write_whole(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
