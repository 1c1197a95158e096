"""Looking at infrastructure: a real terraform's plan, a real kubectl against an API server of the test's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interlock.model.effect import Known
from preview.bench import looked

terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@pytest.fixture
def infrastructure(tmp_path: Path) -> Path:
    """Two resources of terraform's built-in provider, applied."""
    (tmp_path / "main.tf").write_text(
        'resource "terraform_data" "one" { input = "a" }\nresource "terraform_data" "two" { input = "b" }\n'
    )
    for words in (["init", "-backend=true"], ["apply", "-auto-approve"]):
        subprocess.run(["terraform", *words, "-no-color"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


@terraform
@pytest.mark.slow
def test_a_destroy_is_planned_and_destroys_nothing(infrastructure):
    found = looked("terraform destroy -auto-approve", infrastructure, "plan", runs=True)
    assert "would destroy 2 resources (terraform_data." in found.lines[0]
    scale = found.effects[0].scale
    assert (scale.count, scale.unit, scale.known) == (2, "resources", Known.DRY_RUN)
    state = json.loads((infrastructure / "terraform.tfstate").read_text())
    assert len(state["resources"]) == 2


@terraform
@pytest.mark.slow
def test_an_apply_says_what_it_replaces(infrastructure):
    (infrastructure / "main.tf").write_text('resource "terraform_data" "one" { input = "a" }\n')
    found = looked("terraform apply -auto-approve", infrastructure, "plan", runs=True)
    assert "would destroy 1 resource (terraform_data.two)" in found.lines[0]


def test_a_plan_runs_the_projects_code_and_is_not_made_unasked(tmp_path):
    found = looked("terraform destroy -auto-approve", tmp_path, "plan")
    assert "`[preview] run = true`" in found.lines[0]


class _Cluster(BaseHTTPRequestHandler):
    """As much of a Kubernetes API as a dry run of a deletion asks for; it remembers what it was asked."""

    asked: list[str]

    def answer(self, body: dict[str, object]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        pods = {
            "kind": "Pod",
            "name": "pods",
            "singularName": "pod",
            "namespaced": True,
            "verbs": ["get", "list", "delete"],
        }
        if path == "/api":
            self.answer({"kind": "APIVersions", "versions": ["v1"]})
        elif path == "/apis":
            self.answer({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
        elif path == "/api/v1":
            self.answer({"kind": "APIResourceList", "groupVersion": "v1", "resources": [pods]})
        else:
            items = [
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"web-{n}", "namespace": "shop"}}
                for n in range(3)
            ]
            self.answer({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})

    def do_DELETE(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.asked.append(f"{self.path} {self.rfile.read(length).decode()}")
        self.answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[dict[str, str], list[str]]]:
    """The environment of a person whose kubectl speaks to a server of this test, and what was asked of it."""
    asked: list[str] = []
    handler = type("Handler", (_Cluster,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (home / ".kube/config").write_text(json.dumps(config))
    yield {"HOME": str(home), "PATH": os.environ["PATH"]}, asked
    server.shutdown()
    server.server_close()


@kubectl
@pytest.mark.slow
def test_the_cluster_itself_says_what_a_deletion_would_take(tmp_path, cluster):
    environ, asked = cluster
    found = looked("kubectl delete pods --all -n shop", tmp_path, "dry-run", environ=environ)
    assert found.lines == ("3 objects in context lab: pod/web-0, pod/web-1, pod/web-2",)
    assert asked
    assert all("dryRun" in one for one in asked)
    assert any(effect.scale.count == 3 and effect.scale.known is Known.DRY_RUN for effect in found.effects)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl --kubeconfig ./mine delete pod x",
        "kubectl delete pod x --server=https://c.example",
        "kubectl delete pod x --token abc",
    ],
)
def test_a_way_into_the_cluster_that_the_agent_chose_is_not_taken(tmp_path, command):
    found = looked(command, tmp_path, "dry-run")
    assert "another way into the cluster" in found.lines[0]


def test_a_variable_that_names_another_cluster_leaves_nothing_to_look_at(tmp_path):
    assert looked("KUBECONFIG=./mine kubectl delete pod x", tmp_path, "dry-run").lines == ()
    assert looked("export KUBECONFIG=./mine; kubectl delete pod x", tmp_path, "dry-run").lines == ()
