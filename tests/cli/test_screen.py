"""What is printed of a cluster's nodes and of the kernel that computes the numbers."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from rnnsweep.cli import screen
from rnnsweep.cluster import MUST_AGREE, Node
from rnnsweep.ledger import Ledger
from rnnsweep.sweep import Machines

VERSIONS = dict.fromkeys(MUST_AGREE, "1.0")


def node(name, blas):
    return Node(name, {"CPU": 2.0, "memory": 4 * 2**30}, versions=VERSIONS, blas=blas)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), highlight=False, width=200)


def test_nodes_of_one_kernel_are_said_to_agree(console):
    screen.print_nodes(console, [node("a", "openblas 0.3.33 Zen"), node("b", "openblas 0.3.33 Zen")], 4)
    out = console.file.getvalue()
    assert "kernel   openblas 0.3.33 Zen on all" in out
    assert "warning" not in out


def test_nodes_without_tensorflow_say_what_they_have(console):
    found = {name: "1.0" for name in MUST_AGREE if name != "tensorflow"}
    screen.print_nodes(console, [replace(node("a", ""), versions=found)], 4)
    assert "ray 1.0, keras 1.0" in console.file.getvalue()


def test_nodes_whose_blas_differ_are_named_in_one_warning(console):
    kernels = ["openblas 0.3.33 Zen", "openblas 0.3.33 SkylakeX", "openblas 0.3.33 Zen", ""]
    screen.print_nodes(console, [node(name, blas) for name, blas in zip("abcd", kernels, strict=True)], 8)
    (line,) = [line for line in console.file.getvalue().splitlines() if "warning" in line]
    assert line == (
        "warning: the nodes' BLAS differ, so the last digits of a trial depend on its node: "
        "openblas 0.3.33 Zen on a and 1 more; openblas 0.3.33 SkylakeX on b"
    )


@pytest.mark.parametrize(("warning", "lines"), [(None, 0), ("unset it", 1)])
def test_the_plan_names_the_kernel_of_this_machine_and_warns_of_a_slower_one(
    console, tmp_path, monkeypatch, warning, lines
):
    monkeypatch.setattr(screen, "blas_text", lambda: "openblas 0.3.33 Zen")
    monkeypatch.setattr(screen, "kernel_warning", lambda: warning)
    screen.print_plan(console, Ledger(tmp_path), Machines(), 3, 1, 2)
    screen.print_plan(console, Ledger(tmp_path), Machines(address="auto"), 3, 1, 2)  # its nodes say theirs
    out = console.file.getvalue()
    assert out.count("kernel   openblas 0.3.33 Zen") == 1
    assert out.count("warning: unset it") == lines


def test_a_gpu_that_no_trial_will_use_is_named_with_the_flag_that_uses_it(console, tmp_path, monkeypatch):
    def lines(**machines):
        screen.print_plan(console, Ledger(tmp_path), Machines(**machines), 3, 1, 2)
        return [line for line in console.file.getvalue().splitlines() if line.startswith("gpu ")]

    monkeypatch.setattr(screen, "installed", lambda: [("Tesla T4", 15360.0), ("Tesla T4", 15360.0)])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not lines()  # who hides it knows of it
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert not lines(gpus_per_trial=0.5) + lines(backend="in-process") + lines(address="auto")
    assert lines() == ["gpu      Tesla T4: not used; to use it, --gpus-per-trial auto"]
