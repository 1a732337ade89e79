import pandas as pd

from analysis.frames.costs import costs

BOARD = pd.DataFrame(
    {
        "data": "d", "epochs": 5, "rank": pd.array([1, 2, 3, pd.NA], "Int64"), "network": list("abcd"),
        "key": list("abcd"), "n": 3, "test_accuracy": [0.9, 0.8, 0.7, 0.95], "low": 0.0, "high": 1.0,
        "seconds": [10.0, 5.0, 7.0, 1.0],
    }
)  # fmt: skip
TRIALS = pd.DataFrame({"key": list("abcd"), "params": pd.array([10, 10, 1, 1], "Int64")})


def test_on_the_front_is_a_ranked_network_that_no_other_one_beats():
    found = costs(BOARD, TRIALS).set_index("network")
    assert found["front_seconds"].to_dict() == {"a": True, "b": True, "c": False, "d": False}
    assert found["front_params"].to_dict() == {"a": True, "b": False, "c": True, "d": False}
