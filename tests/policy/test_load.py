"""What a policy set is refused for, and that the refusal names the policy."""

from __future__ import annotations

import pytest

from interlock.model.errors import PolicyError
from interlock.policy.engine import Engine
from interlock.policy.rules import MAX_EXAMPLES, MAX_FILE, MAX_POLICIES, Layer, read


def policy(
    body: str = "forbid (principal, action, resource);",
    *,
    id: str = "r",  # noqa: A002 - the annotation's name
    tier: str = "4",
    why: str = "because",
    matches: str = "read file x",
    more: str = "",
) -> str:
    return f'@id("{id}")\n@tier("{tier}")\n@why("{why}")\n@matches("{matches}")\n{more}\n{body}\n'


def load(*texts: str, layer: str = "default") -> Engine:
    return Engine.load([Layer(layer, {f"{n}.cedar": text for n, text in enumerate(texts)})])


def forbid(condition: str) -> str:
    return policy(f"forbid (principal, action, resource) when {{ {condition} }};")


def refused(text: str, layer: str = "default") -> str:
    with pytest.raises(PolicyError) as caught:
        load(text, layer=layer)
    return str(caught.value)


def test_a_good_policy_loads() -> None:
    assert list(load(policy()).rules) == ["r"]


def test_an_empty_set_loads_and_denies_by_default() -> None:
    from interlock.policy import notation

    scene = notation.parse("read file x")
    decision = Engine.load([]).decide(scene.principal, [scene.effect], scene.context)
    assert decision.rules == ("default-deny",)
    assert decision.verdict == "deny"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("forbid (principal", "cannot be read as Cedar", id="syntax"),
        pytest.param(forbid('resource.colour == "red"'), "colour", id="unknown attribute"),
        pytest.param(forbid('resource.labels == "x"'), "r:", id="wrong type"),
        pytest.param(forbid('resource.labels.contains("secrt")'), 'did you mean "secret"?', id="misspelt label"),
        pytest.param(forbid('["databse"].contains(resource.kind)'), 'did you mean "database"?', id="misspelt kind"),
        pytest.param(forbid('"prod" == resource.environment'), "production", id="environment on the right"),
        pytest.param(forbid('context.taint.containsAny(["secret", "sekret"])'), "sekret", id="misspelt taint"),
        pytest.param(forbid('resource.labels.containsAll(["secret", "rot"])'), "rot", id="containsAll"),
        pytest.param(forbid('resource.kind like "data*"'), "closed vocabulary", id="like on words"),
        pytest.param(forbid('"a" == "a"'), "not compared with an attribute", id="literal alone"),
        pytest.param(forbid("context.count + 1 > 3"), "can fail at evaluation", id="overflow"),
        pytest.param(forbid("ip(resource.name).isLoopback()"), "can fail at evaluation", id="extension"),
        pytest.param(forbid('action == Interlock::Action::"read"'), "scope", id="action in a condition"),
        pytest.param(forbid('resource == Interlock::Resource::"x"'), "not available", id="entity"),
        pytest.param(forbid("context.approval.count >= 1"), "stricter", id="approval forbids"),
        pytest.param(
            policy("permit (principal, action, resource) when { !context.approval.strong };"),
            "stricter",
            id="not strong",
        ),
        pytest.param(
            policy("permit (principal, action, resource) when { context.approval.count < 2 };"), "stricter", id="fewer"
        ),
        pytest.param(
            policy("permit (principal, action, resource) when { context.approval.count == 1 };"), ">=", id="exactly one"
        ),
        pytest.param(
            policy("permit (principal, action, resource) when { context.approval.strong == true };"),
            "stricter",
            id="compared approval",
        ),
        pytest.param(
            policy('forbid (principal == Interlock::Agent::"x", action, resource);'), "one principal", id="principal"
        ),
        pytest.param(policy("forbid (principal == ?principal, action, resource);"), "slots", id="template"),
        pytest.param(policy('forbid (principal, action == Interlock::Action::"reed", resource);'), "reed", id="verb"),
        pytest.param("forbid (principal, action, resource);", "policy0 (no @id): @id is missing", id="no id"),
        pytest.param(policy(why=" "), "@why is missing", id="no why"),
        pytest.param(policy(matches=" "), "@matches is missing", id="no example"),
        pytest.param(policy(tier="five"), "@tier is a number", id="tier"),
        pytest.param(policy(id="Not_An_Id"), "lower-case", id="id form"),
        pytest.param(policy(id="default-deny"), "reserved", id="reserved id"),
        pytest.param(policy(more='@tiers("1")'), "@tiers means nothing", id="unknown annotation"),
        pytest.param(policy(why="x" * 500), "at most", id="long why"),
        pytest.param(policy(why="x\N{RIGHT-TO-LEFT OVERRIDE}y"), "printable", id="bidi in why"),
        pytest.param("//" + "x" * MAX_FILE, "characters", id="huge file"),
        pytest.param(
            policy("forbid (principal, action, resource) when { " + "!" * 200 + "true };"), "0.cedar", id="deep"
        ),
    ],
)
def test_refused(text: str, expected: str) -> None:
    message = refused(text)
    assert expected in message
    assert "default/0.cedar" in message


def test_every_problem_of_a_file_is_named_at_once() -> None:
    message = refused(policy(id="one", tier="9") + policy(id="two", why=""))
    assert "one: @tier" in message
    assert "two: @why" in message


def test_an_example_that_does_not_match_is_named() -> None:
    body = 'forbid (principal, action == Interlock::Action::"delete", resource);'
    message = refused(policy(body, matches="delete file x\nread file y"))
    assert "r must apply to its example: read file y" in message


def test_an_example_that_must_be_spared_is_named() -> None:
    message = refused(policy(more='@spares("write file z")'))
    assert "r must not apply to its example: write file z" in message


def test_an_example_that_cannot_be_read_is_named() -> None:
    assert "unknown label 'secrt' in the example" in refused(policy(matches="read file x +secrt"))


def test_a_tier_that_the_ladder_contradicts_is_refused() -> None:
    body = "forbid (principal, action, resource) unless { context.approval.count >= 1 };"
    assert "approval one lifts it in its example, and that is tier 2" in refused(policy(body, tier="3"))
    assert load(policy(body, tier="2")).rules["r"].tier == 2


def test_ids_are_unique_over_all_layers() -> None:
    with pytest.raises(PolicyError, match="already taken by default/a"):
        read([Layer("default", {"a": policy()}), Layer("project", {"b": policy()})])


@pytest.mark.parametrize("layer", ["project", "user", "whatever"])
def test_a_permit_below_the_base_is_refused_with_its_reason(layer: str) -> None:
    message = refused(policy("permit (principal, action, resource);"), layer)
    assert f"the {layer} layer can only tighten" in message


def test_the_organisation_may_permit() -> None:
    assert load(policy("permit (principal, action, resource);"), layer="organisation").rules["r"].effect == "permit"


def test_too_many_policies_are_refused() -> None:
    text = "".join(policy(id=f"r{n}") for n in range(MAX_POLICIES + 1))
    with pytest.raises(PolicyError, match="at most"):
        read([Layer("project", {"big.cedar": text})] if len(text) <= MAX_FILE else _split(text))


def _split(text: str) -> list[Layer]:
    parts = text.split("\n\n")
    half = len(parts) // 2
    return [Layer("user", {"a": "\n\n".join(parts[:half]), "b": "\n\n".join(parts[half:])})]


def test_the_digest_tells_sets_apart_and_nothing_else() -> None:
    one = [Layer("default", {"a": policy(), "b": policy(id="s")})]
    same = [Layer("default", {"b": policy(id="s"), "a": policy()})]
    moved = [Layer("default", {"a": policy() + policy(id="s")})]
    assert Engine.load(one).digest == Engine.load(same).digest
    assert Engine.load(one).digest != Engine.load(moved).digest


def test_a_failing_example_fails_every_time() -> None:
    """What was tried is remembered; a failure must never be remembered as a success."""
    bad = policy(more='@spares("write file z")')
    assert refused(bad) == refused(bad)


def test_a_policy_in_a_toml_file_is_refused_with_its_reason() -> None:
    with pytest.raises(PolicyError, match="carry their examples themselves"):
        read([Layer("user", {"a.examples.toml": ""})])


def test_a_layer_and_its_examples_are_bounded() -> None:
    """A cloned repository's policy is read by the daemon: it must not be able to keep the daemon busy."""
    big = {f"{n}.cedar": "// " + "x" * 200_000 for n in range(3)}
    with pytest.raises(PolicyError, match="the project layer holds"):
        read([Layer("project", big)])
    with pytest.raises(PolicyError, match="examples; at most"):
        read([Layer("project", {"a": policy(matches="read file x\n" * (MAX_EXAMPLES + 1))})])
