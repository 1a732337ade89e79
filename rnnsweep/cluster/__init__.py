"""Ray: the only folder that knows it. Nothing here imports Ray before a cluster is reached (`connect`)."""

from rnnsweep.cluster.backend import run_on_ray
from rnnsweep.cluster.connect import check_address
from rnnsweep.cluster.nodes import Node
from rnnsweep.cluster.slots import check_gpus
from rnnsweep.cluster.survey import MUST_AGREE, survey

__all__ = ["MUST_AGREE", "Node", "check_address", "check_gpus", "run_on_ray", "survey"]
