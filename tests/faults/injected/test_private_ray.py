"""Who can reach a private Ray: this machine alone, and only with the token that no file holds."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
import json
import numpy as np
import psutil
from rnnsweep.cluster import connect
from rnnsweep.data import Dataset, Reviews
from rnnsweep.sweep import Machines

none = Reviews(np.zeros(1, np.int32), np.array([0, 1]), np.zeros(1, np.uint8))
with connect.connected(Machines(), Dataset("none", "0" * 64, False, ("a", "b"), none, none)):
    import ray

    done = ray.get(ray.remote(lambda: 1).remote())
    here = psutil.Process()
    found = [each for one in (here, *here.children(recursive=True)) for each in one.net_connections("tcp")]
    listening = sorted({each.laddr.ip for each in found if each.status == "LISTEN"})
    address = ray.get_runtime_context().gcs_address
    print(json.dumps({"done": done, "listening": listening, "said": connect._said(address, 30)}))
"""


def test_a_private_ray_listens_on_this_machine_alone_and_refuses_who_has_no_token():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    del environment["RAY_AUTH_MODE"]  # which the suite sets
    end = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    said = json.loads(end.stdout.splitlines()[-1])
    assert said["done"] == 1
    assert said["listening"]
    assert {each.removeprefix("::ffff:") for each in said["listening"]} <= {"127.0.0.1", "::1"}
    assert said["said"] == "UNAUTHENTICATED"
