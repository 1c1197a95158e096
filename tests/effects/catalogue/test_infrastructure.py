"""Infrastructure as code: what a plan in JSON says will go, and what a playbook would do where."""

from __future__ import annotations

import json

import pytest

from effects.reading import say
from interlock.effects.catalogue.examples import judge
from interlock.effects.invocation import Interpretation
from interlock.model.effect import Effect, Known, Verb


def change(address: str, *actions: str, **before: str) -> dict[str, object]:
    kind = address.split(".")[-2]
    return {"address": address, "type": kind, "change": {"actions": list(actions), "before": before or None}}


PLAN = json.dumps(
    {
        "format_version": "1.2",
        "resource_changes": [
            change("aws_db_instance.orders", "delete", identifier="orders-prod"),
            change("module.web.aws_instance.a", "delete", "create", name="a"),
            change("module.web.aws_instance.b", "create", "delete", name="b"),
            change("aws_s3_bucket.logs", "update", bucket="logs"),
            change("aws_iam_role.ci", "no-op"),
            change("aws_instance.new", "create"),
        ],
    }
)


def deleted(got: Interpretation, start: str) -> Effect:
    return next(e for e in got.effects if e.verb is Verb.DELETE and e.resource.name.startswith(start))


@pytest.mark.parametrize("name", ["tfplan.json", "plan.json", "out.bin.json", "out.json"])
def test_a_plan_in_json_says_how_many_resources_go(name: str) -> None:
    got = say("terraform apply out.bin", {name: PLAN})
    gone, anew = deleted(got, "destroyed"), deleted(got, "replaced")
    assert (gone.scale.count, gone.scale.unit, gone.scale.known) == (1, "resources", Known.COUNT)
    assert (anew.scale.count, anew.scale.known) == (2, Known.COUNT)
    assert "1 destroyed, 2 replaced, 1 changed, 1 created" in gone.notes[0]
    assert judge("delete database aws_db_instance.orders/orders-prod, all env:production", got) == ""
    assert judge("configure cloud_resource, env:production", got) == ""


def test_without_a_plan_the_state_counts_and_without_both_nobody_knows() -> None:
    assert deleted(say("terraform destroy", {"plan.json": PLAN}), "everything").scale.count == 1
    assert deleted(say("terraform destroy"), "everything").scale.known is Known.UNKNOWN
    for broken in ("{", "[]", '{"resource_changes": 3}', '{"resource_changes": [3, {"change": {"actions": 1}}]}'):
        assert judge("configure cloud_resource", say("terraform apply", {"plan.json": broken})) == ""


def test_a_plan_never_makes_an_apply_harmless() -> None:
    empty = json.dumps({"resource_changes": [change("aws_iam_role.ci", "no-op")]})
    assert judge("configure cloud_resource, many", say("terraform apply", {"plan.json": empty})) == ""


def test_the_selected_workspace_says_whose_it_is() -> None:
    selected = {"infra/.terraform/environment": "production", "infra/main.tf": ""}
    assert judge("delete cloud_resource, env:production", say("terraform -chdir=infra destroy", selected)) == ""
    dev = {"infra/.terraform/environment": "dev", "infra/main.tf": ""}
    assert judge("delete cloud_resource, env:development", say("terraform -chdir=infra destroy", dev)) == ""
    assert judge("create terraform_state workspace prod, env:production", say("terraform workspace select prod")) == ""


LOCAL = "- hosts: localhost\n  tasks:\n    - debug:\n        msg: hi\n"
REMOTE = "- hosts: web_production\n  tasks:\n    - name: gone\n      file: path=/srv state=absent\n    - yum: name=x\n"


def test_a_playbook_is_read_for_its_hosts_its_modules_and_what_it_removes() -> None:
    got = say("ansible-playbook site.yml", {"site.yml": REMOTE})
    assert judge("configure cloud_resource ansible:site.yml, many env:production", got) == ""
    assert judge("delete cloud_resource what site.yml removes, many", got) == ""
    assert any("file, yum" in note for effect in got.effects for note in effect.notes)


def test_a_playbook_for_this_machine_that_only_prints_is_project_code() -> None:
    assert judge("harmless", say("ansible-playbook site.yml", {"site.yml": LOCAL})) == ""
    assert judge("configure cloud_resource", say("ansible-playbook site.yml")) == ""  # nobody has read it
    roles = LOCAL + "    - include_role:\n        name: x\n"
    assert judge("configure cloud_resource", say("ansible-playbook site.yml", {"site.yml": roles})) == ""


def test_the_inventory_of_the_configuration_is_a_clue() -> None:
    files = {"ansible.cfg": "[defaults]\ninventory = inventories/prod\n", "site.yml": REMOTE.replace("_production", "")}
    assert judge("configure cloud_resource, env:production", say("ansible-playbook site.yml", files)) == ""


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ansible web -m ansible.builtin.shell -a 'rm -rf /x'", "inner rm -rf /x"),
        ("ansible web -a $TEXT", "opaque code"),
        ("ansible web -m ping --check=false", "nothing"),
        ("ansible web -m apt -a name=x --check=$HOW", "configure cloud_resource"),
        ("ansible all -i localhost, -c local -m command -a ls", "never execute"),
    ],
)
def test_an_ad_hoc_line_is_its_module(command: str, expected: str) -> None:
    assert judge(expected, say(command)) == ""
