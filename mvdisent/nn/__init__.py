"""The network: encoders, decoders, product of experts, the multi-view VAE.

Plain torch modules and functions of tensors; no loss (see ``objectives``), no
training loop and no scikit-learn.
"""

from ._encoders import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder
from ._experts import product_of_experts
from ._init import build_module
from ._vae import MultiViewVAE, Posterior, draw

__all__ = [
    "ConvDecoder",
    "ConvEncoder",
    "MLPDecoder",
    "MLPEncoder",
    "MultiViewVAE",
    "Posterior",
    "build_module",
    "draw",
    "product_of_experts",
]
