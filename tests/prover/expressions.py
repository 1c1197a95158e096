"""Generated conditions over all that the schema and the lint let a policy say, and over arithmetic, which can fail.

Type-directed: each strategy gives Cedar text of one type, so that what is generated validates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

from interlock.model.action import Principal
from interlock.model.decision import Approval, Context
from interlock.model.effect import Breadth, Effect, Environment, Kind, Known, Resource, Reversibility, Scale, Verb
from interlock.model.labels import TAINTS
from interlock.policy.notation import Situation
from interlock.policy.vocabulary import ATTRIBUTES, MOST, Type

LABELS = ["workspace", "secret", "root", "frozen", "guard"]
TEXTS = [
    "",
    "x",
    "hooks (skipped)",
    "a*b",
    'quo"te',
    "back\\slash",
    "\N{SNOWMAN}",
    "file",
    "\\u{41}",
    "A",
    "line\nfeed",
    "\x00",
    "\U000f0000",
]
PATTERNS = ["*", "", "x", "hooks*", "*skipped*", "a\\*b", "*\N{SNOWMAN}", "a*b*", "*\n*", "\\u{41}", "\U000f0000*"]
NUMBERS = [0, 1, 2, 50, MOST]


def quoted(text: str) -> str:
    """The text as a Cedar string."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1]
    return '"' + inner.replace("\\u0000", "\\0") + '"'


def as_pattern(text: str) -> str:
    """The text as a pattern of `like`: `*` stands for anything, and is itself as `\\*`."""
    return '"' + text.replace("\\u", "\\\\u").replace("\n", "\\n") + '"'


def _paths(kind: Type, *, closed: bool | None = None) -> list[str]:
    return [a.path for a in ATTRIBUTES if a.type is kind and closed in (None, a.words is not None)]


def _words(path: str) -> st.SearchStrategy[str]:
    attribute = next(a for a in ATTRIBUTES if a.path == path)
    return st.sampled_from(sorted(attribute.words)) if attribute.words is not None else st.sampled_from(TEXTS)


def _set(words: Sequence[str]) -> str:
    return f"[{', '.join(map(quoted, words))}]"


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    """A comparison of an attribute with words, or with another attribute."""
    path = draw(st.sampled_from(_paths(Type.STRING)))
    words = draw(st.lists(_words(path), min_size=1, max_size=3))
    other = draw(st.sampled_from(_paths(Type.STRING)))
    labels = draw(st.lists(st.sampled_from(LABELS), min_size=1, max_size=3))
    taints = draw(st.lists(st.sampled_from(sorted(TAINTS)), min_size=1, max_size=3))
    open_path = draw(st.sampled_from(_paths(Type.STRING, closed=False)))
    pattern = as_pattern(draw(st.sampled_from(PATTERNS)))
    return draw(
        st.sampled_from(
            [
                f"{path} == {quoted(words[0])}",
                f"{quoted(words[0])} != {path}",
                f"{_set(words)}.contains({path})",
                f"{path} == {other}",
                f"[{path}, {other}].contains({open_path})",
                f"{open_path} like {pattern}",
                f"resource.labels.contains({quoted(labels[0])})",
                f"resource.labels.contains({open_path})",
                f"resource.labels.containsAny({_set(labels)})",
                f"resource.labels.containsAll({_set(labels)})",
                f"{_set(labels)}.containsAll(resource.labels)",
                f"resource.labels == {_set(labels)}",
                f"context.taint.containsAny({_set(taints)})",
                "context.taint.isEmpty()",
                "resource.labels.containsAny(context.taint)",
                "[resource.labels].contains(context.taint)",
                f"(if context.frozen then {path} else {other}) == {open_path}",
                f"(if context.frozen then resource.labels else context.taint).contains({quoted(labels[0])})",
            ]
        )
    )


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number: known, of the request, or computed (which may not fit)."""
    one, two = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(NUMBERS))
    return draw(
        st.sampled_from(
            [
                str(one),
                "context.count",
                "context.approval.count",
                f"(context.count + {one})",
                f"(context.approval.count - {one})",
                f"(context.count * {two})",
                "(-context.count)",
                f"(if context.frozen then context.count else {one})",
            ]
        )
    )


flags = st.sampled_from(
    ["context.frozen", "context.count_known", "context.approval.strong", "context.approval.distinct_from_owner", "true",
     "false", "[context.frozen, true].contains(context.count_known)", "context.frozen == context.count_known"]
)  # fmt: skip
ordered = st.tuples(numbers(), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers()).map(" ".join)
conditions = st.recursive(
    st.one_of(comparisons(), comparisons(), flags, ordered),
    lambda inner: st.one_of(
        inner.map("!({})".format),
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(inner, inner, inner).map("(if {0[0]} then {0[1]} else {0[2]})".format),
    ),
    max_leaves=6,
)
clauses = st.lists(st.tuples(st.sampled_from(["when", "unless"]), conditions), max_size=3).map(
    lambda parts: " ".join(f"{word} {{ {text} }}" for word, text in parts)
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Any request, its values chosen where generated conditions look."""
    texts = st.sampled_from(TEXTS)
    return Situation(
        Principal(draw(texts), draw(texts), draw(texts), draw(texts), draw(texts), draw(texts)),
        Effect(
            verb=draw(st.sampled_from(list(Verb))),
            resource=Resource(
                draw(st.sampled_from(list(Kind))),
                draw(texts),
                tuple(sorted(draw(st.sets(st.sampled_from(LABELS), max_size=3)))),
            ),
            environment=draw(st.sampled_from(list(Environment))),
            reversibility=draw(st.sampled_from(list(Reversibility))),
            scale=Scale(
                draw(st.sampled_from(list(Breadth))),
                draw(st.none() | st.sampled_from(NUMBERS)),
                known=draw(st.sampled_from(list(Known))),
            ),
            taint=tuple(sorted(draw(st.sets(st.sampled_from(sorted(TAINTS)), max_size=2)))),
            via=draw(texts),
        ),
        Context(
            containment=draw(st.sampled_from(["none", "sandbox"])),
            frozen=draw(st.sampled_from([(), ("production",), ("all",)])),
        ),
        Approval(draw(st.integers(0, 3)), draw(st.booleans()), draw(st.booleans())),
    )
