"""Schemas of Kubernetes' core objects and KubeRay's (v1), written down from the published ones.

Stricter in one way: a field that our manifests do not use is not in them, so that a misspelt one is refused.
"""

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
DNS_NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
QUANTITY: Schema = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|[KMGT]i?)?$"}


def listed(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def known(required: str = "", **properties: Schema) -> Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


METADATA = known("name", name=DNS_NAME, annotations=LABELS, labels=LABELS)
QUANTITIES: Schema = {"type": "object", "additionalProperties": QUANTITY}
CONTAINER = known(
    "name image resources",
    name=DNS_NAME,
    image=TEXT,
    command=listed(TEXT),
    args=listed(TEXT),
    envFrom=listed(known(secretRef=known("name", name=DNS_NAME, optional={"type": "boolean"}))),
    ports=listed(
        known(
            "containerPort",
            name={"type": "string", "pattern": "^[a-z0-9-]{1,15}$"},
            containerPort={"type": "integer", "minimum": 1, "maximum": 65535},
        )
    ),
    volumeMounts=listed(
        known(
            "name mountPath",
            name=DNS_NAME,
            mountPath={"type": "string", "pattern": "^/"},
            readOnly={"type": "boolean"},
        )
    ),
    resources=known("limits requests", limits=QUANTITIES, requests=QUANTITIES),
)
TOLERATION = known(
    "operator",
    key=TEXT,
    operator={"enum": ["Exists", "Equal"]},
    value={"type": "string"},
    effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
)
VOLUME = known(
    "name",
    name=DNS_NAME,
    configMap=known("name", name=DNS_NAME),
    secret=known("secretName", secretName=DNS_NAME),
)
POD = known(
    "containers",
    serviceAccountName=DNS_NAME,
    terminationGracePeriodSeconds=COUNT,
    nodeSelector=LABELS,
    tolerations=listed(TOLERATION),
    containers=listed(CONTAINER),
    volumes=listed(VOLUME),
)
TEMPLATE = known("spec", spec=POD)
HEAD = known("rayStartParams template", rayStartParams=LABELS, template=TEMPLATE)
WORKERS = known(
    "groupName replicas minReplicas maxReplicas rayStartParams template",
    groupName=DNS_NAME,
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    rayStartParams=LABELS,
    template=TEMPLATE,
)
CLUSTER = known(
    "headGroupSpec",
    rayVersion=TEXT,
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=known(
        upscalingMode={"enum": ["Default", "Aggressive", "Conservative"]}, idleTimeoutSeconds=COUNT
    ),
    headGroupSpec=HEAD,
    workerGroupSpecs=listed(WORKERS),
)
JOB = known(
    "entrypoint rayClusterSpec",
    entrypoint=TEXT,
    shutdownAfterJobFinishes={"type": "boolean"},
    ttlSecondsAfterFinished=COUNT,
    backoffLimit=COUNT,
    submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
    rayClusterSpec=CLUSTER,
)
SERVICE = known("serveConfigV2 rayClusterConfig", serveConfigV2=TEXT, rayClusterConfig=CLUSTER)


def _manifest(version: str, kind: str, required: str, **parts: Schema) -> Schema:
    return known(
        f"apiVersion kind metadata {required}",
        apiVersion={"const": version},
        kind={"const": kind},
        metadata=METADATA,
        **parts,
    )


KINDS: dict[str, Schema] = {
    "ServiceAccount": _manifest("v1", "ServiceAccount", ""),
    "Secret": _manifest("v1", "Secret", "type stringData", type={"const": "Opaque"}, stringData=LABELS),
    "ConfigMap": _manifest("v1", "ConfigMap", "data", data=LABELS),
    "RayCluster": _manifest("ray.io/v1", "RayCluster", "spec", spec=CLUSTER),
    "RayJob": _manifest("ray.io/v1", "RayJob", "spec", spec=JOB),
    "RayService": _manifest("ray.io/v1", "RayService", "spec", spec=SERVICE),
}
