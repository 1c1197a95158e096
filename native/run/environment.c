/* The command's environment, which holds what the plan keeps or sets and nothing else, and finding the command in it. */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static bool kept(const struct words *keep, const char *entry, size_t name)
{
    for (size_t i = 0; i < keep->count; i++) {
        size_t length = strlen(keep->list[i]);
        bool prefix = keep->list[i][length - 1] == '*';
        if (prefix ? name >= length - 1 && memcmp(entry, keep->list[i], length - 1) == 0
                   : name == length && memcmp(entry, keep->list[i], length) == 0)
            return true;
    }
    return false;
}

static bool has(const struct words *list, const char *entry, size_t name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->list[i], entry, name) == 0 && list->list[i][name] == '=')
            return true;
    return false;
}

char **new_environment(const struct plan *plan)
{
    struct words made = {0};
    for (size_t i = 0; i < plan->set.count; i++) {
        size_t name = strcspn(plan->set.list[i], "=");
        if (has(&made, plan->set.list[i], name))
            fail(REINSTALL, "its plan sets %.*s twice", (int)name, plan->set.list[i]);
        add_word(&made, plan->set.list[i]);
    }
    for (char **entry = environ; *entry; entry++) {
        size_t name = strcspn(*entry, "=");
        if (!(*entry)[name] || !kept(&plan->keep, *entry, name) || has(&made, *entry, name))
            continue;
        char *copy = strdup(*entry);
        if (!copy)
            fail("Free some memory and try again.", "there is no memory for the environment");
        add_word(&made, copy);
    }
    if (!made.list)
        made.list = calloc(1, sizeof *made.list);
    return made.list;
}

void forget_environment(void)
{
    for (char **entry = environ; *entry; entry++)
        memset(*entry, 0, strlen(*entry));
    static char *nothing[] = {NULL};
    environ = nothing;
}

static const char *value_in(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static int could_not(const char *name, int error)
{
    const char *why = error == ENOENT ? "command not found" : strerror(error);
    fprintf(stderr, "interlock-run: %s: %s\n", name, why);
    return error == ENOENT || error == ENOTDIR ? STATUS_UNKNOWN : STATUS_UNRUNNABLE;
}

/* A text without `#!` is the shell's, as for every other program that runs commands. */
static void execute(const char *path, char **arguments, char **environment)
{
    execve(path, arguments, environment);
    if (errno != ENOEXEC)
        return;
    struct words words = {0};
    add_word(&words, (char *)"/bin/sh");
    add_word(&words, (char *)path);
    for (char **word = arguments + 1; *word; word++)
        add_word(&words, *word);
    execve("/bin/sh", words.list, environment);
}

int run_command(char **arguments, char **environment)
{
    const char *name = arguments[0];
    if (!*name)
        return could_not("''", ENOENT);
    if (strchr(name, '/')) {
        execute(name, arguments, environment);
        return could_not(name, errno);
    }
    const char *search = value_in(environment, "PATH");
    int worst = ENOENT;
    for (const char *part = search && *search ? search : "/usr/local/bin:/usr/bin:/bin";; part++) {
        char path[PATH_MAX];
        size_t length = strcspn(part, ":");
        int n = snprintf(path, sizeof path, "%.*s%s%s", (int)length, part, length ? "/" : "", name);
        if (n > 0 && n < (int)sizeof path) {
            execute(path, arguments, environment);
            if (errno != ENOENT && errno != ENOTDIR)
                worst = errno;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                break;
        }
        part += length;
        if (!*part)
            break;
    }
    return could_not(name, worst);
}
