"""PyTorch modules as integer graphs of Open Decentralised AI, and back.

    exported = oda_torch.export(module, calibration)      # graph, weights, scales
    oda_torch.accuracy(module, validation), oda_torch.accuracy(exported, validation)
    exported.save("exported", validation)                 # the files that ml-worker reads
    oda_torch.load_weights(module, exported, blob)        # somebody's weights, as floats

`docs/pytorch.md` explains them; what a graph computes is in `docs/evaluator.md`.
"""

from .bridge import Exported, accuracy, export, load_weights
from .trace import Unsupported

__all__ = ["Exported", "Unsupported", "accuracy", "export", "load_weights"]
