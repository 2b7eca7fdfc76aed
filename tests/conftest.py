"""Settings of the tests of the package, made before scipy and hypothesis are first used."""

import os

# Without it scikit-learn's check_estimator skips its array API check.
os.environ["SCIPY_ARRAY_API"] = "1"

from hypothesis import settings

settings.register_profile("mtlkit", max_examples=30, deadline=None, derandomize=True, database=None)
settings.load_profile("mtlkit")
