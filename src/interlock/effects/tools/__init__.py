"""The tools of coding agents, by their canonical names (Claude's), each with the reader of its input."""

from __future__ import annotations

from collections.abc import Callable

from interlock.effects.tools import files, mcp, own, shell, web
from interlock.model.action import Action, Reading
from interlock.model.effect import Effect
from interlock.model.world import Setting, World

ToolReader = Callable[[Action, Setting, World], Reading | tuple[Effect, ...]]

READERS: dict[str, ToolReader] = {
    # the shell
    "Bash": shell.bash,
    "Monitor": shell.bash,
    "exec_command": shell.bash,  # Codex; its hook hands these over as Bash, a batch of calls by their own names
    "shell": shell.bash,
    "shell_command": shell.bash,
    "local_shell": shell.bash,
    "container.exec": shell.bash,
    "unified_exec": shell.bash,
    "PowerShell": shell.powershell,
    "write_stdin": shell.write_stdin,
    "BashOutput": own.nothing,
    "KillShell": own.nothing,
    "KillBash": own.nothing,
    # files
    "Read": files.read,
    "NotebookRead": files.read,
    "Write": files.write,
    "Edit": files.edit,
    "MultiEdit": files.multi_edit,
    "NotebookEdit": files.notebook_edit,
    "Glob": files.glob,
    "Grep": files.grep,
    "LS": files.listing,
    "apply_patch": files.apply_patch,
    "read_file": files.read,
    "view_image": files.read,
    "list_dir": files.listing,
    # the web
    "WebFetch": web.web_fetch,
    "WebSearch": web.web_search,
    "web_search": web.web_search,
    # sub-agents and prompts
    "Task": own.starts,
    "Agent": own.starts,
    "Skill": own.starts,
    "SlashCommand": own.starts,
    "spawn_agent": own.starts,  # Codex CLI 0.169, multi_agent_v1: the calls of what it starts pass the same hook
    "resume_agent": own.starts,
    "send_input": own.nothing,
    "wait_agent": own.nothing,
    "close_agent": own.nothing,
    "SendMessage": own.nothing,
    "ListAgents": own.nothing,
    # looking
    "LSP": own.reads,
    "ListMcpResourcesTool": own.reads,
    "ReadMcpResourceTool": own.reads_resource,
    # what stays in the agent
    "TodoWrite": own.nothing,
    "TodoRead": own.nothing,
    "TaskCreate": own.nothing,
    "TaskUpdate": own.nothing,
    "TaskList": own.nothing,
    "TaskGet": own.nothing,
    "TaskOutput": own.nothing,
    "TaskStop": own.nothing,
    "AgentOutputTool": own.nothing,
    "ExitPlanMode": own.nothing,
    "EnterPlanMode": own.nothing,
    "AskUserQuestion": own.nothing,
    "ToolSearch": own.nothing,
    "StructuredOutput": own.nothing,
    "ReportFindings": own.nothing,
    "update_plan": own.nothing,
    "get_goal": own.nothing,
    "create_goal": own.nothing,
    "update_goal": own.nothing,
    "request_user_input": own.nothing,
    # what the agent does later
    "CronCreate": own.configures,
    "CronDelete": own.configures,
    "ScheduleWakeup": own.configures,
    "RemoteTrigger": own.configures,
}


def reader_of(tool: str) -> ToolReader | None:
    """The reader of a tool's input, None for a tool that nobody knows. Names are exact: `bash` is not `Bash`."""
    if tool.startswith("mcp__"):
        return mcp.mcp
    return READERS.get(tool)
