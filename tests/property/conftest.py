"""How the examples are drawn.

A run of the suite says something about the code, not about its luck: the examples are the same
ones each time. `HYPOTHESIS_PROFILE=search pytest tests/property` draws others, and more of them.
How long an example may take depends on the machine, so time decides about no test.
"""

import os

from hypothesis import HealthCheck, settings

_untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _untimed, derandomize=True)
settings.register_profile("search", _untimed, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
