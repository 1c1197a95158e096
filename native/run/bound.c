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
#include <time.h>
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

/* Which of two values of one name counts is for every program to choose: so there is one. */
static bool sets(const struct words *set, const char *entry, size_t length)
{
    for (size_t i = 0; i < set->count; i++)
        if (strncmp(set->list[i], entry, length) == 0 && set->list[i][length] == '=')
            return true;
    return false;
}

/* The caller's, but for the variables that change what runs: those are as they were when it was approved. */
static char **environment_of(const struct bound *bound)
{
    struct words all = {0};
    for (size_t i = 0; i < bound->set.count; i++)
        add_word(&all, bound->set.list[i]);
    for (char **entry = environ; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        if (!named(&bound->unset, *entry, length) && !sets(&bound->set, *entry, length))
            add_word(&all, *entry);
    }
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

/*
 * Without a good lease that does not name it, the run stands still: all that descends from the launcher, also what its
 * parents left behind. Said again at each look: somebody else could have let it go on.
 */
static void mind_lease(uint64_t run)
{
    static bool held;
    struct terms terms = look_at_lease(run);
    bool hold = terms.why || terms.halt != MAY_GO;
    if (hold)
        signal_below(getpid(), SIGSTOP);
    else if (held)
        signal_below(getpid(), SIGCONT);
    if (!terms.why && terms.halt == HALT_KILLED)
        signal_below(getpid(), SIGKILL);
    held = hold;
}

static bool may_go(uint64_t run)
{
    if (!leased())
        return true;
    struct terms terms = look_at_lease(run);
    return !terms.why && terms.halt == MAY_GO;
}

/* Takes one child's news; false when there is none. `status`: the command's, -1 while it runs. */
static bool reaped(pid_t command, uint64_t run, int *status)
{
    int news;
    pid_t child = waitpid(-1, &news, WNOHANG | WUNTRACED);
    *status = -1;
    if (child == command && !WIFSTOPPED(news)) {
        *status = WIFEXITED(news) ? WEXITSTATUS(news) : 128 + WTERMSIG(news);
    } else if (child == command && may_go(run)) { /* else by an order, or for want of a lease: no job of the shell's */
        signal_below(getpid(), SIGSTOP); /* meanwhile nobody minds the lease: so nothing goes on */
        raise(SIGSTOP);                  /* a shell sees the job stop, and may let it go on */
        if (may_go(run))
            signal_below(getpid(), SIGCONT);
    }
    return child > 0;
}

static int wait_for(pid_t command, const sigset_t *watched, uint64_t run)
{
    static const struct timespec look = {0, 200 * 1000 * 1000};
    for (;;) {
        siginfo_t info;
        int status;
        if (leased())
            mind_lease(run);
        if (sigtimedwait(watched, &info, &look) < 0)
            continue;
        if (info.si_signo != SIGCHLD) {
            /* What a terminal sends reaches the whole group by itself. */
            if (info.si_code != SI_KERNEL || info.si_signo == SIGHUP)
                kill(command, info.si_signo);
            continue;
        }
        while (reaped(command, run, &status))
            if (status >= 0)
                return status;
    }
}

/*
 * The command has ended. Where an order stands, what it left behind is held, or ended, before this process goes: it is
 * the last by which an order finds it. Returns once nothing is left, or all may go on.
 */
static void outlast(uint64_t run)
{
    static const struct timespec look = {0, 5 * 1000 * 1000};
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) >= 0 && !may_go(run)) {
        mind_lease(run);
        if (ended == 0)
            nanosleep(&look, NULL);
    }
    mind_lease(run);
}

int launch_bound(char *bytes, size_t length)
{
    static struct bound bound;
    const struct sigaction plain = {.sa_handler = SIG_DFL};
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
    /* What its parents leave behind comes to this process: an order reaches that, too. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        fail(DOCTOR, "what the command leaves behind could not be found (%s)", strerror(errno));
    sigaction(SIGCHLD, &plain, NULL); /* who ignores it, as a caller may, never hears of an end */
    char **environment = environment_of(&bound);
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&watched, passed[i]);
    sigprocmask(SIG_BLOCK, &watched, &before);
    const uint64_t run = name_of_run(bound.id);
    if (leased())
        (void)need_lease(run);
    pid_t launcher = getpid(), command = fork();
    if (command == 0)
        be_command(&bound, environment, &before, launcher);
    if (command < 0)
        fail("Free some memory and processes, and try again.", "the command cannot be started (%s)", strerror(errno));
    int status = wait_for(command, &watched, run);
    if (leased())
        outlast(run);
    leave_no_marks();
    return status;
}
