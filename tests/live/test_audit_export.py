"""`parley audit export` and its check without the database."""

import csv
import hashlib
import json
import os
import stat
import subprocess

import pytest
from parley import build_dir
from store_node import NOW, WAIT_SECONDS, admin
from store_node import make_database, make_key  # noqa: F401 (fixtures)


def parley(url, key, *arguments):
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    done = subprocess.run([str(build_dir() / "parley"), "audit", *arguments], capture_output=True, text=True,
                          timeout=WAIT_SECONDS, check=False,
                          env=dict(outside, PARLEY_DATABASE_URL=url, PARLEY_AUDIT_KEY_FILE=str(key)))
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(name="calls")
def make_calls(db):
    node = db.node()
    node.unit("A", f"rooms=!a:x now={NOW}", f"room=!a:x create=3 events=5 strays=2 final=1 now={NOW}")
    node.unit("B", f"rooms=!b:x now={NOW}", f"room=!b:x create=1 events=3 now={NOW + 1000}")
    return db


def export(db, folder, *arguments):
    code, printed, complaint = parley(db.url, db.key, "export", "--output", str(folder), *arguments)
    assert code == 0, complaint
    return printed


@pytest.mark.parametrize("what, arguments, count", [
    ("events", [], 20),
    ("calls", [], 4),
    ("events", ["--room", "!b:x"], 3),
    ("events", ["--since", "2027-01-15T08:00:01Z", "--type", "type_1"], 0),
    ("calls", ["--limit", "2"], 2),
])
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_exports_what_the_reports_show(calls, tmp_path, form, what, arguments, count):
    folder = tmp_path / "out"
    printed = export(calls, folder, "--what", what, "--format", form, *arguments)
    assert printed.startswith(f"{count} {what}, ")
    code, shown, _ = parley(calls.url, calls.key, what, "--format", form, *arguments)
    assert code == 0
    written = (folder / f"{what}.{form}").read_bytes().decode()
    assert sorted(written.splitlines()) == sorted(shown.splitlines())
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    data = (folder / f"{what}.{form}").read_bytes()
    assert manifest["files"] == [{"name": f"{what}.{form}", "rows": count, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}]
    assert manifest["head"] == calls.rows("SELECT seq || ':' || encode(mac, 'hex') FROM call_heads ORDER BY seq DESC LIMIT 1")[0][0]
    assert manifest["filter"].get("room") == ("!b:x" if "--room" in arguments else None)
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # The database is not asked.
    code, printed, complaint = parley("postgresql:///x?host=/nonexistent", calls.key, "verify", "--export", str(folder))
    assert (code, printed.splitlines()[0]) == (0, "green: the export is as it was made"), complaint
    assert f"head {manifest['head']}\n" in printed


def test_events_come_call_by_call(calls, tmp_path):
    export(calls, tmp_path / "out", "--format", "csv")
    with open(tmp_path / "out" / "events.csv", encoding="utf-8", newline="") as f:
        places = [(row["session_id"], int(row["n"])) for row in csv.DictReader(f)]
    assert places == sorted(places) and len(places) == 20


def alter(path, old, new):
    data = path.read_bytes()
    assert data.count(old) >= 1
    path.write_bytes(data.replace(old, new, 1))


@pytest.mark.parametrize("change, sentence", [
    (lambda f: alter(f / "events.jsonl", b"@alice:test", b"@elice:test"), "events.jsonl was altered"),
    (lambda f: (f / "events.jsonl").write_bytes((f / "events.jsonl").read_bytes()[:-1]), "events.jsonl has "),
    (lambda f: (f / "events.jsonl").unlink(), "events.jsonl is missing"),
    (lambda f: alter(f / "manifest.json", b'"rows": 20', b'"rows": 19'), "manifest.json was altered"),
    (lambda f: alter(f / "manifest.json", b'"filter": {}', b'"filter": {"limit":20}'), "manifest.json was altered"),
    (lambda f: alter(f / "manifest.json", b'events.jsonl', b'../other.txt'), "manifest.json is not as"),
    (lambda f: alter(f / "manifest.json", b'{\n', b'{\n\n'), "manifest.json is not as"),
    (lambda f: (f / "manifest.json").write_bytes(b"x" * 100_000), "manifest.json is not as"),
], ids=["altered", "cut", "missing", "count", "filter", "folder", "space", "huge"])
def test_finds_a_changed_export(calls, tmp_path, change, sentence):
    folder = tmp_path / "out"
    export(calls, folder)
    change(folder)
    code, printed, _ = parley(calls.url, calls.key, "verify", "--export", str(folder))
    assert code == 1 and printed.startswith(f"BAD: {sentence}"), printed
    code, printed, _ = parley(calls.url, calls.key, "verify", "--export", str(folder), "--json")
    assert (code, json.loads(printed)["result"]) == (1, "bad")


def test_says_what_is_in_the_way(calls, tmp_path):
    folder = tmp_path / "out"
    export(calls, folder)
    other = tmp_path / "other.key"
    assert admin("key", str(other))[0] == 0
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    rows = [
        ("another key", other, ["verify", "--export", str(folder)], 2, "is not beside audit.key_file"),
        ("no export", calls.key, ["verify", "--export", str(tmp_path / "empty")], 2, "manifest.json: No such file"),
        ("there already", calls.key, ["export", "--output", str(folder)], 1, "there is an export already"),
        ("no folder given", calls.key, ["export"], 2, "--output"),
        ("no such parent", calls.key, ["export", "--output", str(tmp_path / "a" / "b")], 1, "No such file"),
        ("a file", calls.key, ["export", "--output", str(tmp_path / "file")], 1, "file"),
        ("signed with another key", other, ["export", "--output", str(tmp_path / "new")], 1, "is not the one"),
    ]
    for name, key, arguments, want, sentence in rows:
        code, printed, complaint = parley(calls.url, key, *arguments)
        assert (code, printed) == (want, ""), name
        assert sentence in complaint, (name, complaint)
    assert not (tmp_path / "new").exists()
    # After a rotation an old export is checked with the old key.
    code, _, complaint = parley(calls.url, calls.key, "rotate-key")
    assert code == 0, complaint
    code, _, complaint = parley(calls.url, calls.key, "verify", "--export", str(folder))
    assert code == 0, complaint
