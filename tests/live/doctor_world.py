"""A Parley that is well, for `parley doctor` to look at; tests break one thing and read what it says.

All of it (PostgreSQL, Synapse, Parley, and what tests put between) lives in a network namespace of its own, so that a firewall can be
closed. Fixtures for the tests to import: `world`, and `outside`, which are settings that name a good proxy and well-known file.
"""

import contextlib
import json
import os
import subprocess

import pytest

import namespace
from cluster import PostgresCluster
from parley import Parley
from stand_ins import FOCUS, proxy, well_known
from synapse import Synapse
from turn import stun_server

SERVER_NAME = "parley.test"
RED = ("fail", "warn")


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    """PostgreSQL, Synapse and a Parley that is well."""
    folder = tmp_path_factory.mktemp("doctor")
    with contextlib.ExitStack() as stack:
        if namespace.why_not() is None:
            stack.enter_context(namespace.network_namespace())
        turn_port = stack.enter_context(stun_server())
        cluster = PostgresCluster(folder / "postgres")
        cluster.start()
        stack.callback(cluster.stop)
        cluster.create_database("parley")
        synapse = Synapse(folder / "synapse", cluster, server_name=SERVER_NAME, settings={
            "matrix_rtc": {"transports": [{"type": "livekit", "livekit_service_url": FOCUS}]},
            "turn_uris": [f"turn:127.0.0.1:{turn_port}"], "turn_shared_secret": "a secret of nobody"})
        parley = Parley(folder / "parley", cluster.url("parley"), synapse.url, SERVER_NAME,
                        {"http": {"trusted_proxies": "[127.0.0.1]"}, "rtc": {"public_url": FOCUS, "sfu": "external"}})
        synapse.register_appservice(parley.registration)
        synapse.start()
        stack.callback(synapse.stop)
        parley.run("migrate")
        parley.start()
        stack.callback(parley.stop)
        yield World(folder, synapse, parley)


class World:
    def __init__(self, folder, synapse, parley):
        self.folder = folder
        self.synapse = synapse
        self.parley = parley

    def doctor(self, *options, **settings):
        """Runs it with settings beside those of the process: `http_public_url=…`."""
        variables = {f"PARLEY_{key.upper()}": value for key, value in settings.items()}
        return subprocess.run([str(self.parley.binary), "doctor", "--config", str(self.parley.config), *options],
                              capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **variables})

    def findings(self, **settings):
        done = self.doctor("--json", **settings)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)["checks"]


@pytest.fixture(name="outside", scope="module")
def fixture_outside(world):
    """A proxy and a well-known file that are well; the settings that name them."""
    with proxy(world.parley) as way, well_known(world.synapse.url) as file:
        yield {"http_public_url": way.url, "homeserver_well_known_url": file.url}


def first_red(checks):
    """(check, severity, sentence, paste) of the root cause: the first broken check, else the first that works in part."""
    for severity in RED:
        for check in checks:
            for found in check["findings"]:
                if found["severity"] == severity:
                    return check["id"], severity, found["sentence"], found.get("paste") or ""
    return None


def check_red(checks, check, severity, *words):
    red = first_red(checks)
    assert red is not None, checks
    assert red[:2] == (check, severity), red
    for word in words:
        assert word in red[2] + "\n" + red[3], red


def of(checks, name):
    return next(check for check in checks if check["id"] == name)
