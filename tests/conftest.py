"""For all rooms: the tests themselves cost the code under test no time."""

import gc


def pytest_collection_finish() -> None:
    """Thousands of collected tests are half a million objects, and each walk of the collector over
    them stops every thread for a quarter of a second: as long as some time-outs that are tried."""
    gc.collect()
    gc.freeze()
