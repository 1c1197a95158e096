/*
 * Starting a bound run and waiting for its end. The launcher is the command's parent and shares its terminal, its
 * process group and its processes; so it passes on only the signals that were sent to it alone.
 */
#define _GNU_SOURCE
#include "bound.h"
#include "../lease.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

_Noreturn void drifted(const char *path, const char *how)
{
    has_drifted();
    fail("A person approved it as it was. If it is still wanted, make the same call again: that asks about it as it is now.",
         "%s %s", path, how);
}

static bool named(const struct words *patterns, const char *entry, size_t length)
{
    for (size_t i = 0; i < patterns->count; i++) {
        const char *pattern = patterns->list[i];
        size_t size = strlen(pattern);
        bool prefix = size && pattern[size - 1] == '*';
        if (prefix ? length >= size - 1 && memcmp(entry, pattern, size - 1) == 0 : length == size && memcmp(entry, pattern, size) == 0)
            return true;
    }
    return false;
}

/* The caller's, but for the variables that change what runs: those are as they were when it was approved. */
static char **environment_of(const struct bound *bound)
{
    struct words all = {0};
    for (size_t i = 0; i < bound->set.count; i++)
        add_word(&all, bound->set.list[i]);
    for (char **entry = environ; *entry; entry++)
        if (!named(&bound->unset, *entry, strcspn(*entry, "=")))
            add_word(&all, *entry);
    if (!all.list)
        all.list = calloc(1, sizeof *all.list);
    return all.list;
}

static _Noreturn void be_command(const struct bound *bound, char **environment, const sigset_t *mask, pid_t launcher)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != launcher)
        _exit(STATUS_UNBUILT);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execve(bound->program, bound->arguments.list, environment);
    fprintf(stderr, "interlock-run: %s: %s\n", bound->program, strerror(errno));
    _exit(errno == ENOENT ? STATUS_UNKNOWN : STATUS_UNRUNNABLE);
}

/* A process and all below it, the parents first. */
static void signal_tree(pid_t pid, int number)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    kill(pid, number);
    FILE *children = fopen(path, "re");
    int child;
    while (children && fscanf(children, "%d", &child) == 1)
        signal_tree(child, number);
    if (children)
        fclose(children);
}

/* Without a good lease that does not name it, the run stands still. */
static void mind_lease(pid_t command, uint64_t run)
{
    static bool held;
    struct terms terms = look_at_lease(run);
    bool hold = terms.why || terms.halt != MAY_GO;
    if (hold != held)
        signal_tree(command, hold ? SIGSTOP : SIGCONT);
    if (!terms.why && terms.halt == HALT_KILLED)
        signal_tree(command, SIGKILL);
    held = hold;
}

static bool may_go(uint64_t run)
{
    if (!leased())
        return true;
    struct terms terms = look_at_lease(run);
    return !terms.why && terms.halt == MAY_GO;
}

static int wait_for(pid_t command, const sigset_t *watched, uint64_t run)
{
    static const struct timespec look = {0, 200 * 1000 * 1000};
    for (;;) {
        siginfo_t info;
        int status;
        if (leased())
            mind_lease(command, run);
        if (sigtimedwait(watched, &info, &look) < 0)
            continue;
        if (info.si_signo != SIGCHLD) {
            /* What a terminal sends reaches the whole group by itself. */
            if (info.si_code != SI_KERNEL || info.si_signo == SIGHUP)
                kill(command, info.si_signo);
            continue;
        }
        pid_t ended = waitpid(command, &status, WNOHANG | WUNTRACED);
        if (ended != command)
            continue;
        if (WIFSTOPPED(status) && !may_go(run))
            continue; /* by an order, or for want of a lease: no job of the shell's has stopped */
        if (WIFSTOPPED(status)) {
            raise(SIGSTOP); /* a shell sees the job stop, and may let it go on */
            kill(command, SIGCONT);
        } else {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

int launch_bound(char *bytes, size_t length)
{
    static struct bound bound;
    sigset_t watched, before;
    uid_t user = geteuid();
    gid_t group = getegid();
    read_bound(&bound, bytes, length);
    /* User 0 keeps its powers, and so needs no users of its own; nobody else may make mounts without. */
    if (unshare(user == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
        fail(DOCTOR, "this machine allows no namespaces of its own (%s)", strerror(errno));
    if (user != 0)
        map_ids(user, group);
    bind_view(&bound);
    char **environment = environment_of(&bound);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&watched, passed[i]);
    sigprocmask(SIG_BLOCK, &watched, &before);
    const uint64_t run = name_of_run(bound.id);
    if (leased())
        need_lease(run);
    pid_t launcher = getpid(), command = fork();
    if (command == 0)
        be_command(&bound, environment, &before, launcher);
    if (command < 0)
        fail("Free some memory and processes, and try again.", "the command cannot be started (%s)", strerror(errno));
    int status = wait_for(command, &watched, run);
    leave_no_marks();
    return status;
}
