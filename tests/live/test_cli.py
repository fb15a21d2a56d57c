"""The subcommands of the real program: help, refusals, register, migrate, and the reports in all formats."""
import base64
import csv
import hmac
import io
import json
import os
import pty
import re
import socket
import stat
import subprocess

import pytest
import yaml

from parley import build_dir

COMMANDS = [["serve"], ["register"], ["admin-token"], ["migrate"], ["doctor"], ["calls", "list"], ["calls", "end"],
            ["calls", "kick"], ["audit", "calls"], ["audit", "events"],
            ["audit", "user"], ["audit", "stats"], ["audit", "purge"], ["config", "print"], ["config", "check"], ["config", "sample"], ["token"], ["version"]]
SCREEN_LINES, SCREEN_COLUMNS = 24, 80
DONE, FAILED, USAGE = 0, 1, 2


def parley(*arguments, environment=None, **more):
    """Runs the program as an admin would; PARLEY_* of the outside do not reach it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    return subprocess.run([str(build_dir() / "parley"), *arguments], capture_output=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL, env={**clean, **(environment or {})}, **more)


def text(done):
    return done.stdout.decode()


def check_refused(done, code, *words):
    """One sentence on standard error, nothing on standard output."""
    sentence = done.stderr.decode()
    assert done.returncode == code, sentence
    assert done.stdout == b""
    assert sentence.startswith("parley: ")
    for word in words:
        assert word in sentence


def write_config(folder, **sections):
    lines = []
    for section, keys in sections.items():
        lines.append(f"{section}:")
        lines += [f"  {key}: {json.dumps(str(value))}" for key, value in keys.items()]
    path = folder / "parley.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


# --- help and usage ---

@pytest.mark.parametrize("command", [[], ["audit"], ["config"], *COMMANDS], ids=" ".join)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_fits_a_screen(command, option):
    done = parley(*command, option)
    lines = text(done).splitlines()
    assert done.returncode == DONE and done.stderr == b""
    assert lines[0].startswith("usage: parley")
    assert len(lines) <= SCREEN_LINES
    assert all(len(line) <= SCREEN_COLUMNS for line in lines), [line for line in lines if len(line) > SCREEN_COLUMNS]


def test_help_names_every_command():
    page = text(parley("--help"))
    for word, *more in COMMANDS:
        if not more:
            assert f"\n  {word} " in page
            continue
        assert re.search(rf"\n  {word} .*(\n {{18}}.*)*\b{more[0]}\b", page), "in the lines of its group"
        assert f"\n  {word} {more[0]} " in text(parley(word, "--help"))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_unknown_option_is_refused_with_what_is_allowed(command):
    check_refused(parley(*command, "--nonsense"), USAGE, "unknown option --nonsense", "allowed: --", "--help")


@pytest.mark.parametrize("arguments, words", [
    ([], ["which command?"]),
    (["nonsense"], ['unknown command "nonsense"']),
    (["audit"], ["audit needs a command"]),
    (["audit", "nonsense"], ["audit has no such command"]),
    (["--nonsense"], ["unknown option --nonsense"]),
    (["serve", "now"], ['unexpected word "now"']),
    (["audit", "calls", "--format", "xml"], ["--format must be table, jsonl or csv"]),
    (["audit", "calls", "--status", "mised"], ["--status must be", "missed"]),
    (["audit", "calls", "--since", "yesterday"], ["--since: must be a time", "24h"]),
    (["audit", "calls", "--limit", "0"], ["--limit: must be a number of rows"]),
    (["audit", "calls", "--limit", "-1"], ["--limit: must be a number of rows"]),
    (["audit", "calls", "--room", "room"], ["--room: must be a room id"]),
    (["audit", "calls", "--user", "bob"], ["--user: must be a user id"]),
    (["audit", "calls", "--limit"], ["--limit needs a value: N"]),
    (["audit", "calls", "--limit=1", "--limit=2"], ["--limit is given twice"]),
    (["audit", "user"], ["audit user needs @WHO:SERVER"]),
    (["audit", "user", "bob"], ["must be a user id"]),
    (["register", "--url", "ftp://x"], ["--url: must begin with http"]),
    (["register", "--server-name", "a b"], ["--server-name: must be a server name"]),
], ids=lambda value: " ".join(value) if value else "nothing")
def test_wrong_usage_is_told(arguments, words):
    check_refused(parley(*arguments), USAGE, *words)


def test_version():
    for arguments in (["version"], ["--version"]):
        done = parley(*arguments)
        assert done.returncode == DONE
        assert re.fullmatch(r"parley \d+\.\d+\.\d+\n", text(done))


def test_a_full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(build_dir() / "parley"), "config", "sample"], stdout=full, stderr=subprocess.PIPE,
                              check=False, timeout=60)
    assert done.returncode == FAILED
    assert b"cannot write to standard output: No space left on device" in done.stderr


# --- settings ---

@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["audit", "calls"], ["config", "check"], ["register"]],
                         ids=" ".join)
def test_unknown_key_is_refused_with_file_and_line(tmp_path, command):
    path = write_config(tmp_path, homeserver={"name": "example.com", "nmae": "x"})
    check_refused(parley(*command, "--config", path), FAILED, f"{path}:3: ", "nmae", "timeout")


def test_config_may_stand_before_the_command(tmp_path):
    path = write_config(tmp_path, homeserver={"name": "first.example"})
    assert "first.example" in text(parley("--config", path, "config", "print"))


def test_missing_config_file_is_told(tmp_path):
    check_refused(parley("serve", "--config", str(tmp_path / "none.yaml")), FAILED, "none.yaml")


def test_sample_loads_again(tmp_path):
    sample = tmp_path / "sample.yaml"
    sample.write_bytes(parley("config", "sample").stdout)
    check_refused(parley("config", "check", "--config", str(sample)), FAILED, "homeserver.name")
    done = parley("config", "check", "--config", str(sample), environment={"PARLEY_HOMESERVER_NAME": "example.com"})
    assert (done.returncode, text(done)) == (DONE, f"{sample}: fine\n")


def test_print_leaves_secrets_out(tmp_path):
    path = write_config(tmp_path, database={"url": "postgresql://u:geheim@h/d"})
    assert "geheim" not in text(parley("config", "print", "--config", path))
    assert "geheim" in text(parley("config", "print", "--config", path, "--secrets"))


# --- register ---

class NoTwins(yaml.SafeLoader):
    """YAML as Synapse's admin means it: the same key twice is a mistake."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
        return super().construct_mapping(node, deep)


def pasted(printed):
    """The part for homeserver.yaml of what `parley register` prints."""
    part = re.search(r"^app_service_config_files:\n.*?^$", printed, re.MULTILINE | re.DOTALL)[0]
    return yaml.load(part, NoTwins)


def test_register_writes_once_and_says_what_to_paste(tmp_path):
    out = tmp_path / "registration.yaml"
    arguments = ["register", "--config", write_config(tmp_path), "--url", "http://10.0.0.5:8090", "--server-name",
                 "example.com", "--out", str(out)]
    done = parley(*arguments)
    assert done.returncode == DONE, done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    written = out.read_text(encoding="utf-8")
    assert "http://10.0.0.5:8090" in written and "example" in written
    tokens = re.findall(r"^[ah]s_token: \"?([0-9a-f]{64})\"?", written, re.MULTILINE)
    assert len(set(tokens)) == 2
    printed = text(done)
    assert f"app_service_config_files:\n  - {out}\n" in printed
    assert "systemctl enable --now parley" in printed
    assert "No call service is configured (rtc.public_url is empty)" in printed
    assert pasted(printed).keys() == {"app_service_config_files", "max_event_delay_duration", "experimental_features",
                                      "rc_message", "rc_delayed_event_mgmt"}
    assert not any(token in printed for token in tokens)
    check_refused(parley(*arguments), FAILED, str(out))
    assert out.read_text(encoding="utf-8") == written


def test_register_takes_its_answers_from_the_settings(tmp_path):
    out = tmp_path / "r.yaml"
    path = write_config(tmp_path, homeserver={"name": "example.org"}, appservice={"registration": out},
                        http={"private": "0.0.0.0:9000"}, rtc={"public_url": "https://calls.example.org"}, livekit={"url": "wss://sfu.example.org"})
    done = parley("register", "--config", path)
    assert done.returncode == DONE, done.stderr
    written = out.read_text(encoding="utf-8")
    assert "http://127.0.0.1:9000" in written and "@_calls:example" in written
    focus = {"type": "livekit", "livekit_service_url": "https://calls.example.org"}
    part = pasted(text(done))
    assert part["matrix_rtc"] == {"transports": [focus | {"url": "wss://sfu.example.org"}]}
    assert part["extra_well_known_client_content"] == {"org.matrix.msc4143.rtc_foci": [focus]}
    assert "https://example.org/.well-known/matrix/client" in text(done)
    member = re.search(r'^"org.matrix.msc4143.rtc_foci": .*$', text(done), re.MULTILINE)[0]
    assert json.loads("{" + member + "}") == {"org.matrix.msc4143.rtc_foci": [focus]}
    assert "No call service" not in text(done)


def test_register_needs_a_server_name(tmp_path):
    out = tmp_path / "r.yaml"
    check_refused(parley("register", "--config", write_config(tmp_path), "--out", str(out)), FAILED, "--server-name")
    assert not out.exists()


# --- migrate ---

@pytest.fixture(name="database")
def fixture_database(postgres, tmp_path):
    """An empty database, and settings that name it and a key file: (name, path of the settings, path of the key)."""
    name = tmp_path.name.replace("-", "_")[-60:]
    key = tmp_path / "audit.key"
    path = write_config(tmp_path, database={"url": postgres.create_database(name)}, audit={"key_file": key})
    yield name, path, key
    postgres.drop_database(name)


def test_migrate_makes_tables_and_key_once(postgres, database):
    name, path, key = database
    check_refused(parley("migrate", "--check", "--config", path), FAILED, "at version 0", "parley migrate")
    assert not key.exists(), "--check makes nothing"
    first = parley("migrate", "--config", path)
    assert first.returncode == DONE, first.stderr
    lines = text(first).splitlines()
    applied = int(postgres.sql("SELECT count(*) FROM schema_migrations", name))
    assert [line.startswith("applied 0") for line in lines] == [True] * applied + [False]
    assert lines[-1].startswith(f"made the audit key {key}")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = parley("migrate", "--config", path)
    assert (again.returncode, text(again)) == (DONE, "nothing to do\n")
    check = parley("migrate", "--check", "--config", path)
    assert (check.returncode, text(check)) == (DONE, "nothing to do\n")


def test_a_lost_key_is_not_replaced(database):
    _, path, key = database
    assert parley("migrate", "--config", path).returncode == DONE
    kept = key.read_bytes()
    key.unlink()
    check_refused(parley("migrate", "--config", path), FAILED, str(key), "put the file back")
    assert not key.exists()
    check_refused(parley("migrate", "--check", "--config", path), FAILED, "no audit key")
    key.write_bytes(b"0" * 64 + b"\n")
    key.chmod(0o600)
    check_refused(parley("migrate", "--config", path), FAILED, "right key file")
    key.write_bytes(kept)
    assert parley("migrate", "--check", "--config", path).returncode == DONE


def test_a_check_records_nothing(postgres, database):
    """An audit without a key: any key would do, and only migrate says which."""
    name, path, _ = database
    assert parley("migrate", "--config", path).returncode == DONE
    postgres.sql("SET session_replication_role = replica; TRUNCATE audit_keys", name)
    assert parley("migrate", "--check", "--config", path).returncode == DONE
    assert postgres.sql("SELECT count(*) FROM audit_keys", name) == "0"
    assert parley("migrate", "--config", path).returncode == DONE
    assert postgres.sql("SELECT count(*) FROM audit_keys", name) == "1"


def test_a_silent_database_is_not_waited_for_for_ever(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://u@127.0.0.1:{silent.getsockname()[1]}/d"
        path = write_config(tmp_path, database={"url": url, "connect_timeout": "1s"})
        check_refused(parley("migrate", "--config", path), FAILED, "timeout")
        check_refused(parley("audit", "calls", "--config", path), FAILED, "timeout")


def test_migrate_tells_when_the_database_is_away(tmp_path):
    path = write_config(tmp_path, database={"url": f"postgresql:///none?host={tmp_path}"})
    check_refused(parley("migrate", "--config", path), FAILED, str(tmp_path))
    check_refused(parley("audit", "calls", "--config", path), FAILED, str(tmp_path))


# --- audit ---

HOSTILE = 'a,"b"\n\x1b[31m=1+1\u202e\u009b'
ROOM = "!room:example.com"
CALLS = 250
# What a row must have and no test here looks at.
PLAIN = "is_group, historic, partial, rings, voip_version, peak_users, chain_rows, chain_mac"
PLAIN_VALUES = "false, false, false, true, 1, 2, 0, decode(repeat('00', 32), 'hex')"


@pytest.fixture(scope="module", name="audit")
def fixture_audit(postgres, tmp_path_factory):
    """A hand-made audit of a few hundred calls, one of them by somebody hostile: path of the settings."""
    folder = tmp_path_factory.mktemp("audit")
    path = write_config(folder, database={"url": postgres.create_database("cli_audit")},
                        audit={"key_file": folder / "audit.key"})
    assert parley("migrate", "--config", path).returncode == DONE
    postgres.sql(f"""
        INSERT INTO call_sessions ({PLAIN}, id, kind, room_id, call_id, natural_key, state, status, media, caller_user,
            callee_user, created_at, answered_at, ended_at, closed_at, duration_ms, end_reason)
        SELECT {PLAIN_VALUES}, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'legacy', '{ROOM}', 'call' || n, 'call' || n,
            CASE WHEN n % 5 = 0 THEN 'missed' ELSE 'ended' END, CASE WHEN n % 5 = 0 THEN 'missed' ELSE 'ended' END,
            'audio', '@alice:example.com', '@bob:example.com', timestamptz '2026-11-01T00:00:00Z' + n * interval '1 hour',
            CASE WHEN n % 5 <> 0 THEN timestamptz '2026-11-01T00:00:00Z' + n * interval '1 hour' END,
            timestamptz '2026-11-01T00:01:00Z' + n * interval '1 hour', timestamptz '2026-11-01T00:01:00Z' + n * interval '1 hour',
            CASE WHEN n % 5 <> 0 THEN 60000 END, 'user_hangup'
        FROM generate_series(1, {CALLS}) n""", "cli_audit")
    quoted = HOSTILE.replace("'", "''")
    postgres.sql(f"""
        INSERT INTO call_sessions ({PLAIN}, id, kind, room_id, call_id, natural_key, state, status, media, caller_user,
            created_at, closed_at, end_reason)
        VALUES ({PLAIN_VALUES}, '00000000-0000-7000-8000-999999999999', 'legacy', '!other:example.com', '{quoted}', 'x', 'failed', 'failed',
            'video', '@eve:example.com', timestamptz '2026-10-01T00:00:00Z', timestamptz '2026-10-01T00:00:00Z', '{quoted}')""", "cli_audit")
    yield path
    postgres.drop_database("cli_audit")


def rows_of(audit, *arguments):
    done = parley("audit", *arguments, "--config", audit, "--format", "jsonl")
    assert done.returncode == DONE, done.stderr
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def test_jsonl_is_typed(audit):
    row = rows_of(audit, "calls", "--call", "call1")[0]
    assert row["duration_ms"] == 60000 and row["is_group"] is False
    assert row["created_at"] == "2026-11-01T01:00:00.000Z"
    assert row["failed_reason"] is None


def test_csv_is_rfc_4180(audit):
    done = parley("audit", "calls", "--config", audit, "--format", "csv")
    assert done.returncode == DONE, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    assert len(rows) == CALLS + 1
    assert rows[-1]["end_reason"] == HOSTILE
    assert done.stdout.count(b"\r\n") == CALLS + 2
    assert list(rows[0]) == list(rows_of(audit, "calls", "--limit", "1")[0])


def test_table_is_harmless_and_aligned(audit):
    done = parley("audit", "calls", "--config", audit)
    lines = text(done).split("\n")
    assert len(lines) == CALLS + 3 and lines[-1] == "", "header, one line a call, the end"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text(done))
    start = lines[0].index("caller")
    assert all(line[start] == "@" for line in lines[1:-1])
    assert "\\x1b[31m" in lines[-2]


@pytest.mark.parametrize("output_format", ["table", "jsonl", "csv"])
def test_a_terminal_gets_no_control_characters(audit, output_format):
    ours, theirs = pty.openpty()
    with subprocess.Popen([str(build_dir() / "parley"), "audit", "calls", "--config", audit, "--user",
                           "@eve:example.com", "--format", output_format], stdout=theirs) as process:
        assert process.wait(60) == DONE
    os.close(theirs)
    got = b""
    try:
        while chunk := os.read(ours, 65536):
            got += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    got = got.decode()
    assert "31m=1+1" in got
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]", got)


@pytest.mark.parametrize("arguments, count", [
    ([], CALLS + 1),
    (["--limit", "7"], 7),
    (["--status", "missed"], CALLS // 5),
    (["--user", "@bob:example.com"], CALLS),
    (["--user", "@nobody:example.com"], 0),
    (["--room", "!other:example.com"], 1),
    (["--since", "2026-11-02", "--until", "2026-11-03"], 24),
    (["--since", "2026-11-02T01:00:00+01:00", "--until", "2026-11-02T00:00:00.001Z"], 1),
    (["--until", "2026-11-01"], 1),
    (["--call", "call17"], 1),
    (["--call", "00000000-0000-7000-8000-000000000017"], 1),
], ids=lambda value: " ".join(value) or "all" if isinstance(value, list) else None)
def test_filters(audit, arguments, count):
    assert len(rows_of(audit, "calls", *arguments)) == count


def test_calls_are_newest_first(audit):
    times = [row["created_at"] for row in rows_of(audit, "calls")]
    assert times == sorted(times, reverse=True)


def test_user_and_stats(audit):
    rows = rows_of(audit, "user", "@bob:example.com", "--since", "2026-11-02", "--until", "2026-11-03")
    assert len(rows) == 24 and {row["role"] for row in rows} == {"callee"}
    days = {row["day"]: row for row in rows_of(audit, "stats")}
    assert days["2026-11-02"]["calls"] == 24
    assert days["2026-10-01"]["failed"] == 1


def test_nothing_found_is_no_error(audit):
    done = parley("audit", "calls", "--config", audit, "--user", "@nobody:example.com")
    assert (done.returncode, done.stdout, done.stderr) == (DONE, b"", b"no calls\n")
    done = parley("audit", "events", "--config", audit, "--format", "csv")
    assert done.returncode == DONE and done.stdout.startswith(b"session_id,") and done.stderr == b""


def test_an_empty_time_is_told(audit):
    done = parley("audit", "calls", "--config", audit, "--since", "2026-11-02", "--until", "2026-11-02")
    check_refused(done, FAILED, "--since is not before --until")


def test_a_reader_may_leave_early(audit):
    command = [str(build_dir() / "parley"), "audit", "calls", "--config", audit, "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.wait(60) == DONE
        assert process.stderr.read() == b""


# --- tokens ---

def claims(done):
    """What a token says, if it is signed with this secret."""
    assert done.returncode == DONE, done.stderr
    head, body, signature = text(done).strip().split(".")
    assert json.loads(unbase64(head))["alg"] == "HS256"
    return json.loads(unbase64(body)), f"{head}.{body}", unbase64(signature)


def unbase64(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_token_says_what_was_asked_and_is_signed():
    said, signed, signature = claims(parley(
        "token", "--dev", "--room", "r", "--identity", "@a:x", "--name", "Al", "--grant", "hidden, no-publish", "--valid-for", "30m"))
    assert hmac.compare_digest(signature, hmac.new(b"secret", signed.encode(), "sha256").digest())
    assert said["video"] == {"room": "r", "roomJoin": True, "hidden": True, "canPublish": False}
    assert (said["iss"], said["sub"], said["name"], said["exp"] - said["nbf"]) == ("devkey", "@a:x", "Al", 1800)


def test_token_of_the_settings_and_of_the_environment(tmp_path):
    config = write_config(tmp_path, livekit={"key": "k1", "secret": "of the file"})
    said, signed, signature = claims(parley("token", "--config", config, "--grant", "create,list"))
    assert said["iss"] == "k1" and said["video"] == {"roomCreate": True, "roomList": True} and "sub" not in said
    assert said["exp"] - said["nbf"] == 6 * 3600
    assert signature == hmac.new(b"of the file", signed.encode(), "sha256").digest()
    said, signed, signature = claims(parley("token", "--config", config, environment={
        "LIVEKIT_API_KEY": "k2", "LIVEKIT_API_SECRET": "of the environment"}))
    assert said["iss"] == "k2" and signature == hmac.new(b"of the environment", signed.encode(), "sha256").digest()


@pytest.mark.parametrize("arguments, code, word", [
    (["--dev", "--room", "r"], FAILED, "--identity is missing"),
    (["--dev", "--grant", "fly"], USAGE, "must name some of join, publish"),
    (["--dev", "--valid-for", "soon"], USAGE, "must be a span"),
    (["--dev", "--room", "r" * 257, "--identity", "a"], USAGE, "1 to 256 bytes"),
    (["--room", "r", "--identity", "a"], FAILED, "there is no API key"),
    (["--dev", "--config", "/x"], FAILED, "leave --config out"),
], ids=lambda value: value if isinstance(value, str) else None)
def test_token_is_refused(arguments, code, word, tmp_path):
    done = parley("token", *arguments, environment={"HOME": str(tmp_path)})
    assert done.returncode == code and word in done.stderr.decode() and done.stdout == b""
