"""dist/grafana and dist/prometheus against a running Parley and a real Prometheus: each metric and label they name is there, each query of
the dashboard gives something, and each alert fires when it should."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
import yaml

import events
from parley import REPO, Parley, free_port
from sfu_server import EMBEDDED_SETTINGS

DIST = REPO / "dist"
RULES = DIST / "prometheus" / "alerts.yml"
PATIENCE_S = 60
OURS = r"(?:parley|process)_\w+|\bup\b"


def promtool(*arguments, stdin=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False, timeout=60)


def dashboard():
    return json.loads((DIST / "grafana" / "parley.json").read_text())


def rules():
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def dashboard_queries():
    """(title, expression) of every panel."""
    return [(panel["title"], target["expr"]) for panel in dashboard()["panels"] for target in panel.get("targets", [])] + \
        [(note["name"], note["expr"]) for note in dashboard()["annotations"]["list"]]


def with_variables(expression, interval="10s"):
    """As Grafana sends it."""
    return expression.replace("$__rate_interval", interval).replace("$instance", ".*")


@pytest.fixture(name="parley", scope="module")
def fixture_parley(postgres, tmp_path_factory):
    settings = {"rtc": {**EMBEDDED_SETTINGS, "public_url": "PUBLIC_URL"},
                "livekit": {"key": "devkey", "secret": '"a secret of at least 32 characters"'}}
    parley = Parley(tmp_path_factory.mktemp("monitoring"), postgres.create_database("monitoring"), settings=settings)
    parley.start()
    alice, bob = "@alice:localhost", "@bob:localhost"
    assert parley.transaction("1", events.legacy_call("!a:localhost", alice, bob, "c1"))[0] == 200
    assert parley.transaction("2", events.rtc_call("!b:localhost", [alice, bob]))[0] == 200
    assert parley.transaction("3", [events.member("!c:localhost", alice, "DEV")])[0] == 200  # goes on
    yield parley
    parley.stop()
    postgres.drop_database("monitoring")


@pytest.fixture(name="page")
def fixture_page(parley):
    return parley.get("/metrics")[1]


def samples(page):
    """Name to the label sets it has; of histograms the names with _bucket and the like."""
    found = {"up": [{}]}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", page, re.MULTILINE):
        found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', labels)))
    return found


def missing(expression, found):
    """What an expression names and the page has not."""
    lacks = []
    for name, selector in re.findall(rf"({OURS})(?:\{{([^}}]*)\}})?", expression):
        sets = found.get(name)
        if sets is None:
            lacks.append(name)
            continue
        for label, how, value in re.findall(r'(\w+)(=~|!=|!~|=)"([^"]*)"', selector):
            values = value.split("|") if how == "=~" else [value]
            if label not in ("job", "instance"):  # Prometheus adds these two
                lacks += [f'{name}{{{label}="{v}"}}' for v in values if not any(labels.get(label) == v for labels in sets)]
    known = {label for name in re.findall(OURS, expression) for labels in found.get(name, []) for label in labels}
    for group in re.findall(r"\b(?:by|on|ignoring) \(([^)]*)\)", expression):
        lacks += [label for label in re.split(r", *", group) if label not in known | {"job", "instance", "le", "alertname"}]
    return lacks


def test_the_dashboard_names_what_is_there(page):
    found = samples(page)
    assert len(dashboard_queries()) > 30
    for title, expression in dashboard_queries():
        assert missing(expression, found) == [], title
    assert missing("sum by (nonsense) (parley_ready{part=\"cellar\"}) + parley_nonsense", found), "the test can fail"
    for panel in dashboard()["panels"]:
        if panel["type"] != "row":
            sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
            assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources), panel["title"]
    places = [tuple(panel["gridPos"].values()) for panel in dashboard()["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in dashboard()["panels"]}) == len(places)


def test_what_is_measured_of_media_is_shown(page):
    shown = " ".join(expression for _, expression in dashboard_queries())
    ours = [name for name in samples(page) if re.match("parley_(media|livekit|nodes?|audit)_", name)]
    assert len(ours) > 40 and [name for name in ours if not re.search(rf"\b{name}\b", shown)] == []


def verified(parley, tmp_path):
    """What node_exporter passes on."""
    parley.run("audit", "verify", "--metrics", str(tmp_path / "parley.prom"))
    text = (tmp_path / "parley.prom").read_text()
    done = promtool("check", "metrics", stdin=text)
    assert done.returncode == 0, done.stderr
    return text


def test_the_alerts_name_what_is_there(page, parley, tmp_path):
    found = samples(page + verified(parley, tmp_path))
    for rule in rules():
        assert missing(rule["expr"], found) == [], rule["alert"]


def test_each_alert_says_what_to_do(parley):
    """And names no setting, log line or command that does not exist."""
    sources = "".join(path.read_text() for folder in ("src", "appservice") for path in (REPO / folder).rglob("*.c"))
    settings = subprocess.run([parley.binary, "config", "sample"], capture_output=True, text=True, check=True).stdout
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "runbook"} and "parley doctor" in notes["runbook"], rule["alert"]
        text = re.sub(r"{{.*?}}", "", " ".join(notes.values()))
        for section, key in re.findall(r"\b(appservice|http|database)\.(\w+)", text):
            assert re.search(rf"^{section}:(\n([ #].*)?)*\n *#? *{key}:", settings, re.MULTILINE), f"{section}.{key}"
        for word in re.findall(r"(?<![\w.])([a-z]+(?:_[a-z]+)+)(?![\w.])", text):
            assert f'"{word}"' in sources or word == "turn_shared_secret", f"{rule['alert']}: {word}"
        for command in re.findall(r"parley (migrate|doctor|audit \w+|config \w+)", text):
            done = subprocess.run([parley.binary, *command.split(), "--help"], capture_output=True, check=False, timeout=60)
            assert done.returncode == 0, command


def test_the_page_is_well_formed(page):
    done = promtool("check", "metrics", stdin=page)
    assert done.returncode == 0, done.stderr


def test_the_rules_are_sound_and_fire_when_they_should():
    for arguments in (("check", "rules", RULES), ("check", "config", DIST / "prometheus" / "prometheus.yml"),
                      ("test", "rules", REPO / "tests" / "live" / "alerts_test.yml")):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    tried = (REPO / "tests" / "live" / "alerts_test.yml").read_text()
    assert [rule["alert"] for rule in rules() if f'"{rule["alert"]}"' not in tried] == []


class Prometheus:
    """With our own settings but for address and pace."""

    def __init__(self, folder, target):
        self.port, self.folder = free_port(), folder
        text = (DIST / "prometheus" / "prometheus.yml").read_text()
        for old, new in (("127.0.0.1:8090", target), ("alerts.yml", str(RULES)), ("15s", "1s")):
            assert old in text
            text = text.replace(old, new)
        (folder / "prometheus.yml").write_text(text)
        with open(folder / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.loads(answer.read())["data"]
        except OSError as error:
            assert self.process.poll() is None, (self.folder / "prometheus.log").read_text()
            return {"result": [], "error": f"{error} {error.read() if hasattr(error, 'read') else ''}"}

    def wait(self, expression):
        end = time.monotonic() + PATIENCE_S
        while not (answer := self.ask("query", query=expression))["result"]:
            assert time.monotonic() < end, f"{expression}: {answer}"
            time.sleep(0.2)
        return answer["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def test_a_real_prometheus_shows_it_all(parley, tmp_path):
    prometheus = Prometheus(tmp_path, f"127.0.0.1:{parley.private_port}")
    try:
        prometheus.wait('up{job="parley"} == 1 and on () count_over_time(up{job="parley"}[20s]) > 3')
        for title, expression in dashboard_queries():
            answer = prometheus.ask("query", query=with_variables(expression))
            assert "error" not in answer, (title, answer)
            assert answer["result"] or "> 0" in expression, f"{title}: nothing"
        assert {s["metric"]["kind"]: s["value"][1] for s in prometheus.wait("parley_calls_started_total")} == {"legacy": "1", "rtc": "2"}
        ended = prometheus.wait('parley_calls_finished_total{status="ended"} > 0')
        assert {s["metric"]["kind"]: s["value"][1] for s in ended} == {"legacy": "1", "rtc": "1"}
        prometheus.wait('parley_calls_live{kind="rtc"} == 1')  # asked every 15 s
        alerts = prometheus.ask("rules")["groups"][0]["rules"]
        assert len(alerts) == len(rules()) and all(alert["health"] == "ok" for alert in alerts)
        away = prometheus.wait('ALERTS{alertname="ParleyHomeserverAway"}')  # there is none in this test
        assert away[0]["metric"]["alertstate"] in ("pending", "firing")
    finally:
        prometheus.stop()
