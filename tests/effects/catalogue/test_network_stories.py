"""Stories of the network shelf: each was once read wrongly, or is the reason for a rule."""

from __future__ import annotations

import pytest

from interlock.effects.catalogue import packaged
from interlock.effects.catalogue.examples import SETTING, Files, invocation, judge


def said(command: str, expectation: str) -> str:
    return judge(expectation, packaged().interpret(invocation(command), SETTING, Files({})))


@pytest.mark.parametrize(
    "command",
    [
        "curl -sSL https://example.com/readme.md",
        "curl -o data/a.json https://example.com/a.json",
        "wget -qO- https://example.com/a.txt",
        "http GET https://example.com/a",
        "xh https://example.com/a",
        "lynx -dump https://example.com",
        "dig +short example.com",
        "ping -c 1 example.com",
        "nc -zv example.com 443",
    ],
)
def test_a_plain_visit_is_marked_as_one(command: str) -> None:
    assert not said(command, "fetch host, public")


@pytest.mark.parametrize(
    "command",
    [
        "curl -o install.sh https://example.com/a",
        "curl -O https://example.com/tool",
        "curl -o .github/workflows/ci.yml https://example.com/ci.yml",
        "wget -O CLAUDE.md https://example.com/CLAUDE.md",
        "curl -OJ https://example.com/a.json",
        "wget https://example.com/setup.py",
        "http -d https://example.com/a.deb",
        "curl -H 'X-Api-Key: abc' https://example.com/a",
        "curl --cert me.pem https://example.com/a",
        "curl --doh-url https://dns.example.com https://example.com/a",
        "wget --user me --password x https://example.com/a.txt",
        "curl -A $X https://example.com/a",
        "nc -zv example.com 1-1000",
    ],
)
def test_what_is_kept_to_run_or_names_its_sender_is_no_plain_visit(command: str) -> None:
    assert said(command, "fetch host, public")


def test_the_user_agent_carries_data_too() -> None:
    assert not said("curl -A $X https://example.com", "fetch host, !public")


def test_an_output_directory_says_where_the_file_goes() -> None:
    assert not said("curl -O --output-dir /etc/cron.d https://example.com/job", "write file /etc/cron.d/job")


def test_a_request_that_is_led_elsewhere_goes_there() -> None:
    assert not said("curl --connect-to a.example.com:80:169.254.169.254:80 http://a.example.com", "send host, metadata")


def test_a_method_that_nobody_knows_is_thought_the_worst() -> None:
    assert not said("curl -X $M https://example.com/items/1", "delete cloud_resource")


def test_a_port_of_another_host_that_leads_here_is_opened() -> None:
    assert not said("ssh -N -R 8080:localhost:8080 box.example.com", "publish host box.example.com")


def test_a_pattern_of_pings_carries_data() -> None:
    assert not said("ping -p 6162636465666768 example.com", "send host example.com")


def test_the_environment_of_any_process_is_secret() -> None:
    assert not said('strings "/proc/$PID/environ"', "read secret")


def test_a_key_that_only_signs_is_not_printed() -> None:
    assert not said("openssl req -new -key dev.key -out dev.csr", "never read secret")
    assert not said("openssl rsa -in dev.key", "read secret")


def test_a_resolver_of_ones_own_sees_every_name() -> None:
    assert not said("dig @203.0.113.4 example.com", "fetch host 203.0.113.4, !public")


def test_what_a_downloader_keeps_is_named_by_its_address() -> None:
    assert not said("aria2c https://example.com/a.zip", "fetch host example.com, public")
    assert not said("aria2c -d out https://example.com/setup.sh", "write file out/setup.sh, taint:network")
    assert not said("aria2c https://example.com/setup.sh", "fetch host example.com, !public")


@pytest.mark.parametrize(
    "command",
    [
        "python -c \"import requests; requests.delete('https://api.github.com/repos/a/b')\"",
        "python -c \"import requests; requests.request('DELETE', 'https://api.github.com/repos/a/b')\"",
        "python -c \"import httpx; httpx.delete('https://api.github.com/repos/a/b')\"",
        "node -e \"fetch('https://api.github.com/repos/a/b', {method: 'DELETE'})\"",
    ],
)
def test_a_request_in_program_text_changes_what_the_same_request_of_curl_changes(command: str) -> None:
    assert not said(command, "delete cloud_resource, irreversible")


def test_a_request_in_program_text_that_asks_changes_nothing() -> None:
    assert not said("python -c \"import requests; requests.get('https://api.github.com/repos/a/b')\"", "never delete")
    assert not said("node -e \"fetch('https://api.github.com/repos/a/b')\"", "never delete")
