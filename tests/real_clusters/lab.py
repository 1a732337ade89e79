"""Machines made of Linux namespaces, on a network that nothing else is on: a real `ray up` has somewhere to go."""

import contextlib
import os
import shlex
import shutil
import signal
import site
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("machine.sh")
TOOLS = ("unshare", "nsenter", "ip", "rsync", "ssh", "ssh-keygen", "/usr/sbin/sshd")
KERNELS = ("OPENBLAS_", "MKL_", "NPY_", "NUMBA_", "TF_")  # how variables begin that change how numbers are computed
NAMESPACES = ("unshare", "-m", "-p", "-n", "--uts", "--fork", "--kill-child", "--mount-proc")


def why_not():
    """Return why there can be no lab here, or None."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"not installed here: {', '.join(missing)} (Debian: apt-get install openssh-server rsync iproute2)"
    tried = "ip link add name br0 type bridge && mount -t tmpfs none /mnt"  # the most that is asked for
    end = subprocess.run([*NAMESPACES, "sh", "-c", tried], capture_output=True, text=True)
    return None if end.returncode == 0 else f"namespaces are not allowed here: {end.stderr.strip()}"


def until(what, condition, seconds):
    """Return the first true value of the condition, asked again and again; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def first_child(process):
    """Return the number, outside, of the process that `unshare --fork` started: only that one is in the namespaces."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(until("the first process", lambda: children.read_text().split(), 5)[0])


class Machine:
    """One machine: its processes, its files, and commands run on it."""

    def __init__(self, lab, name, address):
        self.name, self.address = name, address
        self.disk = lab.folder / name
        self._start(lab)

    def _start(self, lab):
        self.home = self.disk / "home"
        (self.home / ".ssh").mkdir(parents=True)
        # The network is cut off, so what `make` would install is there already: an environment that it takes for done.
        (self.home / "rnnsweep-project").mkdir()
        (self.home / "rnnsweep-project" / ".venv").symlink_to(lab.venv)
        shutil.copy(lab.folder / "key", self.home / ".ssh" / "id_ed25519")
        shutil.copy(lab.folder / "key.pub", self.home / ".ssh" / "authorized_keys")
        exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in lab.environment.items())
        (self.home / ".bashrc").write_text(f"export {exports}\n")
        (self.home / ".profile").write_text(". ~/.bashrc\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.disk / "host_key"], check=True)
        with (self.disk / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*NAMESPACES, SCRIPT, self.name, self.address, self.disk, lab.shared, *lab.keep],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        lab.cable(self.pid)
        assert self.process.stdout.readline() == "up\n", (self.disk / "log").read_text()

    @property
    def pid(self):
        """The number of the machine's first process, outside."""
        return first_child(self.process)

    def command(self, command):
        """Return the words that run a shell command on the machine, in its user's environment."""
        script = f"cd; . ~/.bashrc; {command}"
        clean = ["env", "-i", "HOME=/mnt/disk/home", "USER=ubuntu", f"PATH={os.defpath}:/usr/sbin:/sbin", "TERM=dumb"]
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "-u", *clean, "bash", "-c", script]

    def run(self, command, seconds=120, check=True):
        """Run a shell command on the machine and return its output, both streams in one."""
        end = subprocess.run(
            self.command(command), timeout=seconds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert end.returncode == 0 or not check, f"{self.name}: {command}\n{end.stdout}"
        return end.stdout

    @contextlib.contextmanager
    def start(self, command):
        """Start a shell command on the machine, its output a pipe; what fails meanwhile does not wait for its end."""
        with subprocess.Popen(
            self.command(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                yield process
            except BaseException:
                process.kill()
                print(process.communicate()[0])
                raise

    def processes(self, pattern="ray"):
        """Return the command lines on the machine that match, those of the question left out."""
        lines = self.run("ps -eo pid=,args=", check=False).splitlines()
        return [line.strip() for line in lines if pattern in line and "ps -eo" not in line]

    def cut_power(self):
        """Kill every process of the machine at once."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(10)

    def close(self):
        """Switch the machine off, if it is on; its autoscaler's last words are for who reads of a failed test."""
        if self.process.poll() is None:
            print(self.run("tail -n 60 /tmp/ray/session_latest/logs/monitor.log 2>/dev/null", check=False))
            self.cut_power()
        self.process.stdin.close()
        self.process.stdout.close()


class Lab(contextlib.ExitStack):
    """A switch, and the machines that hang on it; closing it leaves nothing behind."""

    def __init__(self, folder, network="192.168.1"):
        super().__init__()
        self.folder, self.network, self.machines = folder, network, {}
        # Of every user on every machine. What steers the kernels here does so there: others give other last bits.
        self.environment = {name: value for name, value in os.environ.items() if name.startswith(KERNELS)}
        self.environment |= {"RAY_USAGE_STATS_ENABLED": "0"}
        self.shared = folder / "shared"
        self.shared.mkdir()
        (self.shared / "hosts").write_text("127.0.0.1 localhost\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
        self.venv = self._environment()
        # Before a command of docs/cluster.md: the user's own machine, in the project's folder, environment activated.
        self.in_project = (
            f"cd {ROOT}; export PATH={self.venv}/bin:$PATH PYTHONDONTWRITEBYTECODE=1 RAY_AUTH_MODE=token; "
        )
        paths = [ROOT, folder, Path(sys.prefix), Path(sys.base_prefix), *map(Path, site.getsitepackages())]
        self.keep = sorted({path.resolve() for path in paths if path.resolve().is_relative_to("/tmp")})
        self.keep = [path for path in self.keep if not any(other in path.parents for other in self.keep)]
        self.switch = subprocess.Popen(["unshare", "-n", "--kill-child", "--fork", "cat"], stdin=subprocess.PIPE)
        self.callback(self._stop_switch)
        self._in_switch("ip link set lo up && ip link add name br0 type bridge && ip link set br0 up")

    def _environment(self):
        """Make an environment of this interpreter's packages that finds the project in the user's home."""
        venv = self.folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (packages,) = venv.glob("lib/python*/site-packages")
        lines = ["/mnt/disk/home/rnnsweep-project", *(path for path in sys.path if path.endswith("site-packages"))]
        (packages / "lab.pth").write_text("\n".join(lines) + "\n")
        ray = venv / "bin" / "ray"
        ray.write_text(f"#!{venv}/bin/python\nimport sys\nfrom ray.scripts.scripts import main\nsys.exit(main())\n")
        ray.chmod(0o755)
        for name in ("installed", "gpu"):
            (venv / name).touch()
        return venv

    def _in_switch(self, command):
        subprocess.run(["nsenter", "-t", str(first_child(self.switch)), "-n", "sh", "-c", command], check=True)

    def _stop_switch(self):
        self.switch.stdin.close()
        self.switch.wait(10)

    def cable(self, pid):
        """Join the switch and the network of a process, where the end of the cable is called eth0."""
        self._in_switch(f"ip link add p{pid} type veth peer name eth0 netns {pid}")
        self._in_switch(f"ip link set p{pid} master br0 up")

    def add(self, name, last):
        """Switch on a machine at the address that ends so; one that had the name before is gone with its disk."""
        if name in self.machines:
            self.machines[name].close()
            shutil.rmtree(self.folder / name)
        addresses = {machine.name: machine.address for machine in self.machines.values()} | {
            name: f"{self.network}.{last}"
        }
        hosts = "".join(f"{address} {known}\n" for known, address in addresses.items())
        (self.shared / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}")
        self.machines[name] = machine = Machine(self, name, addresses[name])
        self.callback(machine.close)
        return machine
