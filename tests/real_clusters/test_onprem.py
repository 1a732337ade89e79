"""clusters/onprem.yaml on machines that are real to Ray: SSH, rsync, a token, a worker lost, another one found."""

import os
import re
import shlex
import subprocess
import sys

import yaml

from rnnsweep.ledger import Ledger
from tests.helpers.sweeps import numbers
from tests.real_clusters.lab import ROOT, until

CONFIG = "/mnt/shared/onprem.yaml"
SWEEP = "--preset demo --data embedded --cell gru --units 16 --num-words 200 1000 --max-len 120 --seeds 2 --epochs"
TRIALS = 4


def configuration(lab, workers):
    """Return the user's file for these addresses, with a GPU declared on every worker; nothing else is changed."""
    config = yaml.safe_load((ROOT / "clusters" / "onprem.yaml").read_text())
    config["provider"]["worker_ips"] = [f"{lab.network}.{last}" for last in workers]
    config["max_workers"] = len(workers)
    head, worker = config["head_start_ray_commands"], config["worker_start_ray_commands"]
    head[-1] += " --num-cpus=1 --num-gpus=0"
    worker[-1] += " --num-cpus=1 --num-gpus=1"
    return config


def plain(output):
    """Return what a terminal shows in the end: no colours, and none of the lines that were drawn over."""
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).replace("\r", "\n").splitlines()
    return "\n".join(line for line in lines if not re.search(r"trials, \d+ running|  (starting|epoch \d+/\d+) ", line))


def training(machine):
    """Return whether a trial is on the machine."""
    return machine.processes("ray::ImplicitFunc")


def test_a_sweep_survives_the_loss_of_a_machine_and_uses_a_new_one_with_the_same_results(lab):
    laptop, head = lab.add("laptop", 2), lab.add("head", 10)
    first, second = lab.add("first", 11), lab.add("second", 12)
    # A third worker is listed, and still switched off.
    (lab.shared / "onprem.yaml").write_text(yaml.safe_dump(configuration(lab, [11, 12, 13])))
    user = lab.in_project + "export RAY_UP_enable_autoscaler_v2=0; "

    laptop.run(user + "(umask 077; ray get-auth-token --generate > /dev/null)")
    laptop.run(user + f"ray up --yes --no-config-cache {CONFIG}", 300)
    status = user + f"ray exec {CONFIG} 'ray status' 2>&1"
    until("both GPUs", lambda: "0.0/2.0 GPU" in laptop.run(status, check=False), 180)
    assert not laptop.processes("ray::"), "nothing of Ray runs on the user's machine"
    assert head.run("stat -c %a ~/.ray/auth_token ~/.ray").split() == ["600", "700"]
    assert "127.0.0.1:8265" in head.run("ss -tln")
    assert "InvalidAuthToken" in head.run("RAY_AUTH_TOKEN=wrong ray status", check=False)

    sweep = f"sweeps/grid.py {SWEEP} 24 --address auto --gpus-per-trial 1 --results /mnt/shared/results"
    with laptop.start(user + f"ray submit {CONFIG} {sweep}") as driver:
        results = lab.shared / "results"
        until("a trial on each worker", lambda: training(first) and training(second), 120)
        until("an epoch of each trial", lambda: len(list(results.glob("*/epochs.jsonl"))) >= 2, 120)
        assert not training(head)
        assert not list(results.glob("*/result.json")), "the trials are too short to lose a machine in one"
        first.run("pkill -STOP -f ray::[I]mplicitFunc")  # else it trains all that is left before the new one is ready
        second.cut_power()
        third = lab.add("third", 13)
        until("a trial on the new worker", lambda: training(third), 240)
        first.run("pkill -CONT -f ray::[I]mplicitFunc")
        output = plain(driver.communicate(timeout=600)[0])
    print(output)
    assert driver.returncode == 0
    assert f"done     {TRIALS} of {TRIALS} trials finished" in output
    assert output.count("failed; goes on from its last checkpoint") == 1

    calm = lab.folder / "calm"
    command = [sys.executable, "sweeps/grid.py", *shlex.split(SWEEP), "24", "--in-process", "--results", str(calm)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert numbers(Ledger(results)) == numbers(Ledger(calm))

    # A job goes on while the machine that it was submitted from is away.
    later = lab.shared / "later"
    with laptop.start(user + f"exec ray dashboard {CONFIG}"):
        until("the dashboard", lambda: ":8265" in laptop.run("ss -tln"), 60)
        job = f"python grid.py {SWEEP} 2 --address auto --gpus-per-trial 1 --results /mnt/shared/later"
        submit = "ray job submit --address http://127.0.0.1:8265 --working-dir sweeps --no-wait"
        laptop.run(user + f"{submit} -- {job}")
        assert not list(later.glob("*/result.json"))
        laptop.run("ip link set eth0 down; pkill -f 'ray dashboard'")
    until("the job's results", lambda: len(list(later.glob("*/result.json"))) == TRIALS, 240)
    laptop.run("ip link set eth0 up")

    laptop.run(user + f"ray down --yes {CONFIG}")
    for machine in (first, third):  # `ray down` forgets them
        laptop.run(f"ssh -o StrictHostKeyChecking=no ubuntu@{machine.address} 'bash -lic \"ray stop\"'")
    for machine in (head, first, third):
        until(f"no Ray on {machine.name}", lambda machine=machine: not machine.processes("ray"), 30)
