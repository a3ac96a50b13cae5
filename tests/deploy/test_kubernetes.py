"""deploy/kubernetes is valid, in step with the code, and keeps two of everything."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.deploy import settings
from tests.deploy.manifests import KUBERNETES, PAGE, Built, Manifest, build
from tests.deploy.stack import variables
from tests.deploy.tools import run, tool
from turnkeeper.contract import TASK_QUEUE
from turnkeeper.gateway.serve import DRAIN_SECONDS
from worker.build import DRAIN_TIMEOUT

SCHEMAS = Path(__file__).with_name("schemas")
CUSTOM = {
    "ScaledObject": "scaled-object.json",
    "WorkerDeployment": "worker-deployment.json",
    "Connection": "connection.json",
}
OF_THE_CONTROLLER = {
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_DEPLOYMENT_NAME",
    "TEMPORAL_WORKER_BUILD_ID",
}
"""What the Worker Controller sets; a container's own `env` must leave them to it."""
SECRETS = {"TENANT_KEYS": f"1:{'A' * 43}=", "TURNKEEPER_KEY_STORE": "postgresql://keys.example/db"}


@pytest.fixture(scope="module", params=["base", "keda", "worker-controller"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The base alone, and with each of the components."""
    components = () if request.param == "base" else (request.param,)
    return build(tmp_path_factory.mktemp("overlay"), *components)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("overlay"))


def strictly_valid(manifests: list[Manifest], folder: Path) -> None:
    """Asserts that Kubernetes knows every field; its own schemas, of the newest version there."""
    file = folder / "manifests.yaml"
    file.write_text(yaml.safe_dump_all(manifests))
    run(tool("kubernetes-validate"), "--strict", "--quiet", file).ok()


# --- schemas --------------------------------------------------------------------------------------


def test_kubernetes_knows_every_field_of_its_own_kinds(built: Built, tmp_path: Path) -> None:
    own = [each for each in built.manifests if each["kind"] not in CUSTOM]
    assert len(own) > 10
    strictly_valid(own, tmp_path)


def test_a_field_that_kubernetes_does_not_know_is_seen(base: Built, tmp_path: Path) -> None:
    right = base.of("Deployment")["turnkeeper-worker"]
    wrong = {**right, "spec": {**right["spec"], "replicaz": 2}}
    with pytest.raises(AssertionError, match="replicaz"):
        strictly_valid([wrong], tmp_path)


def test_the_custom_resources_are_of_their_schemas(built: Built, tmp_path: Path) -> None:
    for manifest in built.manifests:
        if manifest["kind"] in CUSTOM:
            schema = json.loads((SCHEMAS / CUSTOM[manifest["kind"]]).read_text())
            jsonschema_rs.validator_for(schema).validate(manifest)


def test_the_controllers_pod_template_is_the_bases(base: Built, tmp_path: Path) -> None:
    controlled = build(tmp_path, "worker-controller")
    pods, plain = dict(controlled.pods()), dict(base.pods())
    assert set(controlled.of("Deployment")) == {"turnkeeper-gateway", "turnkeeper-codec"}
    assert pods["turnkeeper-worker"] == plain["turnkeeper-worker"]
    (container,) = pods["turnkeeper-worker"]["spec"]["containers"]
    assert not OF_THE_CONTROLLER & {variable["name"] for variable in container["env"]}


# --- what a pod may do ----------------------------------------------------------------------------


def test_no_pod_has_more_rights_than_it_needs(built: Built) -> None:
    for name, pod in built.pods():
        spec, (container,) = pod["spec"], pod["spec"]["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["serviceAccountName"] in built.of("ServiceAccount"), name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_every_pod_is_under_the_policy_that_lets_nothing_in_and_few_things_out(
    built: Built,
) -> None:
    policies = built.of("NetworkPolicy")
    selected = policies["turnkeeper"]["spec"]["podSelector"]["matchLabels"]
    assert policies["turnkeeper"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for name, pod in built.pods():
        assert selected.items() <= pod["metadata"]["labels"].items(), name


def test_no_secret_is_in_the_manifests(built: Built) -> None:
    assert not built.of("Secret")
    for _, pod in built.pods():
        (container,) = pod["spec"]["containers"]
        assert {"secretRef": {"name": "turnkeeper-secrets"}} in container["envFrom"]
    for config in built.of("ConfigMap").values():
        assert not set(config["data"]) & set(SECRETS)


# --- two of everything ----------------------------------------------------------------------------


def test_there_are_never_less_than_two_of_anything(built: Built) -> None:
    scaled = [each["spec"] for each in built.of("ScaledObject").values()]
    for kind in ("Deployment", "WorkerDeployment"):
        for name, manifest in built.of(kind).items():
            scalers = [spec for spec in scaled if spec["scaleTargetRef"]["name"] == name]
            least = [spec["minReplicaCount"] for spec in scalers] or [manifest["spec"]["replicas"]]
            assert min(least) >= 2, name
            assert not (scalers and "replicas" in manifest["spec"]), f"two set the size of {name}"


def test_a_drained_node_takes_one_of_them_at_a_time(built: Built) -> None:
    budgets = [each["spec"] for each in built.of("PodDisruptionBudget").values()]
    for name, pod in built.pods():
        labels = pod["metadata"]["labels"].items()
        (own,) = [b for b in budgets if b["selector"]["matchLabels"].items() <= labels]
        assert own["maxUnavailable"] == 1, name
        spread = {each["topologyKey"] for each in pod["spec"]["topologySpreadConstraints"]}
        assert spread == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}, name


def test_each_is_given_the_time_it_takes_to_finish_what_it_has_begun(base: Built) -> None:
    pods = dict(base.pods())
    given = {name: pod["spec"]["terminationGracePeriodSeconds"] for name, pod in pods.items()}
    assert given["turnkeeper-worker"] > DRAIN_TIMEOUT.total_seconds()
    (gateway,) = pods["turnkeeper-gateway"]["spec"]["containers"]
    before = gateway["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert given["turnkeeper-gateway"] > before + DRAIN_SECONDS
    assert given["turnkeeper-codec"] > DRAIN_SECONDS


def test_the_scaler_looks_at_the_queue_of_the_workers(tmp_path: Path) -> None:
    built = build(tmp_path, "keda")
    (scaler,) = built.of("ScaledObject").values()
    temporal = scaler["spec"]["triggers"][0]["metadata"]
    assert temporal["taskQueue"] == TASK_QUEUE
    assert {temporal["endpointFromEnv"], temporal["namespaceFromEnv"]} <= set(config(built))


# --- in step with the code ------------------------------------------------------------------------


def config(built: Built) -> dict[str, str]:
    """The settings that every pod has."""
    (generated,) = built.of("ConfigMap").values()
    return dict(generated["data"])


def environment(built: Built, pod: Mapping[str, Any]) -> dict[str, str]:
    """What a container's process sees, with the secrets that docs/deploy.md tells to make."""
    (container,) = pod["spec"]["containers"]
    (generated,) = built.of("ConfigMap")
    assert container["envFrom"][0] == {"configMapRef": {"name": generated}}
    own = {variable["name"]: variable["value"] for variable in container.get("env", ())}
    return {**config(built), **SECRETS, **own}


def test_every_setting_and_every_command_is_one_that_the_code_reads(built: Built) -> None:
    for _, pod in built.pods():
        settings.check(environment(built, pod))
        settings.check_command(pod["spec"]["containers"][0].get("args", []))


def test_every_probe_and_every_service_finds_its_port(built: Built) -> None:
    for name, pod in built.pods():
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe, path in (("startup", "livez"), ("liveness", "livez"), ("readiness", "readyz")):
            asked = container[f"{probe}Probe"]["httpGet"]
            assert asked["path"] == f"/{path}", name
            assert asked["port"] in ports, name
        assert environment(built, pod)["TURNKEEPER_METRICS"] == f"0.0.0.0:{ports['metrics']}"
        if "health" in ports:
            assert environment(built, pod)["TURNKEEPER_HEALTH"] == f"0.0.0.0:{ports['health']}"
        else:
            assert container["args"][-1] == str(ports["http"])


def test_each_service_has_pods_and_what_it_serves_is_let_in(built: Built) -> None:
    pods, policies = dict(built.pods()), built.of("NetworkPolicy")
    for name, service in built.of("Service").items():
        labels, (container,) = pods[name]["metadata"]["labels"], pods[name]["spec"]["containers"]
        assert service["spec"]["selector"].items() <= labels.items()
        (port,) = service["spec"]["ports"]
        (number,) = [
            p["containerPort"] for p in container["ports"] if p["name"] == port["targetPort"]
        ]
        (rule,) = policies[name]["spec"]["ingress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": number}]


def test_the_image_of_an_overlay_is_everybodys(built: Built) -> None:
    images = {pod["spec"]["containers"][0]["image"] for _, pod in built.pods()}
    assert images == {"registry.example.com/turnkeeper:42"}


def test_the_page_says_how_to_make_the_secret_that_the_pods_need() -> None:
    assert set(re.findall(r"--from-literal (\w+)=", PAGE.read_text())) == set(SECRETS)


def test_the_charts_values_are_for_the_databases_and_the_address_of_the_manifests() -> None:
    values = yaml.safe_load((KUBERNETES / "temporal-values.yaml").read_text())
    persistence = values["server"]["config"]["persistence"]
    assert persistence["numHistoryShards"] == 512
    stores = [store["sql"] for store in persistence["datastores"].values()]
    assert [store["databaseName"] for store in stores] == ["temporal", "temporal_visibility"]
    assert not any("password" in store for store in stores)
    (namespace,) = values["server"]["config"]["namespaces"]["namespace"]
    ours = variables((KUBERNETES / "base" / "settings.env").read_text())
    assert ours["TEMPORAL_NAMESPACE"] == namespace["name"]
