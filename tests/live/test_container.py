"""Containerfile, as far as it can be looked at without a container engine; tools/package --container-check runs it."""

import glob
import re
import shutil
import subprocess

import pytest

import containerfile
from debian import libraries_of, run
from parley import REPO, Parley, build_dir

HEAD, STAGES = containerfile.read()
BUILD, RUN = STAGES


def test_two_stages_on_debian_12():
    assert (BUILD.image, BUILD.name) == ("debian:12", "build")
    assert RUN.image == "debian:12-slim"


def test_everything_copied_is_there_and_no_secret_with_it():
    for stage in STAGES:
        for rest in stage.all("COPY"):
            *sources, _ = rest.split()
            if sources[0].startswith("--from="):
                assert sources == ["--from=build", "/src/build/parley"]
                continue
            for source in sources:
                assert (REPO / source).exists(), source
                assert source not in (".", ".git", ".parley"), "the whole folder would take along what lies in it"
    # What meson reads of the source is copied.
    copied = {word for rest in BUILD.all("COPY") for word in rest.split()[:-1]}
    folders = {name.split("/")[0] for name in re.findall(r"subdir\('(.*?)'\)", (REPO / "meson.build").read_text())}
    assert folders <= copied
    for stage in STAGES:
        for word in ("ARG", "ENV"):
            assert not re.search(r"TOKEN|SECRET|PASSWORD|_KEY|DATABASE_URL", " ".join(stage.all(word)))


def test_it_builds_with_what_tools_setup_installs():
    assert "tools/setup build" in BUILD.all("RUN")
    assert not [rest for rest in BUILD.all("RUN") if "apt" in rest], "the list in tools/setup is the one list"
    order = [word + " " + rest for word, rest in BUILD.instructions]
    assert order.index("COPY tools/setup tools/setup") < order.index("RUN tools/setup build")


def test_it_runs_with_what_the_program_is_linked_with():
    here = run("dpkg", "--print-architecture").strip()
    words = re.sub(r"\$\(dpkg --print-architecture \| sed -n s/([a-z0-9]+)/([a-z0-9.+-]+)/p\)",
                   lambda only: only[2] if only[1] == here else "", RUN.all("RUN")[0])
    installed = re.search(r"--no-install-recommends ([a-z0-9.+ -]+?) ?&&", words)[1].split()
    assert installed == sorted(installed)
    sanitizers = {"libasan8", "libubsan1", "libgcc-s1"}  # of the build under test
    wanted = {name for name in libraries_of(build_dir() / "parley") if name not in sanitizers | {"libc6"}}
    assert set(installed) - wanted == {"ca-certificates", "libwebsockets-evlib-uv"}
    assert wanted <= set(installed)


def test_it_runs_as_nobody_in_particular():
    assert RUN.user == "parley" and "--uid 10000" in RUN.all("RUN")[0]
    words = [word for word, _ in RUN.instructions]
    assert words.index("USER") > max(n for n, word in enumerate(words) if word in ("RUN", "COPY"))
    assert containerfile.command(RUN.all("ENTRYPOINT")[0]) + containerfile.command(RUN.all("CMD")[0]) == ["parley", "serve"]


def test_what_is_mounted_and_published_is_explained():
    for name in containerfile.command(RUN.all("VOLUME")[0]) + RUN.all("EXPOSE")[0].split():
        assert re.search(rf"^# {re.escape(name)} +\S", HEAD, re.MULTILINE), name


def test_its_settings_are_settings():
    done = subprocess.run([str(build_dir() / "parley"), "config", "check"], capture_output=True, text=True, check=False, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "PARLEY_HOMESERVER_NAME": "example.com", **RUN.environment})
    assert done.returncode == 0, done.stderr


def test_it_listens_for_others_unless_a_setting_says_otherwise():
    """A variable of the image would beat parley.yaml, and LIVEKIT_JWT_BIND too."""
    assert not [name for name in RUN.environment if name.startswith(("PARLEY_", "LIVEKIT_"))]
    assert "-Dlisten=0.0.0.0" in " ".join(BUILD.all("RUN"))
    assert "option('listen'" in (REPO / "meson_options.txt").read_text()


@pytest.mark.skipif(shutil.which("bash") is None, reason="the image's shell is not here")
def test_the_health_check_tells_alive_from_dead(tmp_path, postgres):
    parley = Parley(tmp_path, postgres.url("there_is_none"))
    check = [word.replace("8090", str(parley.private_port)) for word in containerfile.command(RUN.all("HEALTHCHECK")[0])]

    def healthy():
        return subprocess.run(check, capture_output=True, check=False, timeout=60).returncode == 0

    assert not healthy()  # it asks the private listener: the public one may be where an earlier service was
    parley.start("live")
    try:
        assert healthy(), "a database that is away is no reason for a restart"
        assert parley.stop() == 0
    finally:
        if parley.process is not None:
            parley.kill()
    assert not healthy()


def test_no_other_file_for_containers():
    assert not glob.glob(str(REPO / "Dockerfile*"))
