"""Input checks: the text of every error about bad input lives here, once.

Each function takes what a user passed and the name of the argument, and
returns the checked value or raises an error that names the argument, its value
and the cure. Only numpy is imported here; torch tensors are recognised by
numpy's own ``__array__`` protocol.
"""

from __future__ import annotations
