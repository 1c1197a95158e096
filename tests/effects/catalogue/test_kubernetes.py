"""kubectl: what a look shows, what manifests contain, and which cluster is meant when none is named."""

from __future__ import annotations

import pytest

from effects.reading import effects, say
from interlock.effects.catalogue.examples import judge
from interlock.model.effect import Environment, Known, Verb

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: {namespace}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
"""
BINDING = "kind: ClusterRoleBinding\nmetadata:\n  name: everybody\n"
SHELL = "kind: Pod\nmetadata:\n  name: sh\nspec:\n  containers:\n  - securityContext:\n      privileged: true\n"


def test_objects_are_counted_and_their_namespace_is_a_clue() -> None:
    got = say("kubectl apply -f k8s/", {"k8s/web.yaml": WEB.format(namespace="production"), "k8s/README.md": "x"})
    written = next(e for e in got.effects if e.verb is Verb.WRITE)
    assert judge("write cluster_object k8s/, env:production", got) == ""
    assert (written.scale.count, written.scale.unit, written.scale.known) == (2, "objects", Known.COUNT)


def test_rights_in_a_manifest_are_a_grant_and_a_privileged_pod_is_said() -> None:
    got = say("kubectl create -f rights.yaml", {"rights.yaml": BINDING})
    assert judge("grant cluster_object clusterrolebinding/everybody", got) == ""
    typed = effects(f"kubectl apply -f - <<'END'\n{BINDING}END\n")
    assert any(e.verb is Verb.GRANT for e in typed)
    assert judge("execute container, privileged", say("kubectl apply -f sh.yaml", {"sh.yaml": SHELL})) == ""


def test_manifests_in_a_base_of_a_kustomization_count() -> None:
    files = {
        "overlays/dev/kustomization.yaml": "resources:\n- ../../base\n",
        "base/rights.yaml": BINDING,
    }
    assert judge("grant cluster_object clusterrolebinding/everybody", say("kubectl apply -k overlays/dev", files)) == ""


def test_what_nobody_can_read_is_no_local_development() -> None:
    local = {"../.kube/config": "current-context: kind-dev\n"}
    assert judge("never opaque", say("kubectl apply -f web.yaml", {**local, "web.yaml": "kind: Service\n"})) == ""
    assert judge("opaque code", say("kubectl apply -f https://x.example/a.yaml", local)) == ""
    assert judge("opaque code", say("kubectl apply -f /opt/a.yaml", local)) == ""


def test_deleting_a_file_with_a_namespace_in_it_takes_everything() -> None:
    files = {"ns.yaml": "kind: Namespace\nmetadata:\n  name: shop\n"}
    assert judge("delete cluster_object ns.yaml, all irreversible", say("kubectl delete -f ns.yaml", files)) == ""
    assert judge("nothing", say("kubectl delete -f - --dry-run=client", files)) == ""


def test_a_kubeconfig_that_runs_a_program_of_its_own_is_code() -> None:
    files = {"evil.yaml": "users:\n- user:\n    exec:\n      command: ./steal.sh\n"}
    assert judge("opaque code ./steal.sh", say("kubectl --kubeconfig evil.yaml get pods", files)) == ""
    cloud = {"eks.yaml": "users:\n- user:\n    exec:\n      command: aws\n"}
    assert judge("harmless", say("kubectl --kubeconfig eks.yaml get pods", cloud)) == ""


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get secret db -o yaml",
        "kubectl get -o json secrets/db",
        "kubectl get cm,secrets.v1. -oyaml",
        "kubectl get secrets -A -o go-template-file=t.tpl",
        "kubectl get secrets --template '{{range .items}}{{.data}}{{end}}'",
        "kubectl get --raw=/api/v1/secrets",
        "kubectl get --raw /api/v1/namespaces/x/services/vault:8200/proxy/v1/kv",
        "kubectl describe secrets -n kube-system",
    ],
)
def test_the_values_of_secrets_are_shown(command: str) -> None:
    assert judge("read secret, secret", say(command)) == ""


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get secrets -o name",
        "kubectl get secret db -o custom-columns=NAME:.metadata.name",
        "kubectl get secret db -o wide",
        "kubectl get secretproviderclasses -o yaml",
        "kubectl get --raw /readyz",
    ],
)
def test_their_names_are_no_secret(command: str) -> None:
    assert judge("never read secret", say(command)) == ""


@pytest.mark.parametrize(
    "command",
    [
        "argocd app sync web",  # talks to its own server
        "helmfile apply",  # names its contexts in a file
        "skaffold run",
        "kops update cluster --yes",
        "kubectl --server https://c.example delete deploy web",
    ],
)
def test_the_selected_cluster_calms_only_what_goes_there(command: str) -> None:
    local = {"../.kube/config": "current-context: kind-dev\n"}
    assert all(effect.environment is not Environment.DEVELOPMENT for effect in say(command, local).effects)
    assert judge("write cluster_object helm:web, env:development", say("helm upgrade web ./chart", local)) == ""


@pytest.mark.parametrize(
    "command",
    [
        "sudo kubectl delete deploy web",
        "HOME=/srv/ci kubectl delete deploy web",
        "export HOME=$(mktemp -d); kubectl delete deploy web",
        "ssh box kubectl delete deploy web",
        "export KUBECONFIG=$(cat path); kubectl delete deploy web",
    ],
)
def test_files_of_another_user_are_not_ours_to_read(command: str) -> None:
    local = {"../.kube/config": "current-context: kind-dev\n"}
    gone = [effect for effect in effects(command, local) if effect.verb is Verb.DELETE]
    assert gone
    assert all(effect.environment is Environment.UNKNOWN for effect in gone)
    assert effects("kubectl delete deploy web", local)[-1].environment is Environment.DEVELOPMENT
