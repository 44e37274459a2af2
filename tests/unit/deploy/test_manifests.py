"""The manifests: of their schemas, and saying what the code says. None of them was ever applied."""

import importlib.util
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray
import yaml
from ray.serve.schema import ServeDeploySchema

from actstore.serve.auth import TOKEN_VARIABLE
from jobs.replicas import DEPLOYMENT, ReplicaArguments
from jobs.study.load import load_study
from jobs.submit import STAGES
from tests.support.kube_schemas import KINDS

DEPLOY = Path(__file__).parents[3] / "deploy"
FILES = sorted((DEPLOY / "kuberay").glob("*.yaml"))
RAY_UP = sorted((DEPLOY / "ray-up").glob("*.yaml"))
RAY_SCHEMA = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())


def documents(kind: str | None = None) -> list[dict[str, Any]]:
    every = [document for file in FILES for document in yaml.safe_load_all(file.read_text())]
    return [document for document in every if kind in (None, document["kind"])]


def clusters() -> list[dict[str, Any]]:
    return (
        [found["spec"] for found in documents("RayCluster")]
        + [found["spec"]["rayClusterSpec"] for found in documents("RayJob")]
        + [found["spec"]["rayClusterConfig"] for found in documents("RayService")]
    )


def pods(cluster: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield group, group["template"]["spec"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_document_is_of_its_schema(file: Path) -> None:
    for document in yaml.safe_load_all(file.read_text()):
        jsonschema.validate(document, KINDS[document["kind"]])


def test_a_misspelt_field_is_refused() -> None:
    (cluster,) = documents("RayCluster")
    cluster["spec"]["headGroupSpec"]["rayStartParam"] = {}
    with pytest.raises(jsonschema.ValidationError, match="rayStartParam"):
        jsonschema.validate(cluster, KINDS["RayCluster"])


@pytest.mark.parametrize("file", RAY_UP, ids=lambda file: file.name)
def test_ray_up_files_are_of_rays_schema(file: Path) -> None:
    config = yaml.safe_load(file.read_text())
    jsonschema.validate(config, RAY_SCHEMA)
    assert config["head_node_type"] in config["available_node_types"]
    for command in config["head_start_ray_commands"][1:] + config["worker_start_ray_commands"][1:]:
        assert "--metrics-export-port=8080" in command
    gpu = config["available_node_types"]["gpu"]
    assert gpu["docker"]["worker_image"].endswith(":cuda")
    assert gpu["min_workers"] == 0


def test_every_group_can_be_scheduled() -> None:
    version = ray.__version__
    for cluster in clusters():
        assert cluster["rayVersion"] == version
        assert cluster["enableInTreeAutoscaling"]
        assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0", "the head computes nothing"
        for group, pod in pods(cluster):
            volumes = {volume["name"] for volume in pod.get("volumes", [])}
            (container,) = pod["containers"]
            assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes
            assert group["rayStartParams"]["metrics-export-port"] == "8080"
            limits = container["resources"]["limits"]
            has_gpu = "nvidia.com/gpu" in limits
            assert container["image"].endswith(":cuda" if has_gpu else ":cpu")
            assert limits.get("nvidia.com/gpu") == group["rayStartParams"].get("num-gpus")
            tolerated = {toleration["key"] for toleration in pod.get("tolerations", [])}
            assert ("nvidia.com/gpu" in tolerated) == has_gpu
            assert ("spot" in tolerated) == ("nodeSelector" in pod)
        for group in cluster["workerGroupSpecs"]:
            assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_names_that_are_referred_to_are_there() -> None:
    there = {(found["kind"], found["metadata"]["name"]) for found in documents()}
    for cluster in clusters():
        for _, pod in pods(cluster):
            wanted = {("ServiceAccount", pod["serviceAccountName"])}
            wanted |= {("Secret", source["secretRef"]["name"]) for source in pod["containers"][0]["envFrom"]}
            for volume in pod.get("volumes", []):
                wanted |= {("ConfigMap", volume["configMap"]["name"])} if "configMap" in volume else set()
                wanted |= {("Secret", volume["secret"]["secretName"])} if "secret" in volume else set()
            assert wanted <= there


def test_jobs_run_a_stage_of_a_study_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (studies,) = documents("ConfigMap")
    for found in documents("RayJob"):
        python, flag, module, study = found["spec"]["entrypoint"].split()
        assert (python, flag, module.partition(".")[0]) == ("python", "-m", "jobs")
        assert module.partition(".")[2] in STAGES
        assert importlib.util.find_spec(module) is not None
        mount, name = study.rsplit("/", 1)
        for _, pod in pods(found["spec"]["rayClusterSpec"]):
            assert pod["containers"][0]["volumeMounts"][0]["mountPath"] == mount
        (tmp_path / name).write_text(studies["data"][name])
    assert load_study(tmp_path / "study.toml").similarity[0].name == "change"


def test_the_service_is_what_serve_reads() -> None:
    (found,) = documents("RayService")
    config = ServeDeploySchema.model_validate(yaml.safe_load(found["spec"]["serveConfigV2"]))
    (application,) = config.applications
    module, _, builder = application.import_path.partition(":")
    assert hasattr(importlib.import_module(module), builder)
    arguments = ReplicaArguments.model_validate(application.args)
    assert [deployment.name for deployment in application.deployments] == [DEPLOYMENT]
    for _, pod in pods(found["spec"]["rayClusterConfig"]):
        ports = {port["containerPort"] for port in pod["containers"][0]["ports"]}
        assert config.http_options.port in ports
        assert str(arguments.token_file).startswith(
            pod["containers"][0]["volumeMounts"][0]["mountPath"] + "/"
        )
    tokens = [one for one in documents("Secret") if one["metadata"]["name"] == "actstore-token"]
    assert arguments.token_file is not None
    assert arguments.token_file.name in tokens[0]["stringData"]
    assert TOKEN_VARIABLE not in str(documents()), "the token is a file: variables are seen by every process"


def test_secrets_are_empty() -> None:
    for found in documents("Secret"):
        filled = {key for key, value in found["stringData"].items() if value}
        assert filled <= {"AWS_REGION"}


def test_the_extras_are_the_projects() -> None:
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    assert {"replicas", "cuda12"} <= set(project["optional-dependencies"])
