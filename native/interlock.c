/*
 * interlock: the command. `interlock run` starts at once, by the launcher beside it; every other command is Python's.
 *
 * Python is the interpreter beside this program (as in a virtual environment), else the system's. It is told to take no
 * module from the current directory (`-P`): a project must not be able to change what `interlock` does in it.
 */
#define _GNU_SOURCE
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

/* `run [--profile NAME] -- COMMAND…` and nothing else: whatever else is asked (help, a list) is Python's. */
static void run(int count, char **words)
{
    const char *profile = "build";
    int first = 2;
    if (first + 1 < count && strcmp(words[first], "--profile") == 0) {
        profile = words[first + 1];
        first += 2;
    }
    if (first + 1 >= count || strcmp(words[first], "--") != 0)
        return;
    char **argv = calloc((size_t)(count - first) + 4, sizeof *argv);
    if (!argv)
        return;
    argv[0] = "interlock-run";
    argv[1] = "--profile";
    argv[2] = (char *)profile;
    memcpy(argv + 3, words + first, (size_t)(count - first) * sizeof *argv);
    execv(beside("interlock-run"), argv); /* when it cannot be started, Python says what there is instead */
    free(argv);
}

int main(int count, char **words)
{
    static const char *const elsewhere[] = {"/usr/bin/python3", "/usr/local/bin/python3"};
    if (!find_directory()) {
        fprintf(stderr, "interlock: cannot find its own place (%s). Is /proc mounted?\n", strerror(errno));
        return 70;
    }
    if (count > 2 && strcmp(words[1], "run") == 0)
        run(count, words);
    char **argv = calloc((size_t)count + 4, sizeof *argv);
    if (!argv)
        return 70;
    argv[0] = "interlock";
    argv[1] = "-P";
    argv[2] = "-m";
    argv[3] = "interlock.cli.main";
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
