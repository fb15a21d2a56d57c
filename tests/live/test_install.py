"""`meson install` puts everything where it belongs, and leaves /etc alone."""
import json
import os
import re
import shutil
import stat
import subprocess

import pytest

from parley import REPO, build_dir


@pytest.fixture(scope="module", name="root")
def fixture_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    done = subprocess.run(["meson", "install", "-C", str(build_dir()), "--no-rebuild", "--quiet", "--destdir", str(root)],
                          capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


def prefix_of_build():
    options = subprocess.run(["meson", "introspect", str(build_dir()), "--buildoptions"], capture_output=True, check=True)
    return next(o["value"] for o in json.loads(options.stdout) if o["name"] == "prefix")


def files_of(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_every_file_is_where_it_belongs(root):
    prefix = prefix_of_build().lstrip("/")
    want = {f"{prefix}/bin/parley", f"{prefix}/lib/systemd/system/parley.service", f"{prefix}/lib/sysusers.d/parley.conf",
            f"{prefix}/lib/tmpfiles.d/parley.conf", f"{prefix}/share/doc/parley/README.md",
            f"{prefix}/share/doc/parley/operations.md", f"{prefix}/share/doc/parley/examples/parley.yaml",
            f"{prefix}/share/doc/parley/examples/synapse-config/.well-known/matrix/client"}
    got = set(files_of(root))
    assert want <= got
    documentation = f"{prefix}/share/doc/parley/"
    assert all(path in want or path.startswith(documentation) for path in got), "settings and libraries are not installed"


def test_the_program_runs(root):
    program = root / prefix_of_build().lstrip("/") / "bin" / "parley"
    assert stat.S_IMODE(program.stat().st_mode) == 0o755
    assert subprocess.run([program, "version"], capture_output=True, check=True).stdout.startswith(b"parley ")


def test_the_sample_is_what_the_program_prints(root):
    sample = root / prefix_of_build().lstrip("/") / "share/doc/parley/examples/parley.yaml"
    printed = subprocess.run([build_dir() / "parley", "config", "sample"], capture_output=True, check=True).stdout
    assert sample.read_bytes() == printed
    done = subprocess.run([build_dir() / "parley", "config", "check", "--config", sample], capture_output=True,
                          check=False, env={**os.environ, "PARLEY_HOMESERVER_NAME": "example.com"})
    assert done.returncode == 0, done.stderr


def test_the_unit_starts_what_was_installed(root, tmp_path):
    prefix = prefix_of_build()
    unit = root / prefix.lstrip("/") / "lib/systemd/system/parley.service"
    text = unit.read_text(encoding="utf-8")
    assert f"\nExecStart={prefix}/bin/parley serve\n" in text
    for line in ("Type=notify", "User=parley", "NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=parley",
                 "ConfigurationDirectory=parley", "ExecReload=/bin/kill -HUP $MAINPID"):
        assert f"\n{line}\n" in text
    assert not re.search(r"@\w+@", text), "every name was filled in"
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    # It looks whether the program exists, so the copy names the installed one.
    copy = tmp_path / "parley.service"
    copy.write_text(text.replace(f"{prefix}/bin/parley", str(root / prefix.lstrip("/") / "bin/parley")), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False,
                          timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "parley.service" in line]
    assert not complaints, complaints
