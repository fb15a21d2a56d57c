"""The tokens of the registration are changed while calls go on through a real Synapse: nothing is lost, the old ones end refused."""

import os
import signal
import subprocess
import uuid

import pytest

from events import SDP, member_content
from stack import Stack

MEMBER = "org.matrix.msc3401.call.member"


@pytest.fixture(name="own", scope="module")
def fixture_own(tmp_path_factory):
    """A stack of its own: here Synapse is restarted."""
    running = Stack(tmp_path_factory.mktemp("rotation"))
    yield running
    running.stop()


def refused(parley, *arguments):
    done = subprocess.run([str(parley.binary), *arguments, "--config", str(parley.config)], capture_output=True, text=True,
                          check=False, timeout=60, env=parley.environment)
    assert done.returncode == 1 and done.stdout == ""
    return done.stderr


def reload(own, earlier):
    """SIGHUP, until the log says what became of the earlier tokens."""
    count = own.parley.log.read_text().count("event=registration_reloaded")
    os.kill(own.parley.process.pid, signal.SIGHUP)
    own.wait(lambda: own.parley.log.read_text().count("event=registration_reloaded"), lambda n: n > count, "reload")
    last = [line for line in own.parley.log.read_text().splitlines() if "event=registration_reloaded" in line][-1]
    assert f"earlier_tokens={earlier}" in last


def test_a_whole_rotation_loses_nothing(own):
    alice, bob = own.user("alice"), own.user("bob")
    room, meeting = own.room(alice, bob), own.room(alice, bob)
    parley, registration = own.parley, own.parley.registration
    old_hs, old_as = parley.token("hs_token"), parley.token("as_token")
    made = []

    def a_call():
        """A whole legacy call; asserted in the end."""
        call_id = f"call-{uuid.uuid4().hex[:12]}"
        for sender, kind, content in ((alice, "invite", {"offer": {"type": "offer", "sdp": SDP}, "lifetime": 60000}),
                                      (bob, "answer", {"answer": {"type": "answer", "sdp": SDP}}),
                                      (alice, "select_answer", {"selected_party_id": "B"}),
                                      (bob, "hangup", {"reason": "user_hangup"})):
            party = "A" if sender is alice else "B"
            sender.send(room, "m.call." + kind, dict(content, call_id=call_id, party_id=party, version="1"))
        made.append(call_id)

    def all_there():
        own.wait(lambda: {row["call_id"]: row["status"] for row in parley.audit("calls", "--room", room)},
                 lambda calls: calls == dict.fromkeys(made, "ended"), f"{len(made)} calls")

    def restart_synapse():
        """What Synapse has answered and not yet stored dies with it (matrix-calls 1.5); that is not what is tried here."""
        all_there()
        own.synapse.restart()

    # One call goes on all the time.
    for client in (alice, bob):
        client.put_state(meeting, MEMBER, f"_{client.user_id}_DEV_m.call", member_content("DEV", room=meeting))
    own.wait_call(meeting, status="active")
    a_call()

    assert "nothing is being changed" in refused(parley, "register", "--finish")
    before = registration.stat()
    assert "systemctl reload parley" in parley.run("register", "--rotate")
    assert parley.token("hs_token") != old_hs and parley.token("as_token") != old_as
    old_file = registration.with_name(registration.name + ".old")
    assert old_file.stat().st_mode & 0o777 == 0o600
    assert (registration.stat().st_mode, registration.stat().st_uid) == (before.st_mode, before.st_uid)
    assert "finish" in refused(parley, "register", "--rotate")
    a_call()

    # Parley takes both; Synapse still knows the old ones only. The new as_token is refused, so Parley says the old one.
    reload(own, "accepted")
    a_call()
    assert "does not know the new tokens yet" in refused(parley, "register", "--finish")
    assert old_file.exists()
    parley.kill()       # what a crash in the middle leaves works as well
    a_call()
    parley.start()
    own.wait(parley.log.read_text, lambda log: "event=as_token_changed to=old" in log, "change to the old token")
    own.wait(lambda: parley.get("/readyz")[0], lambda status: status == 200, "homeserver")
    a_call()

    restart_synapse()   # it reads the new file; Parley's old as_token is unknown now
    a_call()
    own.wait(parley.log.read_text, lambda log: "event=as_token_changed to=new" in log, "change to the new token")
    own.wait(lambda: parley.get("/readyz")[0], lambda status: status == 200, "homeserver")
    assert parley.transaction("old", [], old_hs)[0] == 200, "as long as it is not finished"

    assert "systemctl reload parley" in parley.run("register", "--finish")
    assert not old_file.exists()
    a_call()
    reload(own, "refused")
    a_call()
    assert parley.transaction("old", [], old_hs)[0] == 403
    assert parley.transaction("new", [])[0] == 200

    for client in (alice, bob):
        client.put_state(meeting, MEMBER, f"_{client.user_id}_DEV_m.call", {})
    own.wait_call(meeting, status="ended")
    all_there()
    events = [row["type"] for row in parley.audit("events", "--room", room)]
    # Around the crash Synapse hands the invite over last; it is there.
    seen = {}
    for row in parley.audit("events", "--room", room):
        seen.setdefault(row["call_id"], set()).add(row["type"])
    for call_id in made:
        assert {"call_invited", "call_answered", "call_ended"} <= seen[call_id]
    # No secret is told.
    log = parley.log.read_text()
    assert not any(token in log for token in (old_hs, old_as, parley.token("hs_token"), parley.token("as_token")))


def test_another_service_in_the_file_needs_a_restart(own):
    parley = own.parley
    text = parley.registration.read_text()
    parley.registration.write_text(text.replace('sender_localpart: "_calls"', 'sender_localpart: "_other"')
                                   .replace("@_calls", "@_other"))
    os.kill(parley.process.pid, signal.SIGHUP)
    own.wait(parley.log.read_text, lambda log: "restart to use it" in log, "refusal")
    parley.registration.write_text(text)
    assert parley.transaction("again", [])[0] == 200


def test_finish_asks_unless_forced(own):
    parley = own.parley
    parley.run("register", "--rotate")
    away = dict(parley.environment, PARLEY_HOMESERVER_URL="http://127.0.0.1:1")
    parley.environment, here = away, parley.environment
    try:
        assert "does not say whether" in refused(parley, "register", "--finish")
        parley.run("register", "--finish", "--force")
    finally:
        parley.environment = here
