"""A distributed, resumable sweep over recurrent text classifiers.

Importing this package loads neither TensorFlow nor Ray nor Optuna; the modules that need them do so inside functions.
"""

from rnnsweep.spec import Spec, SpecError

__all__ = ["Spec", "SpecError"]
