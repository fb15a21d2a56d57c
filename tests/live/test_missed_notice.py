"""The notice of a missed call, and webhooks, with a real Synapse: only in rooms in the clear that Parley's user is in, and once."""

import pytest

from events import SDP
from receiver import Receiver
from stack import SERVER_NAME, Stack
from synapse import MatrixClient

RING_MS = 1500


class World(Stack):
    def __init__(self, folder):
        self.receiver = Receiver().start()
        secret = folder / "webhooks.secret"
        secret.write_text("a secret of the tests, long enough")
        secret.chmod(0o600)
        super().__init__(folder, settings={
            "calls": {"missed_notice": "true"},
            "webhooks": {"urls": f'["{self.receiver.url}/"]', "secret_file": secret, "timeout": "1s"}})
        self.bot = MatrixClient(self.synapse.url, f"@_calls:{SERVER_NAME}", self.parley.token("as_token"))
        self.alice, self.bob = self.user("alice"), self.user("bob")

    def place(self, bot=True, **options):
        """A room of alice and bob, and of Parley's user where that is wanted."""
        room = self.alice.create_room(invite=[self.bob.user_id], **options)
        self.bob.join(room)
        if bot:
            self.alice.invite(room, self.bot.user_id)
            self.bot.join(room)
        return room

    def miss(self, room, call_id):
        self.alice.send(room, "m.call.invite", {"call_id": call_id, "party_id": "A", "version": "1", "lifetime": RING_MS,
                                                "offer": {"type": "offer", "sdp": SDP}})

    def notices(self, room):
        chunk = self.alice.call("GET", f"/v3/rooms/{MatrixClient.part(room)}/messages", dir="b", limit=50)["chunk"]
        return [event["content"] for event in chunk if event["sender"] == self.bot.user_id and event["type"] == "m.room.message"]

    def row(self, room):
        """state and problem of the room's row."""
        rows = self.cluster.rows(f"SELECT state, problem FROM call_news WHERE receiver = 'room' AND room_id = '{room}'", "parley")
        return rows[0] if rows else None

    def over(self, room):
        return self.wait(lambda: self.row(room), lambda row: row is not None and row[0] != "waiting", "end of the notice")


@pytest.fixture(name="world", scope="module")
def fixture_world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("notices"))
    yield made
    made.stop()
    made.receiver.stop()


ENCRYPTED = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]


def test_where_it_is_said(world):
    rooms = {"clear": world.place(), "without us": world.place(bot=False), "encrypted": world.place(initial_state=ENCRYPTED),
             "left": world.place(), "no power": world.place(power_level_content_override={"events_default": 50})}
    world.bot.leave(rooms["left"])
    for name, room in rooms.items():
        world.miss(room, f"call {name}")
    ends = {name: world.over(room) for name, room in rooms.items()}
    assert ends["clear"] == ["told", ""]
    assert ends["without us"] == ["told", "Parley's user is not in the room"]
    assert ends["encrypted"] == ["told", "the room is encrypted"]
    assert ends["left"][0] == "told" and ends["left"][1].startswith("Parley's user ")
    assert ends["no power"] == ["told", "Parley's user may not write in the room"]
    assert world.notices(rooms["clear"]) == [
        {"msgtype": "m.notice", "body": f"Missed voice call from {world.alice.user_id}", "m.mentions": {}}]
    assert [name for name, room in rooms.items() if world.notices(room)] == ["clear"]
    for name in rooms:
        world.receiver.wait(lambda n=name: world.receiver.types(f"call {n}") == ["call.started", "call.missed", "call.ended"], name)


def test_a_crash_does_not_double_it(world):
    """Sent, but killed before that is written down: the same transaction id again is the same event."""
    room = world.place()
    world.cluster.sql("CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " IF NEW.state = 'told' THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$;"
                      " CREATE TRIGGER hold BEFORE UPDATE ON call_news FOR EACH ROW EXECUTE FUNCTION hold()", "parley")
    world.miss(room, "crash")
    world.wait(lambda: world.notices(room), bool, "notice")
    world.parley.kill()
    world.cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%call_news%' AND pid <> pg_backend_pid()",
                      "parley")
    world.cluster.sql("DROP TRIGGER hold ON call_news; DROP FUNCTION hold()", "parley")
    assert world.row(room)[0] == "waiting"
    world.cluster.sql("UPDATE call_news SET due_at = now() WHERE state = 'waiting'", "parley")  # its lease would last a minute
    world.parley.start()
    assert world.over(room) == ["told", ""]
    assert len(world.notices(room)) == 1


def test_the_homeserver_is_away(world):
    room = world.place()
    world.miss(room, "away")
    world.wait_call(room, status="ringing")
    world.synapse.stop()
    world.wait(lambda: world.row(room), lambda row: row is not None and row[1] != "", "failed attempt")
    assert world.row(room)[0] == "waiting"
    world.synapse.start()
    assert world.over(room) == ["told", ""]
    assert len(world.notices(room)) == 1
