"""The network: encoders, decoders, product of experts, the multi-view VAE.

Plain torch modules and functions of tensors; no loss (see ``objectives``), no
training loop and no scikit-learn.
"""

from ._encoders import ConvDecoder, ConvEncoder, MLPDecoder, MLPEncoder
from ._experts import leave_one_out_products, product_of_experts
from ._init import build_module
from ._referee import Referee
from ._vae import PRECISIONS, MultiViewVAE, Posterior, draw

__all__ = [
    "PRECISIONS",
    "ConvDecoder",
    "ConvEncoder",
    "MLPDecoder",
    "MLPEncoder",
    "MultiViewVAE",
    "Posterior",
    "Referee",
    "build_module",
    "draw",
    "leave_one_out_products",
    "product_of_experts",
]
