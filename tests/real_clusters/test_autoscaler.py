"""GPU machines come when trials wait, and go when none does: Ray's own autoscaler, with machines that are processes."""

import re
import shlex

import yaml

from tests.real_clusters.lab import ROOT, until

HEAD = "ray.head.default"  # the provider knows its head by this name
HEAD_ID = "f" * 51 + "00000"
SWEEP = "--preset demo --data embedded --cell gru --units 16 --num-words 200 1000 --max-len 40"
TRIALS, GPU_MACHINES = 4, 2


def configuration():
    """Return cluster.yaml's kinds of machines for a provider whose machines are processes on this one."""
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    kinds = config["available_node_types"]
    kinds[HEAD] = kinds.pop("head")
    for kind in kinds.values():
        kind["node_config"] = {}
    return config | {
        "head_node_type": HEAD,
        "max_workers": GPU_MACHINES,
        "idle_timeout_minutes": 0.1,
        "provider": {
            "type": "external",
            "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "head_node_id": HEAD_ID,
            "gcs_address": "127.0.0.1:6379",
            "launch_multiple": True,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "auth": {},
        "file_mounts": {},
        **{name: [] for name in config if name.endswith("_commands")},
    }


def test_gpu_machines_come_while_trials_wait_and_are_given_back_also_where_the_driver_was_killed(lab):
    head = lab.add("head", 10)
    (lab.shared / "cluster.yaml").write_text(yaml.safe_dump(configuration()))
    environment = {
        "PATH": "/mnt/disk/home/rnnsweep-project/.venv/bin:/usr/bin:/bin:/usr/sbin",
        "PYTHONPATH": str(ROOT),
        "RAY_AUTH_MODE": "disabled",  # tokens are tried in test_onprem.py
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",  # as `ray up` has it
        "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
        "RAY_NODE_TYPE_NAME": HEAD,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
    }
    enter = "export " + " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items()) + "; "
    start = "ray start --head --port=6379 --num-cpus=0 --num-gpus=0 --include-dashboard=false"
    head.run(enter + f"{start} --autoscaling-config=/mnt/shared/cluster.yaml", 120)

    def machines():
        """Return how many of each kind are active, by Ray's own word."""
        status = head.run(enter + "ray status", check=False)
        return {
            kind: int(count)
            for count, kind in re.findall(r"^ (\d+) ([\w.]+)$", status.split("Pending:")[0], re.MULTILINE)
        }

    until("the head", lambda: machines() == {HEAD: 1}, 60)
    sweep = enter + f"exec python {ROOT}/sweeps/grid.py {SWEEP} --address auto --gpus-per-trial 1"

    def trials_wait_for_gpu_machines():
        seen = until("GPU machines", lambda: machines() if machines().get("gpu_spot") == GPU_MACHINES else None, 120)
        assert seen == {HEAD: 1, "gpu_spot": GPU_MACHINES}, "spot before on demand, and no more than max_workers"

    with head.start(f"{sweep} --seeds 2 --epochs 2 --results /mnt/shared/results") as driver:
        trials_wait_for_gpu_machines()
        output = driver.communicate(timeout=300)[0]
    assert f"done     {TRIALS} of {TRIALS} trials finished" in output, output
    until("the GPU machines are gone", lambda: machines() == {HEAD: 1}, 120)

    with head.start(f"{sweep} --seeds 9 --epochs 900 --results /mnt/shared/endless"):
        trials_wait_for_gpu_machines()
        until("an epoch", lambda: list((lab.shared / "endless").glob("*/epochs.jsonl")), 120)
        head.run("pkill -KILL -f sweeps/grid.py", check=False)
    until("the GPU machines are gone, as their driver is", lambda: machines() == {HEAD: 1}, 120)
