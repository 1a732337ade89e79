"""`ray up cluster.yaml` against a stand-in for AWS: what is launched, who may reach it, and that it goes again.

The stand-in (moto) hands out the private addresses 172.31.0.4, .5, ... one by one: the lab's machines wait there.
"""

import subprocess

import pytest
import yaml

from tests.real_clusters.lab import ROOT, until

CONFIG = "/mnt/shared/cluster.yaml"
BUCKET = "rnnsweep-results"
SWEEP = "--preset demo --data embedded --cell gru --units 16 --num-words 200 1000 --max-len 120 --seeds 2 --epochs 8"
TRIALS = 4
PORT = 5000
SHOWN = ("InstanceType", "InstanceLifecycle", "ImageId", "IamInstanceProfile", "PrivateIpAddress", "SecurityGroups")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def aws(lab):
    """Return the user's machine, on which AWS's stand-in runs, and a function that asks it in Python."""
    lab.network = "172.31.0"
    lab.environment |= CREDENTIALS | {"AWS_ENDPOINT_URL": f"http://{lab.network}.250:{PORT}"}
    laptop = lab.add("laptop", 250)
    server = "env MOTO_EC2_LOAD_DEFAULT_AMIS=true MOTO_IAM_LOAD_MANAGED_POLICIES=true python -m moto.server"
    process = lab.enter_context(
        laptop.start(lab.in_project + f"exec {server} -H {laptop.address} -p {PORT} > ~/moto.log 2>&1")
    )
    lab.callback(process.kill)
    until("the stand-in", lambda: laptop.processes("moto.server") and "Running on" in laptop.run("cat ~/moto.log"), 60)

    def ask(expression):
        code = f"import boto3, json; client = boto3.client; print(json.dumps({expression}, default=str))"
        return yaml.safe_load(laptop.run(lab.in_project + f"python - <<'END'\n{code}\nEND"))

    for name in ("rnnsweep-head", "rnnsweep-worker"):  # clusters/aws-access.yaml
        ask(f"client('iam').create_instance_profile(InstanceProfileName='{name}')")
    region = "CreateBucketConfiguration={'LocationConstraint': 'us-west-2'}"
    ask(f"client('s3').create_bucket(Bucket='{BUCKET}', {region})")
    return laptop, ask


def launched(ask):
    """Return all instances there ever were, by Ray's name of their kind."""
    found = {}
    for group in ask("client('ec2').describe_instances()['Reservations']"):
        for instance in group["Instances"]:
            tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
            found.setdefault(tags["ray-user-node-type"], []).append(instance)
    return found


def running(ask):
    """Return how many instances of each kind are not terminated."""
    kinds = {
        kind: sum(instance["State"]["Name"] == "running" for instance in instances)
        for kind, instances in launched(ask).items()
    }
    return {kind: count for kind, count in kinds.items() if count}


def admit(laptop, machines):
    """Let in on the machines the key that Ray had AWS make, as AWS does with a new instance."""
    (key,) = until("the key", lambda: list((laptop.home / ".ssh").glob("ray-autoscaler*.pem")), 60)
    public = subprocess.run(["ssh-keygen", "-y", "-f", key], check=True, capture_output=True, text=True).stdout
    for machine in machines:
        with (machine.home / ".ssh" / "authorized_keys").open("a") as file:
            file.write(public)


def test_aws_is_asked_for_spot_gpu_machines_while_trials_wait_and_the_results_are_in_the_bucket(lab, aws):
    laptop, ask = aws
    machines = [lab.add(name, last) for name, last in (("head", 4), ("first", 5), ("second", 6))]
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    config["provider"]["use_internal_ips"] = True  # the lab has no others
    config["max_workers"] = 2  # the machines there are
    config["idle_timeout_minutes"] = 0.2
    (lab.shared / "cluster.yaml").write_text(yaml.safe_dump(config))
    laptop.run(lab.in_project + "(umask 077; ray get-auth-token --generate > /dev/null)")

    with laptop.start(lab.in_project + f"ray up --yes --no-config-cache {CONFIG}") as up:
        admit(laptop, machines)
        output = up.communicate(timeout=240)[0]
    assert up.returncode == 0, output
    assert running(ask) == {"head": 1}, "no GPU machine before a trial waits"

    sweep = (
        f"sweeps/grid.py {SWEEP} --address auto --gpus-per-trial 1 --max-concurrent 2 --results s3://{BUCKET}/results"
    )
    output = laptop.run(lab.in_project + f"ray submit {CONFIG} {sweep}", 400)
    assert f"{TRIALS} of {TRIALS} trials finished" in output, output
    stored = ask(f"[item['Key'] for item in client('s3').list_objects_v2(Bucket='{BUCKET}')['Contents']]")
    assert sum(name.endswith("/result.json") for name in stored) == TRIALS

    kinds = launched(ask)
    assert set(kinds) == {"head", "gpu_spot"}, "on demand only where there is no spot machine"
    assert len(kinds["head"]) == 1
    assert 1 <= len(kinds["gpu_spot"]) <= 2  # both are asked for at once, but the stand-in gives one per request
    for kind, instances in kinds.items():
        wanted = config["available_node_types"][kind]["node_config"]
        for instance in instances:
            assert instance["InstanceType"] == wanted["InstanceType"]
            assert instance["ImageId"] == wanted["ImageId"]
            assert instance.get("InstanceLifecycle") == ("spot" if kind == "gpu_spot" else None)
            assert instance["IamInstanceProfile"]["Arn"].endswith("/" + wanted["IamInstanceProfile"]["Name"])
            print(kind, *(instance.get(name) for name in SHOWN))  # shown by pytest -rP
    sizes = sorted(volume["Size"] for volume in ask("client('ec2').describe_volumes()['Volumes']"))
    assert sizes == [40] + [100] * len(kinds["gpu_spot"])
    (group,) = {group["GroupId"] for instance in kinds["gpu_spot"] for group in instance["SecurityGroups"]}
    (rules,) = ask(
        f"[g['IpPermissions'] for g in client('ec2').describe_security_groups(GroupIds=['{group}'])['SecurityGroups']]"
    )
    from_outside = [rule for rule in rules if rule["IpRanges"]]
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in from_outside] == [("tcp", 22, 22)]
    within = [pair["GroupId"] for rule in rules for pair in rule["UserIdGroupPairs"]]
    assert within == [group]

    until("the GPU machines are given back", lambda: running(ask) == {"head": 1}, 180)
    laptop.run(lab.in_project + f"ray down --yes {CONFIG}", 120)
    assert running(ask) == {}
