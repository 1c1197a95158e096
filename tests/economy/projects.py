"""The projects of the recorded days, made in a temporary folder: real repositories with the files that are read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from economy.recording import DAY

CONFIG = """
known_hosts = ["*.acme.example"]
[environments.production]
hosts = ["*.prod.*", "*.prod", "*-prod.example", "*.board-prod.example"]
contexts = ["prod", "prod-*"]
accounts = ["prod", "production", "blog-prod"]
[environments.staging]
contexts = ["staging"]
accounts = ["staging"]
hosts = ["*.staging.*"]
[environments.development]
contexts = ["kind-*", "minikube"]
accounts = ["dev", "acme-dev"]
databases = ["django", "alembic", "prisma", "gradle:*", "*_dev", "*_test", "*.duckdb"]
"""

_FILES = {
    "pylib": {
        "pyproject.toml": '[project]\nname = "tablet"\nversion = "1.3"\n[project.optional-dependencies]\n'
        'dev = ["pytest", "ruff", "mypy", "hypothesis", "build", "twine"]\n',
        "tests/data/quoted.csv": 'a,"b"\n',
    },
    "shop": {
        "requirements.txt": "django\ncelery\nredis\npsycopg\n",
        "requirements-dev.txt": "-r requirements.txt\npytest\npytest-django\ndjango-debug-toolbar\n",
        "manage.py": "import os, sys\nfrom django.core.management import execute_from_command_line\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nexecute_from_command_line(sys.argv)\n",
        "docker-compose.yml": "services:\n  db:\n    image: postgres:16\n  redis:\n    image: redis:7\n  web:\n"
        "    build: .\n    command: python manage.py runserver\n",
        "Dockerfile": "FROM python:3.12-slim\nCOPY . /app\nRUN pip install -r /app/requirements.txt\n",
        ".env.example": "SECRET_KEY=change-me\n",
    },
    "board": {
        "package.json": json.dumps(
            {
                "name": "board", "private": True,
                "scripts": {"build": "turbo run build", "test": "turbo run test", "lint": "eslint ."},
                "devDependencies": {
                    "turbo": "^2", "eslint": "^9", "typescript": "^5", "prettier": "^3", "@playwright/test": "^1",
                    "vitest": "^2",
                },
            }
        ),
        "pnpm-workspace.yaml": "packages:\n  - packages/*\n  - apps/*\n",
        "packages/ui/package.json": json.dumps(
            {"name": "@board/ui", "version": "0.3.0", "scripts": {"test": "vitest run", "build": "tsc -p ."},
             "dependencies": {"react": "^18", "clsx": "^2"}}
        ),
        "apps/web/package.json": json.dumps(
            {"name": "web", "scripts": {"dev": "next dev", "build": "next build", "test": "vitest run"}}
        ),
        "apps/api/package.json": json.dumps(
            {"name": "api", "scripts": {"test": "vitest run", "build": "tsc -p .", "start": "node dist/server.js"},
             "dependencies": {"zod": "^3", "@prisma/client": "^5"}}
        ),
        "docker-compose.dev.yml": "services:\n  postgres:\n    image: postgres:16\n",
    },
    "gate": {
        "go.mod": "module acme.example/gate\n\ngo 1.23\n\nrequire golang.org/x/time v0.7.0\n",
        "Makefile": "all: build\nbuild:\n\tgo build -o bin/gate .\ntest:\n\tgo test ./...\n"
        "lint:\n\tgolangci-lint run\n",
        "scripts/load.sh": "#!/bin/sh\nset -eu\nhey -n 1000 \"http://${1:-localhost:8080}/\"\n",
        "files.txt": "main.go\n",
        "deploy/compose.yml": "services:\n  gate:\n    build: ..\n",
    },
    "sift": {
        "Cargo.toml": '[package]\nname = "sift"\nversion = "0.2.0"\n[dependencies]\nregex = "1"\nignore = "0.4"\n',
    },
    "ring": {
        "CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(ring C)\nadd_library(ring src/ring.c)\n",
        "bench/Makefile": "all: bench\nbench: bench.c\n\tcc -O2 -o bench bench.c\nclean:\n\trm -f bench\n",
        "scripts/check.sh": "#!/bin/sh\nset -e\ncmake --build build\nctest --test-dir build\n",
    },
    "infra": {
        "inventory/staging": "[worker]\nworker-1.staging.acme.example\n",
        "k8s/worker.yaml": "kind: Deployment\n",
    },
    "metrics": {
        "requirements.txt": "dbt-core\ndbt-duckdb\npandas\npytest\nruff\n",
        "scripts/backfill.py": "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--dry-run', action='store_true')\nparser.add_argument('--days', type=int)\n"
        "print(parser.parse_args())\n",
        "dags/daily.py": "print('daily')\n",
        "jobs/sessions.py": "print('sessions')\n",
        "sql/create_index.sql": "CREATE INDEX IF NOT EXISTS events_time ON events (event_time);\n",
    },
    "books": {
        "build.gradle.kts": "plugins { java }\n"
        'dependencies { testImplementation("org.junit.jupiter:junit-jupiter:5.11") }\n',
        "gradlew": "#!/bin/sh\nexec java -jar gradle/wrapper/gradle-wrapper.jar \"$@\"\n",
    },
    "blog": {
        "Gemfile": 'source "https://rubygems.org"\ngem "rails"\ngem "rack"\n',
        "config/routes.rb": "resources :posts\n",
    },
    "docs": {
        "scripts/toc.py": "import pathlib, sys\n"
        "for page in pathlib.Path(sys.argv[1]).rglob('*.md'):\n    print(page)\n",
        "scripts/search-index.mjs": "import { readdirSync } from 'node:fs'\nconsole.log(readdirSync('content'))\n",
    },
}  # fmt: skip


def make(base: Path) -> tuple[Path, Path]:
    """Home and folder of projects below `base`, each project a repository with a remote and a first commit."""
    home, work = base / "home" / "dev", base / "home" / "dev" / "work"
    for project, files in _FILES.items():
        folder = work / project
        for name, text in files.items():
            _write(folder / name, text)
        for name in _named(project):
            if not (folder / name).exists():
                _write(folder / name, "before\n")
        _git(folder, "init", "-q", "-b", "main")
        _git(folder, "remote", "add", "origin", f"git@github.com:acme/{project}.git")
        _git(folder, "add", "-A")
        _git(folder, "commit", "-q", "-m", "first")
    return home, work


def follow(folder: Path, command: str) -> None:
    """Let the repository be where this command would leave it: on which branch, and what that one tracks."""
    words = command.split()
    if words[:2] in (["git", "checkout"], ["git", "switch"]):
        name = next((word for word in words[2:] if not word.startswith("-") and word != "&&"), "")
        if {"-b", "-c"} & set(words[2:3]):
            _git(folder, "switch", "-q", "-c", name)
        elif name == "main":
            _git(folder, "switch", "-q", "main")
    elif words[:4] == ["git", "push", "-u", "origin"]:
        branch = words[4]
        _git(folder, "update-ref", f"refs/remotes/origin/{branch}", "HEAD")
        _git(folder, "config", f"branch.{branch}.remote", "origin")
        _git(folder, "config", f"branch.{branch}.merge", f"refs/heads/{branch}")


def start(folder: Path) -> None:
    """A session begins on the main branch."""
    _git(folder, "switch", "-q", "main")


def _named(project: str) -> list[str]:
    """The files that the sessions read or edit there; those that they write come later."""
    names = []
    for file in DAY.glob("*.txt"):
        lines = file.read_text().splitlines()
        if lines[0] == f"project: {project}":
            names += [line[2:] for line in lines[2:] if line[:2] in {"r ", "e "} and "$" not in line]
    return names


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@acme.example", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
