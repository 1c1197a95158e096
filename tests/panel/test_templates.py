"""No template prints anything around the one renderer, and no page loads anything that is not ours."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest
from jinja2 import nodes
from markupsafe import Markup

from interlock.panel.assets import address, assets, manifest
from interlock.panel.render import environment, lines, shown

NAMES = sorted(environment().list_templates())
OURS = ("/", "#", "{{ asset(", "{{ place.path }}", "{{ page.path }}", "{{ act }}")  # how an address may begin
STATIC = resources.files("interlock.panel").joinpath("static")


def source(name: str) -> str:
    return resources.files("interlock.panel").joinpath("templates", name).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_template_goes_around_the_renderer(name: str) -> None:
    tree = environment().parse(source(name))
    environment().get_template(name)  # it compiles: every filter exists
    for node in tree.find_all((nodes.MarkSafe, nodes.MarkSafeIfAutoescape, nodes.ScopedEvalContextModifier)):
        pytest.fail(f"line {node.lineno}: {type(node).__name__}")
    for node in tree.find_all(nodes.Concat):
        # With finished markup on one side, the other would be escaped and not made visible.
        calls = [inner for inner in node.find_all((nodes.Call, nodes.Filter)) if isinstance(inner, nodes.Call)]
        assert not calls, f"line {node.lineno}: a macro's result is joined to text"
    assert "|safe" not in source(name).replace(" ", "")


@pytest.mark.parametrize("name", NAMES)
def test_no_template_holds_script_style_or_a_foreign_address(name: str) -> None:
    text = source(name)
    for line in text.splitlines():
        assert "<script" not in line or "nonce=" in line
        assert not re.search(r"\son[a-z]+=", line), line
    for mark in ("<style", "style=", "javascript:", 'src="http', 'href="http', "hx-on", "{% autoescape"):
        assert mark not in text.lower(), mark
    for attribute in ("href", "src", "action"):
        for part in text.split(f'{attribute}="')[1:]:
            assert part.startswith(("/", "#", "{{ asset(", "{{ place.path }}", "{{ page.path }}", "{{ act }}")), part[
                :40
            ]


@pytest.mark.parametrize("name", NAMES)
def test_every_element_with_htmx_carries_the_nonce(name: str) -> None:
    for line in source(name).splitlines():
        if " hx-" in line and "hx-nonce" not in line:
            pytest.fail(line.strip())


def test_what_templates_print_is_made_visible_and_escaped() -> None:
    rendered = environment().from_string("{{ x }} <i title='{{ x }}'>{{ x | upper }}</i>").render(x="<b>\u202e'\x1b\"")
    assert rendered.startswith("&lt;b&gt;&lt;U+202E&gt;&#39;&lt;U+001B&gt;&#34; <i title='&lt;b&gt;")
    assert "\u202e" not in rendered
    assert "\x1b" not in rendered
    assert "<b>" not in rendered.lower()
    assert lines("a\n\u200bb") == Markup("a\n&lt;U+200B&gt;b")
    assert shown(Markup("<p>")) == Markup("<p>")


def test_filters_that_make_markup_do_not_exist() -> None:
    for name in ("safe", "escape", "e", "forceescape", "xmlattr", "urlize", "tojson", "format", "replace", "indent"):
        assert name not in environment().filters


def test_the_assets_are_those_of_the_manifest() -> None:
    files = {file.name for file in STATIC.iterdir() if file.is_file()} - {"manifest.json"}
    assert files == set(manifest())
    for name, facts in manifest().items():
        assert hashlib.sha256(STATIC.joinpath(name).read_bytes()).hexdigest() == facts["sha256"], name
        assert facts.get("ours") or facts["from"]
    for name, facts in manifest().items():
        if not facts.get("ours") and not facts.get("licence_of"):
            assert facts["licence"] in {"0BSD", "MIT"}
            assert any(name in other.get("licence_of", "") for other in manifest().values())


def test_the_assets_fit() -> None:
    assert sum(len(asset.data) for asset in assets().values()) <= 300 << 10
    assert address("htmx.js").startswith("/static/")
