"""What the live tests share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from cluster import PostgresCluster  # noqa: E402


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """A running PostgreSQL for tests that do not hurt it; each makes a database of its own."""
    cluster = PostgresCluster(tmp_path_factory.mktemp("postgres"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """PostgreSQL, Synapse and Parley, for tests that make calls as clients do."""
    from livekit import LIVEKIT_SETTINGS
    from stack import Stack
    running = Stack(tmp_path_factory.mktemp("stack"), settings={"livekit": LIVEKIT_SETTINGS}, proxied=True)
    yield running
    try:
        # Whatever calls were made, with the program still writing: the audit must be as it was written.
        running.parley.run("audit", "verify")
    finally:
        running.stop()


@pytest.fixture(scope="module")
def network():
    """Where media is: all of it, the browsers too, is in a network of its own, where there may be one."""
    import namespace
    if namespace.why_not() is None:
        with namespace.host_namespace() as host:
            yield host
    else:
        yield ""  # every address of the machine


@pytest.fixture(scope="module")
def server(tmp_path_factory, network):
    """An SFU that LiveKit's clients meet in: ours, or the one that PARLEY_TEST_SFU names."""
    from sfu_server import under_test
    running = under_test()(tmp_path_factory.mktemp("sfu"), rtc_announced_ips=network).start()
    yield running
    assert running.stop() == 0
