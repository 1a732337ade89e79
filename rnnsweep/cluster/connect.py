"""Reaching a Ray cluster, or starting a private one: nothing imports Ray before the token is chosen here."""

from __future__ import annotations

import functools
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from rnnsweep.files import home_folder
from rnnsweep.machine.gpu import installed
from rnnsweep.machine.process import end_marked, marking, this_process
from rnnsweep.machine.quiet import quiet
from rnnsweep.sweep import Machines, SweepError, cores_here, slots_here

if TYPE_CHECKING:
    from rnnsweep.data import Dataset

ANSWER_SECONDS = 3  # that a cluster's address has to take a connection in
WORD_SECONDS = 6  # that its control service has to say a word in
SILENT = ("DEADLINE_EXCEEDED", "UNAVAILABLE")  # what is said of one that said none
START_ONE = "start one with `ray start --head`, or leave --address out"
CONNECT_SECONDS = 10  # that the cluster behind it has to let a driver in
STARTS, SLOW = 2, "timed out during startup"  # tries to start a Ray, where it says this of the one before
LONGEST_FOLDER = 40  # bytes of a temporary folder, below which Ray's sockets have names of some 65
ROOM = 20 * 2**20  # bytes that Ray writes beside a sweep of some hours
SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm", "/run/shm")
PRELOAD, NEEDED = "RAY_preload_python_modules", "rnnsweep.training.train,rnnsweep.cluster.ray_tune"
WORKER_SECONDS = 5.0  # that workers have to be there, which takes them one or two
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# Ray reads these when it is imported. Tune need not save its own folder: the ledger is the state.
ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # else a worker that is killed puts twenty lines between those of the sweep
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}
QUIET = {"log_to_driver": False, "logging_level": 50}  # 50: critical; what matters is raised, or in the ledger
# Ray itself tries for a minute or more, prints as it goes, and can end the process: a child takes that risk.
_KNOCK = f"""
import logging, os, sys
import ray
logging.getLogger("ray").setLevel(logging.CRITICAL)
try:
    ray.init(address=sys.argv[1], **{QUIET!r})
except Exception as error:
    while error is not None:
        print(str(error).replace("\\n", " "))
        error = error.__cause__
    sys.stdout.flush()
    os._exit(1)
"""


def check_address(machines: Machines) -> None:
    """Raise `SweepError` within seconds where a cluster is named and nothing there answers as one.

    `connected` asks more thoroughly; this comes before anything is written.
    """
    address = machines.address
    if machines.in_process or address is None or address == "auto":
        return
    _reach(address)
    if _said(address, WORD_SECONDS) in SILENT:
        raise SweepError(
            f"no Ray cluster at --address {address}: something is there, but it does not answer as Ray does within "
            f"{WORD_SECONDS} s; give the head's HOST:PORT, by default port 6379"
        )


@contextmanager
def connected(machines: Machines, dataset: Dataset, trials: int = 0) -> Iterator[None]:
    """Start Ray here, or join the cluster at the address, and leave it at the end.

    A Ray that is started for at least so many trials as it has workers has these import what a trial needs at once.
    Raises `SweepError` with the reason where that fails.
    """
    with _own_handlers():
        preloading = _connect(machines, dataset, trials)
    import ray

    try:
        if preloading:
            _wait_for_workers()
        yield
    finally:
        with _uninterrupted():
            ray.shutdown()


@contextmanager
def _own_handlers() -> Iterator[None]:
    """Put the handlers of signals back afterwards: Ray takes SIGTERM for itself, and ends the process with a dump."""
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        _set_handlers(kept)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hear no signal within: a second one would only leave behind what is being ended."""
    kept = {number: signal.getsignal(number) for number in SIGNALS}
    _set_handlers(dict.fromkeys(kept, signal.SIG_IGN))
    try:
        yield
    finally:
        _set_handlers(kept)


def _set_handlers(handlers: Mapping[signal.Signals, Any]) -> None:
    if threading.current_thread() is threading.main_thread():  # only there Python allows it
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not set by Python


def prepare(machines: Machines) -> None:
    """Set what Ray reads of the environment when it is imported, the token's choice included."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if os.name == "posix":
        os.environ.setdefault("HOME", str(home_folder()))  # Ray asks for it, and a user without a name has none
    if machines.address is not None:
        _use_token(machines.address)
    else:
        _make_token()


def _connect(machines: Machines, dataset: Dataset, trials: int) -> bool:
    """Start Ray or join a cluster; returns whether workers are starting that import what trials need."""
    import logging

    prepare(machines)
    address = machines.address
    if address is not None:
        _knock(address)
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)  # Tune's
    if address is not None:
        try:
            with quiet():
                ray.init(address=address, **QUIET)
        except Exception as error:  # it let the child in, so what it says now is news
            raise SweepError(_refusal(address, str(error), "try again")) from None
        return False
    # The reviews are all that lies in the object store; the default, a third of the memory, warns in containers.
    tokens = dataset.train.tokens.nbytes + dataset.test.tokens.nbytes
    with _preloading(machines, trials) as preloading:
        _start(512 * 2**20 + 2 * tokens)
    return preloading


@contextmanager
def _preloading(machines: Machines, trials: int) -> Iterator[bool]:
    """Have each worker of a Ray that is started within import what trials need as soon as it is there; says whether.

    Not where some of them would have nothing to train, nor where Keras's backend must first be told of a GPU.
    """
    idle = slots_here(machines) != cores_here() or trials < cores_here()
    if idle or (machines.gpus_per_trial and installed()):
        yield False
        return
    with _in_environment(PRELOAD, NEEDED):  # which the process that starts workers reads
        yield True


def _wait_for_workers() -> None:
    """Wait until the workers that Ray starts unasked are there: who asks before is given others."""
    from ray._private.state import workers

    import rnnsweep.cluster.ray_tune  # noqa: F401  (Tune, which takes a second anyway)

    end = time.monotonic() + WORKER_SECONDS
    while len(workers()) < cores_here() and time.monotonic() < end:
        time.sleep(0.05)


def started_workers() -> AbstractContextManager[None]:
    """Have Tune take the workers that a private Ray has already started.

    Tune asks for workers with environment variables of their own, which those of this machine have from this process
    already; so Ray would start others.
    """
    from ray.tune.execution import class_cache

    return _replaced(class_cache, DEFAULT_ENV_VARS={}, ENV_VARS_TO_PROPAGATE=set())


def _start(store: int) -> None:
    """Start a Ray of this driver's own with so many bytes for objects; raises `SweepError` where that fails.

    A busy machine may not have it ready in the half minute that Ray itself takes for it, and is given another one.
    """
    import ray

    private = {"num_cpus": cores_here(), "include_dashboard": False, "object_store_memory": store}
    for left in reversed(range(STARTS)):
        try:
            # By the mark, the next driver ends what this one leaves if it is killed.
            with quiet(), _loopback(), _bare(), marking():
                ray.init("local", _temp_dir=_short_folder(), runtime_env=_runtime_environment(), **private, **QUIET)
            return
        except Exception as error:  # whatever keeps a process of Ray from starting
            with quiet():
                ray.shutdown()
                end_marked(this_process().mark)
            first = (str(error).strip() or repr(error)).splitlines()[0]
            if not left or SLOW not in first:
                cause = "to what else keeps this machine busy" if SLOW in first else "to this user's rights"
                raise SweepError(
                    f"Ray does not start here: {first}; see to the room in {_ray_folder()} and {cause}, or give "
                    "--in-process"
                ) from None


@contextmanager
def _loopback() -> Iterator[None]:
    """Have what a private Ray starts listen on 127.0.0.1 alone, as on macOS and Windows; else it does on every address.

    It reads the variable when it is imported, and its processes when they start.
    """
    from ray._private import ray_constants

    name = ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR
    with _replaced(ray_constants, ENABLE_RAY_CLUSTER=False), _in_environment(name, "0"):
        yield


@contextmanager
def _bare() -> Iterator[None]:
    """Have a private Ray start no parts that only look at it, for which Ray waits before it starts what trains.

    Those are the server of its dashboard and the monitors of its autoscaler and its logs. An agent of it listens on any
    port: where another Ray has the usual one, it would try for 3.5 s to have that.
    """
    from ray._private import parameter, services

    fewer = functools.partial(
        parameter.RayParams, dashboard_agent_listen_port=0, no_monitor=True, include_log_monitor=False
    )
    no_address, no_process = None, None
    server = {"start_api_server": lambda *settings, **more: (no_address, no_process)}
    with _replaced(parameter, RayParams=fewer), _replaced(services, **server):
        yield


@contextmanager
def _replaced(module: ModuleType, **values: object) -> Iterator[None]:
    """Have what a module calls by these names be something else."""
    kept = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(kept)


@contextmanager
def _in_environment(name: str, value: str) -> Iterator[None]:
    """Have processes that are started find a variable in their environment; what the user has set it to comes back."""
    said = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name)
        os.environ.update({} if said is None else {name: said})


def _make_token() -> None:
    """Have a private Ray let in only who knows a token of its own, which no file holds: there may be no home for it."""
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _ray_folder() -> str:
    return os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"


def _short_folder() -> str | None:
    """Return a folder for Ray's sockets and logs, or None where Ray's own choice will do, or nothing does better.

    The system cuts a socket's path at 107 bytes, and schedulers give a job a temporary folder with a long name.
    """
    if _suits(_ray_folder()):
        return None
    found = next((folder for folder in SHORT_FOLDERS if _suits(folder)), None)
    return None if found is None else f"{found}/ray"


def _suits(folder: str) -> bool:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return False
    return len(os.fsencode(folder)) <= LONGEST_FOLDER and os.access(folder, os.W_OK | os.X_OK) and free > ROOM


def _runtime_environment() -> dict[str, str] | None:
    """Return how workers are to be started, where Ray's own way fails: it gives a shell the path of Python unquoted."""
    quoted = shlex.quote(sys.executable)
    return None if quoted == sys.executable else {"py_executable": quoted}


def _use_token(address: str) -> None:
    """Have Ray show a token, or none, as the cluster wants it; a choice that the user made stays.

    Ray itself decides by whether this machine has a token, which any sweep on it leaves behind. But a driver that shows
    one asks for one, too, and then the workers of a cluster without tokens take it for dead. Ray reads the choice when
    it is imported, so nothing may import it before.
    """
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token" if _wants_token(address) else "disabled"


def _wants_token(address: str) -> bool:
    if address == "auto":  # where Ray looks for it
        here = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")
        address = os.environ.get("RAY_ADDRESS") or (here.read_text().strip() if here.exists() else "")
    return _said(address, ANSWER_SECONDS) == "UNAUTHENTICATED"


def _said(address: str, seconds: float) -> str:
    """Return the name of the status with which a cluster's control service answers whether it is alive."""
    import grpc

    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:  # as Ray itself, past a proxy
        try:
            channel.unary_unary("/ray.rpc.NodeInfoGcsService/CheckAlive")(b"", timeout=seconds)
        except grpc.RpcError as error:
            return str(error.code().name)
    return "OK"


def _reach(address: str) -> None:
    """Raise `SweepError` where the address is none, or nothing takes a connection there."""
    host, _, port = address.rpartition(":")
    try:
        if "://" in address or not host:
            raise ValueError("that is not HOST:PORT; name the head and its port, 6379, from a machine of the cluster")
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise SweepError(f"no Ray cluster at --address {address}: {error}; {START_ONE}") from None


def _knock(address: str) -> None:
    """Raise `SweepError` where the address is not of a cluster that lets this driver in."""
    if address != "auto":
        _reach(address)
    try:
        environment = os.environ | {"RAY_NUM_REDIS_GET_RETRIES": "2"}  # at the door, not in the run
        child = subprocess.run(
            [sys.executable, "-c", _KNOCK, address], env=environment, capture_output=True, text=True,
            timeout=CONNECT_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SweepError(
            f"no Ray cluster at --address {address}: something is there, but it does not answer as Ray does within "
            f"{CONNECT_SECONDS} s; give the head's HOST:PORT, by default port 6379"
        ) from None
    if child.returncode:
        raise SweepError(_refusal(address, child.stdout, START_ONE))


def _refusal(address: str, said: str, remedy: str) -> str:
    """Return why a cluster let nobody in, in one line with the remedy, from the messages of Ray's errors."""
    if "AuthToken" in said or "authentication token" in said.lower():
        return (
            f"the Ray cluster at --address {address} refuses this machine's token; copy the cluster's to "
            "~/.ray/auth_token, or name its file in RAY_AUTH_TOKEN_PATH"
        )
    if "Version mismatch" in said:
        theirs, _, ours = said.splitlines()[0].partition("This process")
        words = [" and ".join(part.split(":", 1)[1].split("    ")[1:]) for part in (theirs, ours)]
        cluster, here = (" ".join(word.split()) for word in words)
        return (
            f"the Ray cluster at --address {address} runs {cluster}, this driver {here}; "
            "install the same versions on both, or start the driver on the head"
        )
    first = (said.strip() or "it ended without a word").splitlines()[0]
    return f"no Ray cluster at --address {address}: {first}; {remedy}"
