"""For all rooms: the tests themselves cost the code under test no time."""

import gc
import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: small products must not take every core


def pytest_collection_finish() -> None:
    """Thousands of collected tests are half a million objects, and each walk of the collector over
    them stops every thread for a quarter of a second: as long as some time-outs that are tried."""
    gc.collect()
    gc.freeze()
