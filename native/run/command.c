/*
 * The same program as the command `interlock`: `interlock run` starts at once, every other command is Python's.
 *
 * Python is the interpreter beside this program (as in a virtual environment), else the system's. It is told to take no
 * module from the current directory (`-P`): a project must not be able to change what `interlock` does in it.
 */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[PATH_MAX];

static int find_directory(void)
{
    ssize_t length = readlink("/proc/self/exe", directory, sizeof directory - 1);
    if (length <= 0)
        return 0;
    directory[length] = '\0';
    *strrchr(directory, '/') = '\0';
    return 1;
}

static const char *beside(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

bool is_command(const char *name)
{
    const char *last = strrchr(name, '/');
    return strcmp(last ? last + 1 : name, "interlock") == 0;
}

char **run_wanted(int count, char **words, const char **profile)
{
    int first = 2;
    *profile = "build";
    if (count < 4 || strcmp(words[1], "run") != 0)
        return NULL;
    if (first + 1 < count && strcmp(words[first], "--profile") == 0) {
        *profile = words[first + 1];
        first += 2;
    }
    return first + 1 < count && strcmp(words[first], "--") == 0 ? words + first + 1 : NULL;
}

int in_python(int count, char **words)
{
    static const char *const elsewhere[] = {"/usr/bin/python3", "/usr/local/bin/python3"};
    if (!find_directory()) {
        fprintf(stderr, "interlock: cannot find its own place (%s). Is /proc mounted?\n", strerror(errno));
        return 70;
    }
    char **argv = calloc((size_t)count + 4, sizeof *argv);
    if (!argv)
        return 70;
    argv[1] = (char *)"-P"; /* execv takes no const words, and changes none */
    argv[2] = (char *)"-m";
    argv[3] = (char *)"interlock.cli.main";
    for (int i = 1; i < count; i++)
        argv[i + 3] = words[i];
    for (size_t i = 0; i < 2; i++) {
        const char *python = beside(i ? "python" : "python3");
        argv[0] = (char *)python; /* the interpreter finds its environment by its own name */
        execv(python, argv);
    }
    for (size_t i = 0; i < 2; i++) {
        argv[0] = (char *)elsewhere[i];
        execv(elsewhere[i], argv);
    }
    fprintf(stderr, "interlock: found no Python beside %s. Install Interlock again.\n", directory);
    return 70;
}
