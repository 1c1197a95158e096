"""What a request does at the other end."""

from __future__ import annotations

import pytest

from effects.fakeworld import SETTING
from interlock.effects.catalogue import api_table
from interlock.effects.catalogue.http_api import http_effects, read_request
from interlock.model import labels
from interlock.model.effect import Kind, Verb
from interlock.model.errors import CatalogueError

CHANGES = [
    ("DELETE", "https://api.example.org/v1/users/4", None, Verb.DELETE, Kind.CLOUD_RESOURCE),
    ("PUT", "https://api.acme-shop.com/v1/users/4", "{}", Verb.CONFIGURE, Kind.CLOUD_RESOURCE),
    ("POST", "https://api.stripe.com/v1/refunds", "charge=ch_1", Verb.SPEND, Kind.CLOUD_RESOURCE),
    ("POST", "https://api.github.com/graphql", "mutation { deleteRef { x } }", Verb.DELETE, Kind.CLOUD_RESOURCE),
    ("POST", "https://api.github.com/repos/o/r/collaborators/bob", "", Verb.GRANT, Kind.CLOUD_RESOURCE),
    ("GET", "https://ec2.eu-west-1.amazonaws.com/?Action=TerminateInstances", None, Verb.DELETE, Kind.CLOUD_RESOURCE),
    ("POST", "https://sts.amazonaws.com/", "Action=AssumeRole&RoleArn=x", Verb.READ, Kind.SECRET),
    ("GET", "https://vault.example.org/v1/secret/data/db", None, Verb.READ, Kind.SECRET),
    ("PUT", "http://localhost:8200/v1/sys/seal", None, Verb.DELETE, Kind.CLOUD_RESOURCE),
    ("DELETE", "https://10.0.0.1:6443/api/v1/namespaces/prod", None, Verb.DELETE, Kind.CLUSTER_OBJECT),
    ("GET", "https://10.0.0.1:6443/api/v1/namespaces/prod/secrets/db", None, Verb.READ, Kind.SECRET),
    ("POST", "http://localhost:2375/v1.41/containers/create", "{}", Verb.EXECUTE, Kind.CONTAINER),
    ("POST", "https://hooks.slack.com/services/T/B/x", "{}", Verb.SEND, Kind.CLOUD_RESOURCE),
    ("GET", "https://api.telegram.org/bot1:x/sendMessage?text=hi", None, Verb.SEND, Kind.CLOUD_RESOURCE),
    ("POST", "https://compute.googleapis.com/v1/projects/p:setIamPolicy", "{}", Verb.GRANT, Kind.CLOUD_RESOURCE),
    ("PUT", "https://registry.npmjs.org/left-pad", "{}", Verb.PUBLISH, Kind.PACKAGE),
    ("POST", "https://jenkins.example.org/job/x/doDelete", None, Verb.DELETE, Kind.DATABASE),
    ("DELETE", "http://localhost:8001/services/pay", None, Verb.DELETE, Kind.SYSTEM),
    ("DELETE", "http://localhost:8001/api/v1/namespaces/x", None, Verb.DELETE, Kind.CLUSTER_OBJECT),
    ("DELETE", "http://localhost:3000/api/dashboards/uid/x", None, Verb.DELETE, Kind.DATABASE),
    ("DELETE", "http://localhost:3000/items/1", None, Verb.DELETE, Kind.CLOUD_RESOURCE),
    ("DELETE", "http://localhost:9200/idx", None, Verb.DELETE, Kind.DATABASE),
    ("POST", "http://localhost:9090/api/v1/admin/tsdb/delete_series?match=up", None, Verb.DELETE, Kind.DATABASE),
]  # fmt: skip


@pytest.mark.parametrize(("method", "url", "body", "verb", "kind"), CHANGES)
def test_a_call_that_changes_something_says_what(method, url, body, verb, kind) -> None:
    found = read_request(method, url, body, SETTING)
    assert (verb, kind) in [(e.verb, e.resource.kind) for e in found.effects]
    assert not found.asks


ASKS = [
    ("GET", "https://api.stripe.com/v1/customers", None),
    ("POST", "https://api.github.com/graphql", '{"query":"{ viewer { login } }"}'),
    ("POST", "https://dynamodb.eu-west-1.amazonaws.com/", "Action=DescribeTable"),
    ("GET", "http://localhost:8200/v1/sys/health", None),
    ("POST", "https://api.notion.com/v1/databases/x/query", "{}"),
    ("GET", "https://discord.com/api/v10/gateway", None),
    ("GET", "https://example.org/a", None),
]


@pytest.mark.parametrize(("method", "url", "body"), ASKS)
def test_a_call_that_only_asks_changes_nothing(method, url, body) -> None:
    assert read_request(method, url, body, SETTING).effects == ()


def test_a_header_can_hide_the_method_and_the_operation() -> None:
    hidden = read_request("POST", "https://x.example.org/a", "", SETTING, {"x-http-method-override": "DELETE"})
    assert hidden.effects[0].verb is Verb.DELETE
    target = {"x-amz-target": "DynamoDB_20120810.DeleteTable"}
    assert read_request("POST", "https://dynamodb.us-east-1.amazonaws.com/", "{}", SETTING, target).effects[0].verb is (
        Verb.DELETE
    )


def test_a_whole_request_is_who_is_talked_to_and_what_changes() -> None:
    plain = http_effects("", "https://example.com/a", None, SETTING)
    assert [(e.verb, labels.PUBLIC in e.resource.labels) for e in plain] == [(Verb.FETCH, True)]
    sent = http_effects("", "https://example.com/a", "x=1", SETTING, taint=(labels.FROM_FILE,))
    assert [(e.verb, e.taint) for e in sent] == [(Verb.SEND, (labels.FROM_FILE,))]
    named = http_effects("GET", "https://example.com/a", None, SETTING, headers={"authorization": "x"})
    assert labels.PUBLIC not in named[0].resource.labels


@pytest.mark.parametrize(
    "text",
    [
        "x = [",
        "[[api]]\nhosts = 'a'",
        "[[api]]\nname = 'a'\nfoo = 'b'",
        "[[api]]\nname = 'a'\ncalls = 'GET nothing'",
        "[[api]]\nname = 'a'\ncalls = 'GET /x = frob cloud_resource y'",
        "[[api]]\nname = 'a'\ncalls = 'GET /x = delete cloud_resource {missing}'",
    ],
)
def test_a_table_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        api_table.load(text)


def test_a_path_of_many_pieces_is_read_at_its_ends() -> None:
    url = "https://jenkins.example.org/" + "job/" * 20_000 + "doDelete"
    assert read_request("POST", url, None, SETTING).effects[0].verb is Verb.DELETE
