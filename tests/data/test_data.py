import contextlib
import hashlib
import http.server
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnsweep import data
from rnnsweep.data import DataError, Dataset, Reviews, encode, load, split
from rnnsweep.spec import Spec

IMDB = Path(__file__).parents[1].parent / "shared" / "data" / "imdb.npz"
needs_imdb = pytest.mark.skipif(not IMDB.is_file(), reason="no copy of IMDB beside the project")

TRAIN = [[1, 5, 2], [7], [3, 3, 9, 1], [2, 8], [6, 4, 1, 1, 2]]
TEST = [[4, 1], [1, 2, 3], [9, 9], [5]]


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without IMDB, network or cache."""
    monkeypatch.setenv("RNNSWEEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("RNNSWEEP_DATA", raising=False)
    monkeypatch.setattr(data, "URL", "http://127.0.0.1:9/imdb.npz")


def objects(rows):
    values = np.empty(len(rows), object)
    values[:] = rows
    return values


def write_npz(path, **changes):
    arrays = {
        "x_train": objects(TRAIN),
        "y_train": np.array([0, 1, 1, 0, 1]),
        "x_test": objects(TEST),
        "y_test": np.array([1, 0, 0, 1]),
    }
    arrays |= changes
    np.savez_compressed(path, **{name: values for name, values in arrays.items() if values is not None})
    return path


@pytest.fixture
def tiny(tmp_path):
    return write_npz(tmp_path / "tiny.npz")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return str(path)


def same(a, b):
    return all(np.array_equal(getattr(a, field), getattr(b, field)) for field in ("tokens", "offsets", "labels"))


def rows_of(reviews):
    return [list(map(int, row)) for row in np.split(reviews.tokens, reviews.offsets[1:-1])]


# ---- encode


REVIEWS = Reviews(np.array([1, 4, 9, 1, 5, 6, 7, 8], np.int32), np.array([0, 3, 8]), np.array([0, 1], np.uint8))


def test_encode_pads_and_truncates_in_front_and_replaces_words_outside_the_vocabulary():
    assert encode(REVIEWS, 8, 4).tolist() == [[0, 1, 4, 2], [5, 6, 7, 2]]
    assert encode(REVIEWS, 100, 5).tolist() == [[0, 0, 1, 4, 9], [1, 5, 6, 7, 8]]
    assert encode(REVIEWS, 100, 1).tolist() == [[9], [8]]
    assert encode(REVIEWS, 100, 5).dtype == np.int32


def test_encode_of_a_part_is_the_part_of_encode():
    assert encode(REVIEWS.part(1, 2), 8, 4).tolist() == [[5, 6, 7, 2]]
    assert encode(REVIEWS.first(1), 8, 4).tolist() == [[0, 1, 4, 2]]
    assert len(REVIEWS.first(9)) == 2
    assert REVIEWS.lengths.tolist() == [3, 5]


def test_encode_of_no_reviews_has_no_rows():
    assert encode(REVIEWS.first(0), 8, 4).shape == (0, 4)


@pytest.mark.parametrize(
    ("num_words", "max_len", "message"), [(3, 5, "num_words is 3; give at least 4"), (10, 0, "max_len is 0; give")]
)
def test_encode_refuses_what_leaves_no_word(num_words, max_len, message):
    with pytest.raises(DataError, match=message):
        encode(REVIEWS, num_words, max_len)


def keras_says(path, num_words, max_len, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras.src.datasets import imdb
    from keras.utils import pad_sequences

    monkeypatch.setattr(imdb, "get_file", lambda **kwargs: str(path))
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=num_words)
    return pad_sequences(x_train, maxlen=max_len), y_train, pad_sequences(x_test, maxlen=max_len), y_test


def assert_as_keras(path, num_words, max_len, monkeypatch):
    dataset = load(str(path))
    x_train, y_train, x_test, y_test = keras_says(path, num_words, max_len, monkeypatch)
    for reviews, ids, labels in ((dataset.train, x_train, y_train), (dataset.test, x_test, y_test)):
        ours = encode(reviews, num_words, max_len)
        assert ours.dtype == ids.dtype
        assert np.array_equal(ours, ids)
        assert np.array_equal(reviews.labels, labels)


@pytest.mark.parametrize(("num_words", "max_len"), [(4, 3), (8, 4), (100, 10)])
def test_a_small_npz_is_encoded_as_keras_does(tiny, num_words, max_len, monkeypatch):
    assert_as_keras(tiny, num_words, max_len, monkeypatch)


@needs_imdb
@pytest.mark.parametrize(("num_words", "max_len"), [(1000, 500), (5000, 80), (10_000, 1000)])
def test_imdb_is_encoded_as_keras_does(num_words, max_len, monkeypatch):
    assert_as_keras(IMDB, num_words, max_len, monkeypatch)


# ---- the cache


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
    monkeypatch.setattr(data, "_npz_content", None)
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
    convert = data._npz_content

    def slower(*args):
        content = convert(*args)
        with monkeypatch.context() as patch:
            patch.setattr(data, "_npz_content", convert)
            load(str(tiny))  # the other process, which ends first
        return content

    monkeypatch.setattr(data, "_npz_content", slower)
    assert isinstance(load(str(tiny)).train.tokens.base, np.memmap)
    assert len(list((tmp_path / "cache").glob("*-npz-v1"))) == 1
    assert not list((tmp_path / "cache").glob(".*"))


def test_a_file_changed_in_place_is_converted_again(tiny):
    load(str(tiny))
    write_npz(tiny, x_test=objects([[1], [2], [3], [4]]))
    assert rows_of(load(str(tiny)).test)[0][0] == 1
    assert load(str(tiny)).test.lengths.tolist() == [2, 2, 2, 2]


def test_the_checksum_of_an_old_file_is_remembered(tiny):
    os.utime(tiny, (1, 1))
    found = data._checksum(tiny)
    assert found == hashlib.sha256(tiny.read_bytes()).hexdigest()
    tiny.write_bytes(b"x" * tiny.stat().st_size)
    assert data._checksum(tiny) != found
    os.utime(tiny, (1, 1))
    assert data._checksum(tiny) == found


def test_the_cache_is_in_xdg_cache_home_or_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("RNNSWEEP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert data.cache_folder() == tmp_path / "xdg" / "rnnsweep"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert data.cache_folder() == tmp_path / "home" / ".cache" / "rnnsweep"


# ---- where IMDB comes from


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
    monkeypatch.setattr(data, "OFFICIAL", hashlib.sha256(copy.read_bytes()).hexdigest())
    assert len(load("imdb").train) == 5
    assert len(load("auto", pytest.fail).test) == 4


def test_another_file_in_place_of_the_copy_of_keras_is_refused(tmp_path):
    keras_copy(tmp_path)
    with pytest.raises(DataError, match=r"imdb\.npz has the wrong checksum.*delete it, or name it with --data"):
        load("imdb")


def test_auto_falls_back_to_the_embedded_corpus_with_one_warning():
    warnings = []
    dataset = load("auto", warnings.append)
    assert (dataset.name, dataset.real) == ("embedded", False)
    (line,) = warnings
    assert "generated reviews, not on IMDB" in line
    assert "--data PATH" in line
    assert "\n" not in line


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
    monkeypatch.setattr(data, "OFFICIAL", hashlib.sha256(content).hexdigest())
    with server(content) as url:
        monkeypatch.setattr(data, "URL", url)
        first = load("imdb")
    assert "downloading IMDB: 100 %" in capsys.readouterr().err
    assert (tmp_path / "cache" / "imdb.npz").read_bytes() == content
    assert load("imdb").sha256 == first.sha256 == load(str(tiny)).sha256


def test_a_damaged_download_is_fetched_again(tiny, tmp_path, monkeypatch):
    content = tiny.read_bytes()
    monkeypatch.setattr(data, "OFFICIAL", hashlib.sha256(content).hexdigest())
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "imdb.npz").write_bytes(content[:50])
    with server(content) as url:
        monkeypatch.setattr(data, "URL", url)
        load("imdb")
    assert (tmp_path / "cache" / "imdb.npz").read_bytes() == content


def test_a_download_needs_no_folder_that_can_be_written(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with server(b"reviews") as url:
        assert data.download(url, tmp_path / "file" / "x.npz", hashlib.sha256(b"reviews").hexdigest()) == b"reviews"


def test_a_download_with_the_wrong_checksum_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "imdb.npz"
    with server(b"something else") as url, pytest.raises(DataError, match=r"has the wrong checksum, .*--data PATH"):
        data.download(url, target, data.OFFICIAL)
    assert not target.parent.exists()


def test_a_connection_cut_half_way_leaves_nothing_behind(tmp_path):
    target = tmp_path / "new" / "imdb.npz"
    with server(bytes(200_000), cut=100_000) as url, pytest.raises(DataError, match="cut after 100,000 of 200,000"):
        data.download(url, target, data.OFFICIAL)
    assert not target.parent.exists()


def test_a_server_that_does_not_answer_is_given_up(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/imdb.npz"
        with pytest.raises(DataError, match=r"cannot be downloaded .*timed out"):
            data.download(url, tmp_path / "imdb.npz", data.OFFICIAL, timeout=0.05)


# ---- files that are no IMDB


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


# ---- the embedded corpus


@pytest.fixture(scope="module")
def embedded():
    return load("embedded")


def test_the_embedded_corpus_is_the_same_on_every_machine(embedded):
    assert embedded.sha256 == "0810304cd2d544c9ff323406e0f551ac185326b3f25f1ebe9f488d1d98f33a3a"


def test_the_embedded_corpus_has_the_shape_of_imdb(embedded):
    assert (embedded.name, embedded.real, embedded.classes) == ("embedded", False, ("negative", "positive"))
    for reviews in (embedded.train, embedded.test):
        assert len(reviews) == 5000
        assert reviews.labels.mean() == 0.5
        assert (reviews.tokens[reviews.offsets[:-1]] == 1).all()
        assert 225 < reviews.lengths.mean() < 252
        assert 170 < np.median(reviews.lengths) < 187
        assert reviews.lengths.min() >= 11
        assert reviews.lengths.max() <= 2500


def test_ranks_of_the_embedded_corpus_are_by_frequency_in_its_training_set(embedded):
    tokens = embedded.train.tokens
    counts = np.bincount(tokens[tokens > 1] - 3)[1:]
    assert (tokens[tokens > 1] > 3).all()
    assert len(counts) >= 12_000
    assert (np.diff(counts) <= 0).all()


def test_opinion_words_of_the_embedded_corpus_are_in_every_range_of_frequency(embedded):
    ids = encode(embedded.train, 20_000, 80)
    positive, negative = (
        np.bincount(ids[embedded.train.labels == label].ravel(), minlength=20_000)[4:] for label in (1, 0)
    )
    for start, stop in ((0, 200), (200, 1000), (1000, 5000), (5000, 15_000)):
        difference, count = (positive - negative)[start:stop], (positive + negative)[start:stop]
        assert (difference**2).sum() / count.sum() > 1.04  # 1 of words that say nothing


def test_a_bag_of_words_needs_the_late_words_of_the_embedded_corpus_and_not_all_its_words(embedded):
    def accuracy(max_len):
        def counts(reviews):
            ids = encode(reviews, 1000, max_len)
            rows = np.repeat(np.arange(len(ids)), max_len)
            return np.bincount(rows * 1000 + ids.ravel(), minlength=len(ids) * 1000).reshape(-1, 1000)[:, 4:] > 0

        train, labels = counts(embedded.train), embedded.train.labels == 1
        weights = np.log((train[labels].sum(0) + 1) / (train[~labels].sum(0) + 1))
        return ((counts(embedded.test) @ weights > 0) == embedded.test.labels).mean()

    assert accuracy(80) > accuracy(20) + 0.05
    assert accuracy(80) > accuracy(500) + 0.08


# ---- your own reviews


ROWS = [
    ("Good, GOOD film!", "pos", "train"),
    ("bad film", "neg", "train"),
    ("awful\tfilm: bad", "neg", "train"),
    ("good unseen words", "pos", "test"),
    ("bad", "neg", "test"),
]


def write_table(path, rows=ROWS, columns=("text", "label", "split")):
    table = pd.DataFrame(rows, columns=list(columns))
    if path.suffix == ".parquet":
        table.to_parquet(path)
    elif path.suffix in (".csv", ".tsv"):
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    else:
        table.to_json(path, orient="records", lines=True)
    return str(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_type_of_file_gives_the_same_reviews(tmp_path, suffix):
    dataset = load(write_table(tmp_path / f"mine{suffix}"))
    assert (dataset.name, dataset.real, dataset.classes) == ("mine", True, ("neg", "pos"))
    # film 3, good 2 (seen before bad), bad 2, awful 1: ranks 1 to 4, as tokens 4 to 7.
    assert sorted(rows_of(dataset.train)) == [[1, 5, 5, 4], [1, 6, 4], [1, 7, 4, 6]]
    assert sorted(zip(rows_of(dataset.test), dataset.test.labels.tolist(), strict=True)) == [
        ([1, 5, 2, 2], 1),
        ([1, 6], 0),
    ]
    assert same(load(str(tmp_path / f"mine{suffix}")).train, dataset.train)


def test_words_and_ranks_are_those_of_the_keras_tokenizer(tmp_path):
    from keras.src.legacy.preprocessing.text import Tokenizer

    texts = ["It's a <br />film\nÄrger; don't [stop]~", "A film\r film", 'say "a" \\ b_c', "İstanbul a-b-c  a"]
    rows = [(text, index % 2, "train") for index, text in enumerate(texts)]
    dataset = load(write_table(tmp_path / "mine.jsonl", [*rows, ("a", 0, "test"), ("b", 1, "test")]))
    tokenizer = Tokenizer()
    tokenizer.fit_on_texts(texts)
    expected = [[1] + [rank + 3 for rank in row] for row in tokenizer.texts_to_sequences(texts)]
    assert sorted(rows_of(dataset.train)) == sorted(expected)


def test_without_a_split_column_a_fifth_is_the_test_set_and_always_the_same(tmp_path):
    rows = [(f"word{i} film", int(i >= 25)) for i in range(50)]
    path = write_table(tmp_path / "mine.csv", rows, ("text", "label"))
    dataset = load(path)
    assert (len(dataset.train), len(dataset.test)) == (40, 10)
    assert dataset.classes == ("negative", "positive")
    assert dataset.train.labels.tolist() != sorted(dataset.train.labels.tolist())
    assert load(path).sha256 == dataset.sha256 == load(write_table(tmp_path / "b.tsv", rows, ("text", "label"))).sha256


def test_texts_that_look_like_nothing_or_a_number_are_texts(tmp_path):
    rows = [("null", 1, "train"), ("1999", 0, "train"), ("NA", 1, "test"), ("2001-01-01", 0, "test")]
    for suffix in (".csv", ".jsonl", ".parquet"):
        dataset = load(write_table(tmp_path / f"mine{suffix}", rows))
        assert sorted(rows_of(dataset.train)) == [[1, 4], [1, 5]]


def changed(row, column, value):
    rows = [list(values) for values in ROWS]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (ROWS, ("review", "label", "split"), "has no column 'text', only review, label, split"),
        (ROWS, ("text", "sentiment", "split"), "has no column 'label'"),
        (changed(1, 0, " ...! "), ("text", "label", "split"), "row 2: the text is empty; give words"),
        (changed(3, 0, None), ("text", "label", "split"), "row 4: the text is"),
        (changed(2, 1, None), ("text", "label", "split"), "row 3: the label is missing"),
        (changed(2, 1, "so-so"), ("text", "label", "split"), r"has 3 classes \(neg, pos, so-so\); give 0 and 1"),
        ([("a", "x", "train"), ("b", "x", "test")], ("text", "label", "split"), r"has 1 classes \(x\)"),
        (changed(0, 1, "neg"), ("text", "label", "split"), "training reviews are all of one class"),
        (changed(4, 1, "pos"), ("text", "label", "split"), "test reviews are all of one class"),
        (changed(4, 2, "dev"), ("text", "label", "split"), "has 'dev' in the column split; give train or test"),
        ([row for row in ROWS if row[2] == "train"], ("text", "label", "split"), "test reviews are missing"),
        ([], ("text", "label"), r"has 0 classes \(\)"),
    ],
)
def test_a_table_that_cannot_be_trained_on_is_refused(tmp_path, rows, columns, message):
    with pytest.raises(DataError, match=message):
        load(write_table(tmp_path / "mine.parquet", rows, columns))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a\.csv is no readable \.csv file"),
        ("b.csv", b"\xff\xfe\x00", r"b\.csv is no readable \.csv file"),
        ("c.csv", b"text,label\ngood, really,1\n", "more fields than the header; put quotes"),
        ("d.jsonl", b'{"text": "a"', r"d\.jsonl is no readable \.jsonl file"),
        ("e.json", b"[1, 2]", "each line has to be one JSON object"),
        ("f.parquet", b"PAR1", r"f\.parquet is no readable \.parquet file"),
        ("g.txt", b"text", r"g\.txt is of an unknown type; give a file: \.npz, \.csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load(str(tmp_path / name))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file imbd; give auto, imdb, embedded or a file"):
        load("imbd")
    with pytest.raises(DataError, match=r"is a folder; give a file: \.npz"):
        load(str(tmp_path))


def test_json_texts_may_hold_unicode_line_separators(tmp_path):
    rows = [{"text": f"a\u2028b {i}", "label": i % 2, "split": ("train", "test")[i // 2]} for i in range(4)]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert len(load(write(tmp_path / "mine.jsonl", text)).train) == 2


# ---- what a spec sees


def numbered(reviews):
    """Reviews of one token, which tells them apart."""
    return Reviews(
        np.arange(10, 10 + reviews, dtype=np.int32), np.arange(reviews + 1), (np.arange(reviews) % 2).astype(np.uint8)
    )


DATASET = Dataset("mine", "", True, ("no", "yes"), numbered(20), numbered(6))


def test_validation_is_the_last_share_of_the_first_reviews():
    parts = split(Spec(reviews=10, validation=0.2, batch_size=4), DATASET)
    assert parts.train.tokens.tolist() == list(range(10, 18))
    assert parts.validation.tokens.tolist() == [18, 19]
    assert parts.validation.offsets.tolist() == [0, 1, 2]
    assert len(parts.test) == 6


def test_validation_can_be_the_first_batch_or_the_test_set():
    parts = split(Spec(validation="first_batch", batch_size=4), DATASET)
    assert (len(parts.train), parts.validation.tokens.tolist()) == (16, [10, 11, 12, 13])
    parts = split(Spec(reviews=5, validation="test", batch_size=4), DATASET)
    assert (len(parts.train), len(parts.test)) == (5, 5)
    assert same(parts.validation, parts.test)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec(reviews=21), "mine has 20 training reviews, not 21; lower --reviews"),
        (Spec(batch_size=17), "leaves 16 reviews for training and 4 for validation, with batches of 17; give more"),
        (Spec(batch_size=20, validation="first_batch"), "leaves 0 reviews for training"),
    ],
)
def test_too_few_reviews_are_refused(spec, message):
    with pytest.raises(DataError, match=message):
        split(spec, DATASET)


def test_importing_it_loads_no_framework():
    heavy = "{'tensorflow', 'keras', 'ray', 'optuna', 'pandas', 'pyarrow'}"
    program = f"import sys, rnnsweep.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_message_that_carries_a_dataset_shares_its_arrays_instead_of_copying_them(tiny):
    shared = []
    message = pickle.dumps(load(str(tiny)), protocol=5, buffer_callback=shared.append)
    assert len(shared) == 6
    assert len(message) < 5000
