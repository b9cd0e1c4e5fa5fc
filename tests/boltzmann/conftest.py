"""What the tests of learning machines share."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Products of small matrices gain nothing by threads, and lose much where tests run side by side."""
    with threadpool_limits(1, "blas"):
        yield
