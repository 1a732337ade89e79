"""TODO rnnsweep.cluster."""

from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.ray_tune import run_on_ray
from rnnsweep.cluster.room import gpu_mb
from rnnsweep.cluster.survey import MUST_AGREE, survey

__all__ = ["MUST_AGREE", "Node", "gpu_mb", "run_on_ray", "survey"]
