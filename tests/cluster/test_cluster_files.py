"""The cluster files say what they should, as far as the schemas of Ray, AWS and KubeRay can tell without a cloud."""

import json
import logging
import re
from pathlib import Path

import botocore.session
import jsonschema
import pytest
import yaml
from botocore.validate import ParamValidator
from ray.autoscaler._private.util import prepare_config, validate_config

ROOT = Path(__file__).parents[2]
CLOUDS = ["cluster.yaml", "clusters/gcp.yaml"]
LAUNCHED = [*CLOUDS, "clusters/onprem.yaml"]  # by `ray up`
GUIDE = (ROOT / "docs" / "cluster.md").read_text()
HOURS_PER_MONTH = 730


def read(name):
    return yaml.safe_load((ROOT / name).read_text())


@pytest.fixture
def prepared(request, monkeypatch):
    """Return a file as `ray up` completes it."""
    monkeypatch.chdir(ROOT)  # file mounts are named as from here
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    config = prepare_config(read(request.param))
    validate_config(config)
    return config


each_launched = pytest.mark.parametrize("prepared", LAUNCHED, indirect=True)
each_cloud = pytest.mark.parametrize("prepared", CLOUDS, indirect=True)


@pytest.mark.parametrize("name", LAUNCHED)
def test_nothing_that_runs_on_a_machine_is_left_to_the_defaults_of_ray(name):
    config = read(name)
    lists = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")
    assert {f"{kind}_commands" for kind in lists} <= set(config)
    assert {"file_mounts", "rsync_exclude", "docker", "auth", "idle_timeout_minutes", "upscaling_speed"} <= set(config)


@each_launched
def test_what_is_synced_is_there_and_enough_to_install_the_project(prepared):
    mounts = {Path(there).name: Path(here) for there, here in prepared["file_mounts"].items()}
    token = mounts.pop("auth_token")
    assert str(token) == "~/.ray/auth_token"
    assert all("~/rnnsweep-project/" in there for there in prepared["file_mounts"] if "auth_token" not in there)
    assert all(path.exists() for path in mounts.values())
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"^packages = \[(.*)\]", project, re.MULTILINE).group(1)
    needed = {
        "Makefile",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "requirements.lock",
        "requirements-gpu.lock",
        "sweeps",
    }
    assert set(mounts) == needed | set(json.loads(f"[{packages}]"))


@each_launched
def test_every_machine_installs_the_locked_packages_with_their_hashes(prepared):
    head, worker = prepared["head_setup_commands"], prepared["worker_setup_commands"]
    assert any("make -C ~/rnnsweep-project .venv/installed" in line for line in head)
    assert any("make -C ~/rnnsweep-project .venv/installed" in line for line in worker)
    assert any("make -C ~/rnnsweep-project .venv/gpu" in line for line in worker)
    assert not any("pip install" in line for line in [*head, *worker]), "the Makefile alone says how"
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


@each_launched
def test_a_token_is_asked_for_everywhere_and_the_dashboard_is_closed(prepared):
    for commands in (prepared["head_setup_commands"], prepared["worker_setup_commands"]):
        assert any("RAY_AUTH_MODE=token" in line for line in commands)
        assert any("chmod 600 ~/.ray/auth_token" in line for line in commands)
    assert "--dashboard-host=127.0.0.1" in prepared["head_start_ray_commands"][-1]


@each_cloud
def test_gpu_machines_come_from_none_to_the_number_named_spot_first(prepared):
    types = dict(prepared["available_node_types"])
    head = types.pop(prepared["head_node_type"])
    assert head["resources"] == {"CPU": 0}, "no trial runs on the head"
    assert {(kind["min_workers"], kind["max_workers"]) for kind in types.values()} == {(0, prepared["max_workers"])}
    assert all(kind["resources"]["GPU"] == 1 for kind in types.values())
    assert types["gpu_spot"]["priority"] > types["gpu_on_demand"]["priority"]
    assert 1 <= prepared["idle_timeout_minutes"] <= 10
    assert prepared["provider"]["cache_stopped_nodes"] is False


@each_cloud
def test_spot_and_on_demand_machines_differ_in_nothing_else(prepared):
    spot, on_demand = (
        dict(prepared["available_node_types"][name]["node_config"]) for name in ("gpu_spot", "gpu_on_demand")
    )
    if prepared["provider"]["type"] == "aws":
        assert spot.pop("InstanceMarketOptions") == {"MarketType": "spot"}
    else:
        assert spot.pop("scheduling") == {"preemptible": True} | on_demand.pop("scheduling")
    assert spot == on_demand


def test_aws_would_take_each_machine_as_it_is_written():
    shape = botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
    for name, kind in read("cluster.yaml")["available_node_types"].items():
        request = kind["node_config"] | {"MinCount": 1, "MaxCount": 1}
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        assert not set(request) - set(shape.members), name


def test_the_roles_that_the_machines_have_are_those_that_the_stack_makes():
    resources = read("clusters/aws-access.yaml")["Resources"]
    made = {r["Properties"]["InstanceProfileName"] for r in resources.values() if r["Type"].endswith("InstanceProfile")}
    kinds = read("cluster.yaml")["available_node_types"].values()
    assert {kind["node_config"]["IamInstanceProfile"]["Name"] for kind in kinds} == made
    allowed = json.dumps(resources["HeadRole"])
    assert all(action in allowed for action in ("ec2:RunInstances", "iam:PassRole", "ssm:GetParameters"))
    text = (ROOT / "clusters" / "aws-access.yaml").read_text()
    assert not re.search(r": [&*]\w", text), "CloudFormation takes no YAML aliases"


@pytest.mark.parametrize("name", CLOUDS)
def test_the_costs_that_the_guide_and_the_file_name_are_those_of_its_prices(name):
    config = read(name)
    prices, per_gb = config["metadata"]["dollars_per_hour"], config["metadata"]["dollars_per_gb_month"]
    hourly = {}
    for kind, entry in config["available_node_types"].items():
        disk = re.search(r"(VolumeSize|diskSizeGb)\D+(\d+)", json.dumps(entry["node_config"])).group(2)
        hourly[kind] = prices[kind] + int(disk) * per_gb / HOURS_PER_MONTH
    head, spot, on_demand = (hourly[kind] for kind in ("head", "gpu_spot", "gpu_on_demand"))
    header = (ROOT / name).read_text()
    assert f"({head:.2f} an hour)" in header
    assert f"({spot:.2f} an hour each on spot, {on_demand:.2f} on demand)" in header
    many = config["max_workers"]
    cells = [head, head + spot, head + many * spot, head + many * on_demand, 24 * head]
    row = f"| `{name}` | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |"
    assert row in GUIDE, row


def test_what_a_hundred_trials_cost_is_computed_from_the_measured_seconds_and_the_prices():
    readme = (ROOT / "README.md").read_text()
    seconds = int(re.search(r"\| together \|.*\| ([\d,]+) \|$", readme, re.MULTILINE).group(1).replace(",", "")) / 8
    config = read("cluster.yaml")
    prices, per_gb = config["metadata"]["dollars_per_hour"], config["metadata"]["dollars_per_gb_month"]
    machine_hours = 100 * seconds / 3600
    hours = machine_hours / config["max_workers"]
    head, spot = prices["head"] + 40 * per_gb / HOURS_PER_MONTH, prices["gpu_spot"] + 100 * per_gb / HOURS_PER_MONTH
    text = " ".join(GUIDE.split())
    assert f"({seconds:.0f} s on average over the report's eight networks" in text
    assert f"{machine_hours:.1f} machine hours, so with four spot machines" in text
    assert f"{hours:.1f} hours and about {hours * head + machine_hours * spot:.1f} dollars" in text


def test_the_gpu_lock_adds_to_the_lock_and_repeats_nothing_of_it():
    def names(file):
        return set(re.findall(r"^([a-z0-9-]+)==", (ROOT / file).read_text(), re.MULTILINE))

    assert names("requirements-gpu.lock")
    assert all(name.startswith("nvidia-") for name in names("requirements-gpu.lock"))
    assert not names("requirements-gpu.lock") & names("requirements.lock")
    assert not re.search(r"https?://|^--", (ROOT / "requirements-gpu.lock").read_text(), re.MULTILINE)


# What KubeRay's definitions of 1.5 (ray.io/v1) and Kubernetes's of a pod say of the fields that this project uses;
# any other field is an error here, as `kubectl apply` with strict validation has it.
def record(required=(), **properties):
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEXT, WHOLE, FLAG = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}, {"type": "boolean"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
QUANTITY = {"type": "string", "pattern": "^[0-9]+(m|Mi|Gi)?$"}
QUANTITIES = {"type": "object", "additionalProperties": QUANTITY}


def list_of(item):
    return {"type": "array", "items": item, "minItems": 1}


CONTAINER = record(
    ["name", "image", "resources"],
    name=NAME,
    image=TEXT,
    envFrom=list_of(record(secretRef=record(["name"], name=NAME))),
    ports=list_of(record(["containerPort"], name={**NAME, "maxLength": 15}, containerPort=WHOLE)),
    resources=record(["requests", "limits"], requests=QUANTITIES, limits=QUANTITIES),
)
TOLERATION = record(
    key=TEXT,
    operator={"enum": ["Exists", "Equal"]},
    effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
)
POD = record(
    ["spec"],
    spec=record(
        ["containers"],
        restartPolicy={"enum": ["Always", "OnFailure", "Never"]},
        tolerations=list_of(TOLERATION),
        containers=list_of(CONTAINER),
    ),
)
METADATA = record(["name"], name=NAME, labels=TEXTS)
RAY_CLUSTER = record(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayCluster"},
    metadata=METADATA,
    spec=record(
        ["headGroupSpec"],
        rayVersion=TEXT,
        authOptions=record(mode={"enum": ["disabled", "token"]}, secretName=NAME),
        enableInTreeAutoscaling=FLAG,
        autoscalerOptions=record(
            version={"enum": ["v1", "v2"]},
            upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]},
            idleTimeoutSeconds=WHOLE,
        ),
        headGroupSpec=record(
            ["template"],
            serviceType={"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
            rayStartParams=TEXTS,
            template=POD,
        ),
        workerGroupSpecs=list_of(
            record(
                ["groupName", "template", "minReplicas", "maxReplicas"],
                groupName=NAME,
                replicas=WHOLE,
                minReplicas=WHOLE,
                maxReplicas=WHOLE,
                rayStartParams=TEXTS,
                template=POD,
            )
        ),
    ),
)
RAY_JOB = record(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=METADATA,
    spec=record(
        entrypoint=TEXT,
        clusterSelector=TEXTS,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
    ),
)


@pytest.fixture
def kuberay():
    documents = list(yaml.safe_load_all((ROOT / "clusters" / "kuberay.yaml").read_text()))
    return {document["kind"]: document for document in documents}


def test_kuberay_would_take_the_cluster_and_the_job(kuberay):
    jsonschema.validate(kuberay["RayCluster"], RAY_CLUSTER)
    jsonschema.validate(kuberay["RayJob"], RAY_JOB)
    assert set(kuberay) == {"RayCluster", "RayJob"}


def test_on_kubernetes_gpu_pods_come_from_none_and_the_job_finds_its_cluster(kuberay):
    spec, job = kuberay["RayCluster"]["spec"], kuberay["RayJob"]["spec"]
    (gpu,) = spec["workerGroupSpecs"]
    assert (gpu["replicas"], gpu["minReplicas"]) == (0, 0) < (gpu["maxReplicas"],)
    (container,) = gpu["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["authOptions"]["mode"] == "token"
    assert job["clusterSelector"] == {"ray.io/cluster": kuberay["RayCluster"]["metadata"]["name"]}


def test_every_file_runs_the_locked_ray(kuberay):
    locked = re.search(r"^ray==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE).group(1)
    assert kuberay["RayCluster"]["spec"]["rayVersion"] == locked


SCRIPTED = [*LAUNCHED, "clusters/kuberay.yaml", "docs/cluster.md"]


@pytest.mark.parametrize("name", SCRIPTED)
def test_every_sweep_that_a_cluster_file_names_is_one_that_the_command_line_takes(name):
    from rnnsweep.cli.grid import grid

    text = (ROOT / name).read_text().replace("\\\n", " ")
    found = re.findall(r"sweeps/grid\.py((?: +(?!#)[^\s`'\"]+)+)", text)
    assert found
    for words in found:
        flags = re.sub(r"\[|\]|\.\.\.", "", words).split()
        with pytest.raises(SystemExit) as end:
            grid("A grid.", [*flags, "--help"])
        assert end.value.code == 0, flags
