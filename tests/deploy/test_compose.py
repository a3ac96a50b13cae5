"""docker-compose.yml is what Compose accepts, in step with the code, and no looser than it says."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner

from tests.deploy import settings
from tests.deploy.stack import FILE, Stack, compose, make_secrets, read_stack, variables
from tests.deploy.tools import DEPLOY, ROOT, run, tool
from turnkeeper.cli import main as turnkeeper
from turnkeeper.contract import SEARCH_ATTRIBUTES
from turnkeeper.gateway.serve import DRAIN_SECONDS
from turnkeeper.security.environment_keys import EnvironmentKeys
from worker.build import DRAIN_TIMEOUT

ONE_SHOTS = {"prepare-database", "temporal-schema", "temporal-namespace"}
NO_HEALTH_CHECK = {
    "otel-collector",  # its image has neither a shell nor a client
    "worker",  # the image's own
}
TAG = re.compile(r"[\w./-]+:v?\d+(\.\d+)+([\w.-]*)")
SHELL = ("make-secrets", "temporal/set-up-schema", "temporal/set-up-namespace")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return read_stack(tmp_path_factory.mktemp("stack"))


def lasting(stack: Stack) -> dict[str, Mapping[str, Any]]:
    """The services that run until they are stopped."""
    return {name: s for name, s in stack.services.items() if name not in ONE_SHOTS}


def seconds(duration: str) -> float:
    """Compose's way to write one: `30s`, `1m0s`."""
    minutes, _, rest = duration.rpartition("m")
    return 60 * float(minutes or 0) + float(rest.removesuffix("s"))


# --- the tools' opinion ---------------------------------------------------------------------------


def test_the_real_compose_accepts_the_file(stack: Stack) -> None:
    assert set(stack.services) > ONE_SHOTS | {"postgresql", "temporal", "temporal-ui", "grafana"}


def test_without_its_secrets_compose_says_which_script_makes_them(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    ran = compose(tmp_path / "empty", "config", "--quiet")
    assert ran.status == 1
    assert "run deploy/make-secrets" in ran.said


def test_the_file_is_of_the_compose_specification() -> None:
    run(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", FILE).ok()


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    run(tool("hadolint"), "--failure-threshold", "style", DEPLOY / "Dockerfile").ok()


@pytest.mark.parametrize("script", SHELL)
def test_shellcheck_finds_nothing_in_the_scripts(script: str) -> None:
    run(tool("shellcheck"), "--enable=all", "--exclude=SC2250", DEPLOY / script).ok()


def test_prometheus_accepts_its_configuration() -> None:
    promtool = tool("promtool", install="apt-get install prometheus")
    run(promtool, "check", "config", DEPLOY / "prometheus" / "prometheus.yml").ok()


def test_each_pipeline_of_the_collector_is_made_of_parts_that_are_there() -> None:
    config = yaml.safe_load((DEPLOY / "otel" / "collector.yaml").read_text())
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])


# --- what a container may do ----------------------------------------------------------------------


def test_no_service_has_more_rights_than_it_needs(stack: Stack) -> None:
    for name, service in stack.services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert str(service["user"]).partition(":")[0] not in ("", "0", "root"), name
        assert not {"privileged", "cap_add", "pid", "ipc"} & set(service), name


def test_every_image_is_pinned(stack: Stack) -> None:
    for name, service in stack.services.items():
        assert TAG.fullmatch(service["image"]), f"{name}: {service['image']}"
    for base in re.findall(r"^ARG PYTHON=(.+)$", dockerfile(), re.MULTILINE):
        assert TAG.fullmatch(f"python:{base}"), base


def test_our_image_has_the_version_of_the_project(stack: Stack) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in stack.ours.values()} == {f"turnkeeper:{version}"}


def test_ports_are_published_on_the_loopback_interface_only(stack: Stack) -> None:
    published = [port for s in stack.services.values() for port in s.get("ports", [])]
    assert len(published) > 5
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_workers_can_be_many(stack: Stack) -> None:
    worker = stack.services["worker"]
    assert not {"container_name", "ports"} & set(worker)
    assert worker["deploy"]["replicas"] >= 2


def test_postgresql_is_reached_by_those_alone_who_use_it(stack: Stack) -> None:
    reach = {name for name, s in stack.services.items() if "storage" in s["networks"]}
    assert reach == {"postgresql", "prepare-database", "temporal-schema", "temporal", *stack.ours}
    assert list(stack.services["postgresql"]["networks"]) == ["storage"]


# --- in which order -------------------------------------------------------------------------------


def test_every_service_that_can_has_a_health_check(stack: Stack) -> None:
    without = {name for name, s in lasting(stack).items() if "healthcheck" not in s}
    assert without == NO_HEALTH_CHECK
    assert re.search(r"^HEALTHCHECK .*\\\n +CMD \[", dockerfile(), re.MULTILINE)


def test_each_service_waits_until_what_it_needs_is_done_or_well(stack: Stack) -> None:
    for name, service in stack.services.items():
        for needed, how in service.get("depends_on", {}).items():
            done = needed in ONE_SHOTS
            wanted = "service_completed_successfully" if done else "service_healthy"
            assert how["condition"] == wanted, f"{name} needs {needed}"
    for name in stack.ours:
        assert "temporal-namespace" in stack.services[name]["depends_on"]


def test_a_one_shot_is_not_started_again_and_the_others_are(stack: Stack) -> None:
    restarts = {name: service["restart"] for name, service in stack.services.items()}
    assert {name for name, when in restarts.items() if when == "no"} == ONE_SHOTS
    assert {restarts[name] for name in lasting(stack)} == {"unless-stopped"}


def test_each_is_given_the_time_it_takes_to_finish_what_it_has_begun(stack: Stack) -> None:
    given = {name: seconds(s.get("stop_grace_period", "10s")) for name, s in stack.ours.items()}
    assert given["worker"] > DRAIN_TIMEOUT.total_seconds()
    assert given["gateway"] > DRAIN_SECONDS
    assert given["codec"] > DRAIN_SECONDS


# --- in step with the code ------------------------------------------------------------------------


def test_every_setting_is_one_that_the_code_reads(stack: Stack) -> None:
    for name in stack.ours:
        settings.check(stack.environment(name))
    settings.check(dict(re.findall(r"(TURNKEEPER_[A-Z_]+)=(\S+)", dockerfile())))


def test_every_command_is_one_that_the_code_has(stack: Stack) -> None:
    commands = {name: stack.command(name) for name in stack.ours}
    assert {tuple(command[:1]) for command in commands.values()} == {(), ("gateway",), ("codec",)}
    for command in commands.values():
        settings.check_command(command)


def test_each_probe_asks_the_port_that_its_service_listens_on(stack: Stack) -> None:
    for name in ("gateway", "codec"):
        port = stack.command(name)[-1]
        assert stack.services[name]["healthcheck"]["test"][-1] == port
        assert str(stack.services[name]["ports"][0]["target"]) == port
    assert "TURNKEEPER_HEALTH=0.0.0.0:8090" in dockerfile()
    assert 'port: str = "8090"' in (DEPLOY / "probe.py").read_text()


def test_the_namespace_gets_the_search_attributes_of_the_code(stack: Stack) -> None:
    given = stack.environment("temporal-namespace")["SEARCH_ATTRIBUTES"]
    assert tuple(given.split()) == SEARCH_ATTRIBUTES


def test_the_server_the_tools_and_the_chart_are_of_one_version(stack: Stack) -> None:
    images = [stack.services[name]["image"] for name in ("temporal", "temporal-schema")]
    server, tools = (image.partition(":")[2] for image in images)
    assert server == tools
    assert f"server {server}" in (DEPLOY / "kubernetes" / "temporal-values.yaml").read_text()


def test_prometheus_asks_where_the_services_listen(stack: Stack) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    (dns,) = jobs["turnkeeper"]["dns_sd_configs"]
    assert set(dns["names"]) == set(stack.ours)
    for name in stack.ours:
        assert stack.environment(name)["TURNKEEPER_METRICS"] == f"0.0.0.0:{dns['port']}"
    assert jobs["temporal"]["static_configs"][0]["targets"] == ["temporal:9090"]
    assert stack.environment("temporal")["PROMETHEUS_ENDPOINT"] == "0.0.0.0:9090"
    collector = yaml.safe_load((DEPLOY / "otel" / "collector.yaml").read_text())
    port = collector["exporters"]["prometheus"]["endpoint"].partition(":")[2]
    assert jobs["otel-collector"]["static_configs"][0]["targets"] == [f"otel-collector:{port}"]


def test_grafana_asks_services_that_are_there(stack: Stack) -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "turnkeeper.yaml").read_text())
    for source in sources["datasources"]:
        assert urlsplit(source["url"]).hostname in stack.services
    dashboards = yaml.safe_load((provisioning / "dashboards" / "turnkeeper.yaml").read_text())
    mounted = {volume["target"] for volume in stack.services["grafana"]["volumes"]}
    assert {each["options"]["path"] for each in dashboards["providers"]} <= mounted


def test_every_command_of_the_page_is_one_that_compose_has(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    commands = re.findall(r"^docker compose (.+)$", page, re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        theirs, _, ours = command.partition(" gateway access ")
        help_text = compose(tmp_path / "none", theirs.split()[0], "--help").ok()
        assert options(theirs) <= options(help_text), command
        if ours:
            told = CliRunner().invoke(turnkeeper, ["access", *ours.split(), "--help"])
            assert told.exit_code == 0, told.output


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", text))


def test_every_file_that_is_mounted_is_there(stack: Stack) -> None:
    binds = [
        v for s in stack.services.values() for v in s.get("volumes", ()) if v["type"] == "bind"
    ]
    assert len(binds) > 5
    for bind in binds:
        assert Path(bind["source"]).exists(), bind["source"]
        assert bind["read_only"], bind["source"]


def test_the_image_is_built_from_files_that_its_context_has() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = set()
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile(), re.MULTILINE):
        copied |= set(sources.split())
    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text()


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_are_made_once_for_their_owner_alone_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    said = run(DEPLOY / "make-secrets", path).ok()
    assert path.stat().st_mode & 0o777 == 0o600
    first = variables(path.read_text())
    said += run(DEPLOY / "make-secrets", path).ok()
    assert variables(path.read_text()) == first
    for value in first.values():
        assert value not in said
    assert len(set(first.values())) == len(first)


def test_a_secret_that_is_missing_is_added_to_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text("POSTGRES_PASSWORD=chosen")  # Without an end of the line.
    made = make_secrets(path)
    assert made["POSTGRES_PASSWORD"] == "chosen"
    assert made["TENANT_KEYS"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_compose_demands_is_what_the_script_makes(tmp_path: Path) -> None:
    demanded = set(re.findall(r"\$\{(\w+):\?run deploy/make-secrets\}", FILE.read_text()))
    assert demanded == set(make_secrets(tmp_path / "secrets"))


def test_no_secret_is_in_the_tree(stack: Stack) -> None:
    assert variables((ROOT / ".env.example").read_text()) == {}
    assert not re.search(r"(?i)password\S*: (?!\$\{|password)\w", FILE.read_text())
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    for name, value in stack.secrets.items():
        holders = {s for s in stack.services if value in str(stack.services[s])}
        assert holders, f"nobody needs {name}"


async def test_the_tenant_keys_are_keys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_KEYS", stack.secrets["TENANT_KEYS"])
    assert (await EnvironmentKeys("TENANT_KEYS").versions()).current == "1"


def test_every_optional_variable_is_in_the_example(tmp_path: Path) -> None:
    optional = set(re.findall(r"\$\{(\w+):-", FILE.read_text()))
    named = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert optional == named - {"COMPOSE_PROFILES"}  # Compose reads that one itself.
    make_secrets(tmp_path / ".env")
    profiled = tmp_path / "profiled"
    profiled.write_text((tmp_path / ".env").read_text().replace("#COMPOSE", "COMPOSE"))
    assert "grafana" in compose(profiled, "config", "--services").ok().split()
    assert "grafana" not in compose(tmp_path / ".env", "config", "--services").ok().split()
