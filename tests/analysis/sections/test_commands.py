"""The commands that the report tells its reader to run."""

import pytest

from analysis.report import report
from analysis.sections.commands import FILE, train_again
from rnnsweep.data import load
from rnnsweep.space import SYSTEMS
from rnnsweep.spec import Spec
from tests.helpers.commands import fields_of
from tests.helpers.ledgers import EMBEDDED, IMDB, put

pytestmark = pytest.mark.usefixtures("unrendered")


def test_the_best_network_comes_with_the_command_that_trains_it_again(ledger):
    spec = Spec(cell="lstm", units=(64, 32), num_words=5000, learning_rate=3e-4, drop_remainder=True, seed=5, **IMDB)
    put(ledger, spec, val=0.9)
    put(ledger, Spec(**IMDB), val=0.5)
    assert (
        "python sweeps/one.py --cell lstm --units 64 32 --num-words 5000 --drop-remainder "
        "--learning-rate 0.0003 --seed 5 --data imdb\n"
    ) in report(ledger.load(), ledger.predictions)["report.md"].decode()


@pytest.mark.parametrize(
    "spec",
    [
        Spec(**IMDB),
        Spec(cell="simple_rnn", units=(7,), bidirectional=True, pooling="mean", dropout=0.25, reviews=300, **IMDB),
        SYSTEMS["gru-2x-10k-80"].replace(**EMBEDDED),
        SYSTEMS["lstm-1x-1k"].replace(**EMBEDDED),
    ],
)
def test_the_command_says_every_field_that_is_not_the_default(spec):
    data, fields = fields_of(train_again("Trained again by", spec, {})[-1].text)
    assert Spec(**fields, dataset=data, data_sha256=spec.data_sha256) == spec


def test_the_command_of_a_users_file_trains_the_same_spec_once_its_path_is_put_in(tmp_path, ledger):
    path = tmp_path / "my | reviews.csv"
    path.write_text("text,label\n" + "".join(f"{'good' if i % 2 else 'bad'} {i},{i % 2}\n" for i in range(20)))
    dataset = load(str(path))
    spec = Spec(dataset=dataset.name, data_sha256=dataset.sha256, units=(3, 2), seed=4)
    put(ledger, spec)
    written = report(ledger.load(), ledger.predictions)
    (command,) = {line for line in written["report.md"].decode().splitlines() if line.endswith(f"--data {FILE}")}
    assert f"<pre><code>{command}</code></pre>" in written["report.html"].decode()
    given, fields = fields_of(command.replace(FILE, f"'{path}'"))
    again = load(given)
    assert Spec(**fields, dataset=again.name, data_sha256=again.sha256) == spec
    for name in ("report.html", "report.md"):
        text = written[name].decode()
        assert "Trained again by this, with" in text
        assert f"my | reviews</code> (checksum {dataset.sha256[:8]})" in text or (
            f"my | reviews` (checksum {dataset.sha256[:8]})" in text
        )
        assert ".npz" not in text
