"""The change gate: stages that an AI-written change passes before it is merged.

    repo.py ──► intake.py ──► Change ──► conduct.py (stages, side by side, in processes of their own)
                                              │
                        report/ ◄── Report ◄──┴── decide.py

How to write a stage
--------------------
A stage is an object with a name, a version, a budget in seconds and `run(change) -> Found` (`stage.py`). The shortest:

    from interlock.changes.change import Change
    from interlock.changes.finding import Finding, Weight
    from interlock.changes.stage import Found, Plain

    def run(change: Change) -> Found:
        findings = []
        for file in change.files:                       # FileChange: before, after, hunks, status, path
            for number, line in file.added():           # new lines, numbered in the new version
                if "password" in line:
                    findings.append(Finding(
                        rule="mine/password", weight=Weight.REVIEW, path=file.path, line=number,
                        title="A password stands here.", fix="Read it from the environment.", anchor=line, text=line))
        return Found(findings=tuple(findings))

    STAGE = Plain("mine", run, version="1", budget=5.0)

and one line in `stages/__init__.py`. What it may rely on:

- `change.files`: what differs between the merge base and the head, with both sides (`Version.text`, `.lines`, `.kind`).
  Only `Kind.TEXT` has text. `change.read(path, after=…)` reads any file of either tree, `change.paths()` lists them;
  `change.reads(paths)` reads many at once; code of the change runs in a `room.Room` and nowhere else.
  `change.renamed` maps old paths to new ones. `functions.py` says which function a line belongs to.
- `change.config`: the configuration of the *protected base*. Never read rules, baselines or waivers out of the change.
- `Weight.BLOCK` stops, `Weight.REVIEW` wants a person (INCONCLUSIVE), `Weight.NOTE` is shown. A stage never says its
  verdict: it follows. What could not be looked at goes into `Found.problems`, a sentence each: INCONCLUSIVE.
- New findings only: find in both versions and give `finding.fresh(before, after, renamed=change.renamed)` back.
- `Finding.anchor` identifies a finding beside rule and path; no line numbers in it, and never a secret in `text`.
- Raising, hanging, crashing, or taking all memory is INCONCLUSIVE too; the conductor sees to it.
- Paths and texts are the change's own words: renderers pass them through `model.visible`, stages need not.
"""
