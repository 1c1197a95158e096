"""Templates. Whatever they print goes through the one renderer of foreign text, `model/visible.py`.

`{{ value }}` is made visible, then escaped: that is the environment's own step for every value (`finalize`), and the
filters that would hand out text as finished HTML (`safe`, `escape`, …) do not exist here. `{{ value | lines }}` keeps
ordinary line ends. `tests/panel/test_templates.py` reads the templates' syntax for ways around.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup, escape

from interlock.model.counts import many
from interlock.model.visible import visible
from interlock.panel import assets, words
from interlock.panel.carried import address, carried

# Filters of Jinja that only choose, count or change the case; none of them makes markup.
_KEPT = ("abs", "default", "first", "int", "join", "last", "length", "list", "lower", "reverse", "round", "sort", "sum",
         "unique", "upper")  # fmt: skip


def shown(value: object) -> object:
    """What `{{ }}` prints of a value: our own markup as it is, everything else made visible."""
    return value if isinstance(value, Markup) else visible(str(value))


def lines(value: object) -> Markup:
    """A text of several lines, made visible."""
    return Markup("") + escape(visible(str(value), lines=True))


@cache
def environment() -> jinja2.Environment:
    """The one environment of all templates."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("interlock.panel", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters = {name: made.filters[name] for name in _KEPT}
    own: dict[str, Callable[..., Any]] = {
        "lines": lines,
        "address": address,
        "carried": carried,
        "age": words.age,
        "moment": words.moment,
        "many": many,
        "beware": words.beware,
        "would": words.would,
        "capital": words.capital,
    }
    made.filters |= own
    made.globals = {"asset": assets.address, "range": range}
    return made


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template's text."""
    return environment().get_template(template).render(**values)
