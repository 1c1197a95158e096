"""The control panel: where a person sees what agents do, says yes or no, and stops everything.

How a screen is made: one file in `screens/`, one template, nothing else.

    screens/agents.py                          templates/agents.html
        class View(msgspec.Struct): ...            {% extends "base.html" %}
        def view(sessions, now) -> View            {% block screen %} ... {{ view.x }} ... {% endblock %}
        async def load(visit) -> View
        SCREENS = (Screen("agents", "/agents", "Agents", "agents.html", load, topics=("sessions",)),)
        ACTS = (Act("/agents/pause", pause),)  # where something can be done

- `view` is pure: what the daemon answered in, what the page shows out. It is tested without a daemon, and it is what
  the same address with `.json` gives.
- `load` asks the daemon (`await visit.ask("sessions.list")`: the methods of the socket, asked as the person who is
  signed in) and calls `view`.
- `topics` name what makes the page fetch itself anew (`live.py`).
- The template prints values with `{{ }}` alone. All of them go through the one renderer (`render.py`), so that no
  screen can forget it; there is no filter that goes around it, and a test holds the templates to that.
- An act changes something. It is reached by POST alone, through `defence.py` (where from) and `acts.py` (whose page,
  which form), in a script or without one: in the template, `{% call form("/agents/pause", subject) %} … {% endcall %}`.

A screen whose place stands in `places.py` appears in the navigation once its file is there.

The panel runs in a thread and an event loop of its own, and asks the daemon's loop for everything: a page that takes
long to make keeps no agent waiting. `daemon/panel.py` starts it when somebody comes.
"""
