"""How does somebody use the best network who has no rnnsweep? A folder: Keras, ONNX, its words, a model card.

    python sweeps/export.py --out model                       the best of results/, the seed of median validation
    python sweeps/export.py 0123456789ab --out model          one trial
    python sweeps/export.py --out model --int8                and an ONNX model of 8-bit weights

Then `python model/predict.py "a text"` needs Keras alone, and `python model/predict_onnx.py "a text"` onnxruntime. It
takes some ten seconds, most of them Keras's start; docs/predictions.md has figures of both.
"""

import sys

from rnnsweep.cli.export import export

if __name__ == "__main__":
    sys.exit(export(__doc__))
