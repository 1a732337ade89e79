"""What turns texts into numbers, kept and read again."""

import numpy as np
import pytest

from rnnsweep.data import Reading, encode, load
from rnnsweep.data.vocabulary import parse_vocabulary, vocabulary_of
from rnnsweep.use.encode import Encoder


@pytest.mark.parametrize("kind", ["words", "unicode", "characters", "subwords"])
def test_texts_become_the_numbers_that_they_were_trained_as_whatever_their_tokens(tmp_path, kind):
    texts = [f"Ein schöner <b>Film</b>, No. {i} &amp; gut!" if i % 2 else f"Öde, öde; {i} mal" for i in range(40)]
    path = tmp_path / "films.csv"
    path.write_text("text,label\n" + "".join(f'"{t}",{i % 2}\n' for i, t in enumerate(texts)), encoding="utf-8")
    reading = Reading(tokens=kind, pieces=40, strip_markup=True)
    data = load(str(path), reading=reading)
    words = parse_vocabulary(vocabulary_of(data, str(path), reading).to_bytes(), "x")
    assert words.reading == reading
    assert words.source == str(path)
    assert words.classes == data.classes
    encoder = Encoder(words, 30, 12)
    found = {tuple(row) for row in encoder.encode(texts).ids}
    trained = np.concatenate([encode(part, 30, 12) for part in (data.train, data.test)])
    assert {tuple(row) for row in trained} == found
