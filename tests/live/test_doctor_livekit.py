"""`parley doctor` and a real livekit-server: each thing that is wrong between the two, and the sentence that says so."""
import contextlib
import json
import subprocess

import pytest

from livekit import PROGRAM, SECRET, URL, LiveKit
from parley import free_port

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="tools/setup all builds livekit-server where there is a Go compiler")


@contextlib.contextmanager
def livekit(folder, **how):
    server = LiveKit(folder, **how).start()
    try:
        yield
    finally:
        server.stop()


@pytest.fixture(name="look")
def fixture_look(stack):
    """What the doctor finds at these two checks: (severity, sentence, paste) by check."""
    def run(**settings):
        variables = {f"PARLEY_{key.upper()}": value for key, value in settings.items()}
        done = subprocess.run([str(stack.parley.binary), "doctor", "--config", str(stack.parley.config), "--json"],
                              capture_output=True, text=True, timeout=120, check=False,
                              env={**stack.parley.environment, **variables})
        assert done.stdout and SECRET not in done.stdout, done.stderr
        found = {check["id"]: check["findings"][0] for check in json.loads(done.stdout)["checks"] if check["findings"]}
        return {name: (found[name]["severity"], found[name]["sentence"], found[name].get("paste") or "")
                for name in ("livekit", "sfu-webhooks") if name in found}
    return run


def test_all_is_well(stack, look, tmp_path):
    with livekit(tmp_path, webhook=stack.parley.public_url + "/sfu_webhook"):
        found = look()
    assert found["livekit"][:2] == ("ok", f"the LiveKit server at {URL} answers and knows our key")
    assert found["sfu-webhooks"][:2] == ("ok", "the LiveKit server tells Parley who comes and goes")


@pytest.mark.parametrize("how", ["not told where", "told another place"])
def test_webhooks_that_do_not_arrive(look, tmp_path, how):
    with livekit(tmp_path, webhook=None if how == "not told where" else f"http://127.0.0.1:{free_port()}/sfu_webhook"):
        found = look(rtc_public_url="https://calls.parley.test/")
    assert found["livekit"][0] == "ok"
    severity, sentence, paste = found["sfu-webhooks"]
    assert severity == "warn" and "do not arrive" in sentence
    assert "urls: [https://calls.parley.test/sfu_webhook]" in paste and "api_key" in paste


def test_webhooks_of_another_key(stack, look, tmp_path):
    with livekit(tmp_path, webhook=stack.parley.public_url + "/sfu_webhook", webhook_key="otherkey"):
        severity, sentence, _ = look()["sfu-webhooks"]
    assert severity == "warn" and "a key that is not ours" in sentence


def test_a_server_that_refuses_us(look, tmp_path):
    with livekit(tmp_path):
        found = look(livekit_secret="another secret of 32 characters.")
    assert found["livekit"][0] == "fail" and "refuses our key (401)" in found["livekit"][1]
    assert "livekit.key" in found["livekit"][2]
    assert found["sfu-webhooks"][0] == "skipped"


def test_a_server_that_is_not_there(stack, look):
    found = look(livekit_url=f"ws://127.0.0.1:{free_port()}")
    assert found["livekit"][0] == "fail" and "has nobody listening" in found["livekit"][1]
    found = look(livekit_url=stack.synapse.url)
    assert found["livekit"][0] == "fail" and "no LiveKit server answers" in found["livekit"][1]
    found = look(livekit_url="")
    assert found["livekit"][0] == "skipped" and "gives no tokens" in found["livekit"][1]
