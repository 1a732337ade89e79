import contextlib
import hashlib
import http.server
import io
import os
import pickle
import threading
import zipfile

import numpy as np
import pytest

from rnnsweep.data import DataError, imdb, load
from tests.helpers.reviews import objects, write, write_npz


def test_imdb_is_the_file_that_the_environment_names(tiny, monkeypatch):
    monkeypatch.setenv("RNNSWEEP_DATA", str(tiny))
    assert load("imdb").sha256 == load("auto", pytest.fail).sha256 == load(str(tiny)).sha256


def test_a_broken_file_named_by_the_environment_is_an_error_even_for_auto(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNSWEEP_DATA", str(tmp_path / "none.npz"))
    with pytest.raises(DataError, match=r"RNNSWEEP_DATA: there is no file .*none\.npz"):
        load("auto", pytest.fail)
    monkeypatch.setenv("RNNSWEEP_DATA", write(tmp_path / "broken.npz", "PK"))
    with pytest.raises(DataError, match=r"RNNSWEEP_DATA: .*broken\.npz is no npz"):
        load("auto", pytest.fail)
    monkeypatch.setenv("RNNSWEEP_DATA", write(tmp_path / "own.csv", "text,label\n"))
    with pytest.raises(DataError, match=r"RNNSWEEP_DATA is .*own\.csv; give an \.npz"):
        load("imdb")


def keras_copy(tmp_path, **changes):
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    return write_npz(tmp_path / "keras" / "datasets" / "imdb.npz", **changes)


def test_the_copy_of_keras_is_used_if_it_is_the_official_file(tmp_path, monkeypatch):
    copy = keras_copy(tmp_path)
    monkeypatch.setattr(imdb, "OFFICIAL", hashlib.sha256(copy.read_bytes()).hexdigest())
    assert len(load("imdb").train) == 5
    assert len(load("auto", pytest.fail).test) == 4


def test_another_file_in_place_of_the_copy_of_keras_is_refused(tmp_path):
    keras_copy(tmp_path)
    with pytest.raises(DataError, match=r"imdb\.npz has the wrong checksum.*delete it, or name it with --data"):
        load("imdb")


def test_imdb_without_a_network_says_how_to_go_on():
    with pytest.raises(DataError, match=r"imdb\.npz cannot be downloaded .*give your own copy with --data PATH"):
        load("imdb")


@contextlib.contextmanager
def server(content, cut=None):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:cut])

        def log_message(self, *args): ...

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/imdb.npz"
        finally:
            running.shutdown()
            thread.join()


def test_a_download_is_kept_and_converted_and_needed_once(tiny, tmp_path, monkeypatch, capsys):
    content = tiny.read_bytes()
    monkeypatch.setattr(imdb, "OFFICIAL", hashlib.sha256(content).hexdigest())
    with server(content) as url:
        monkeypatch.setattr(imdb, "URL", url)
        first = load("imdb")
    assert "downloading IMDB: 100 %" in capsys.readouterr().err
    assert (tmp_path / "cache" / "imdb.npz").read_bytes() == content
    assert load("imdb").sha256 == first.sha256 == load(str(tiny)).sha256


def test_a_damaged_download_is_fetched_again(tiny, tmp_path, monkeypatch):
    content = tiny.read_bytes()
    monkeypatch.setattr(imdb, "OFFICIAL", hashlib.sha256(content).hexdigest())
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "imdb.npz").write_bytes(content[:50])
    with server(content) as url:
        monkeypatch.setattr(imdb, "URL", url)
        load("imdb")
    assert (tmp_path / "cache" / "imdb.npz").read_bytes() == content


def test_a_download_needs_no_folder_that_can_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with server(b"reviews") as url:
        assert imdb.download(url, tmp_path / "file" / "x.npz", hashlib.sha256(b"reviews").hexdigest()) == b"reviews"


def test_a_download_with_the_wrong_checksum_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "imdb.npz"
    with server(b"something else") as url, pytest.raises(DataError, match=r"has the wrong checksum, .*--data PATH"):
        imdb.download(url, target, imdb.OFFICIAL)
    assert not target.parent.exists()


def test_a_connection_cut_half_way_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "imdb.npz"
    with server(bytes(200_000), cut=100_000) as url, pytest.raises(DataError, match="cut after 100,000 of 200,000"):
        imdb.download(url, target, imdb.OFFICIAL)
    assert not target.parent.exists()


def test_a_server_that_does_not_answer_is_given_up(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/imdb.npz"
        with pytest.raises(DataError, match=r"cannot be downloaded .*timed out"):
            imdb.download(url, tmp_path / "imdb.npz", imdb.OFFICIAL, timeout=0.05)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": None}, "it has no x_train"),
        ({"y_test": None}, "it has no y_test"),
        ({"y_train": np.array([0, 1])}, "y_train has 2 labels for 5 reviews"),
        ({"y_train": np.array([0, 1, 2, 0, 1])}, "y_train has labels that are neither 0 nor 1"),
        ({"y_train": np.array([0.0, 1, 1, 0, 1])}, "y_train is float64"),
        ({"y_train": np.array([[0, 1, 1, 0, 1]])}, "not a row of whole numbers"),
        ({"y_train": np.zeros(5, int)}, "train reviews are all of one class; give both classes"),
        ({"x_test": objects([]), "y_test": np.zeros(0, int)}, "test reviews are missing"),
        ({"x_train": np.zeros((5, 3), int)}, "x_train is int64 .*, not an object array of lists"),
        ({"x_train": objects(["a", [1], [1], [1], [1]])}, "x_train is not 5 lists of word ranks"),
        ({"x_train": objects([["a"], [1], [1], [1], [1]])}, "train reviews are not lists of word ranks"),
        ({"x_train": objects([[1.5], [1], [1], [1], [1]])}, "train reviews are not lists of word ranks"),
        ({"x_train": objects([[-1], [1], [1], [1], [1]])}, "word ranks from -1 to 1; give ranks from 0 to 2147483644"),
        ({"x_train": objects([[2**31], [1], [1], [1], [1]])}, "word ranks from 1 to 2147483648"),
        ({"x_train": objects([[2**70], [1], [1], [1], [1]])}, "train reviews are not lists of word ranks"),
    ],
)
def test_an_npz_with_the_wrong_arrays_is_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        load(str(write_npz(tmp_path / "wrong.npz", **changes)))


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_a_truncated_npz_is_refused(tiny, share):
    content = tiny.read_bytes()
    tiny.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"tiny\.npz is no npz .*get the file again"):
        load(str(tiny))


class Calls:
    def __init__(self, function, *args):
        self.call = (function, args)

    def __reduce__(self):
        return self.call


def write_hostile(path, payload, tiny):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (5,)})
    with zipfile.ZipFile(tiny) as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, header.getvalue() + payload if name == "x_train.npy" else good.read(name))
    return str(path)


@pytest.mark.parametrize(
    ("function", "args", "named"),
    [
        (os.system, ("touch {}",), r"posix\.system|nt\.system"),
        (eval, ("open('{}', 'w')",), r"builtins\.eval"),
        (exec, ("open('{}', 'w')",), r"builtins\.exec"),
        (getattr, (np.ndarray, "tofile"), r"builtins\.getattr"),
        (np.fromfile, ("{}",), r"numpy\..*fromfile"),
    ],
)
def test_a_hostile_npz_runs_nothing(tiny, tmp_path, function, args, named):
    mark = tmp_path / "ran"
    args = [arg.format(mark) if isinstance(arg, str) else arg for arg in args]
    path = write_hostile(tmp_path / "hostile.npz", pickle.dumps(Calls(function, *args)), tiny)
    with pytest.raises(DataError, match=f"its pickle wants ({named})"):
        load(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"N.",
        b"(lp0\n.",
        b"cnumpy\nndarray\n.",
        b"cnumpy\nndarray\n(I1\ntb.",  # a state for the class itself
        b"cnumpy.core.multiarray\n_reconstruct\n(tR(I1\ntb.",  # a state without lists
        b"cnumpy\nndarray.tofile\n(tR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        b"Vhere\nP.",
    ],
)
def test_a_pickle_that_is_no_array_is_refused(tiny, tmp_path, payload):
    with pytest.raises(DataError, match=r"hostile\.npz is no npz"):
        load(write_hostile(tmp_path / "hostile.npz", payload, tiny))
