"""Programs as one writes them for JAX, under the names of their NumPy forms.

Arguments are JAX's own arrays already; a form returns what the NumPy form returns.
"""

import jax

jax.config.update("jax_enable_x64", True)
