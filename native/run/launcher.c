/*
 * The launcher: outside of the sandbox, the parent that the caller sees. It passes signals on, keeps the wall time, and
 * ends when every process of the sandbox is dead: the end of pid 1 is the end of its namespace.
 */
#define _GNU_SOURCE
#include "run.h"
#include "../lease.h"
#include "sight.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GRACE_MS = 2000, /* between the friendly end at the wall time and the other one */
       LOOK_MS = 200    /* between two looks at the lease; it is also looked at when it lapses */ };

struct watch {
    const struct plan *plan;
    pid_t init;
    int control, signals;
    int64_t ends, kills; /* milliseconds; 0: not set */
    int status;          /* the command's, -1 while it runs */
    bool failed, late, started, held;
    uint64_t run;        /* by which the lease names this run */
    int64_t until;       /* so long pid 1 was told that it is good */
    char text[2048];     /* why it failed */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Never waits: it may have ended, which the next read says, or stand still. Then it is dealt with in other ways. */
static void say(const struct watch *watch, int kind, int value, int64_t until)
{
    struct message message = {kind, value, until};
    (void)send(watch->control, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void take_signal(const struct watch *watch, const struct plan *plan)
{
    struct signalfd_siginfo info;
    if (read(watch->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    /* What a terminal sends reaches the command by itself, unless it has left the terminal. */
    if (plan->tty && info.ssi_code == SI_KERNEL && info.ssi_signo != SIGHUP)
        return;
    say(watch, SAY_SIGNAL, (int)info.ssi_signo, 0);
}

static int lease_left = -1; /* milliseconds to the next look at the lease */

/*
 * A run goes on as long as the daemon's lease is good and does not name it; else it stands still, or ends. The daemon
 * stops it too, when it is alive: this is what holds when it is not. Pid 1 is told how long it is good, because this
 * process may be stopped; and is not relied upon, because it may be busy: what lives below it is stopped from here, too.
 */
static void mind_lease(struct watch *watch)
{
    if (!leased() || !watch->started)
        return;
    struct terms terms = look_at_lease(watch->run);
    bool hold = terms.why || terms.halt != MAY_GO;
    if (!terms.why && terms.halt == HALT_KILLED)
        kill(watch->init, SIGKILL);
    if (hold) {
        say(watch, SAY_HOLD, 0, 0); /* again at each look: somebody outside could have let it go on */
        signal_below(watch->init, SIGSTOP);
    } else if (watch->held || terms.until != watch->until) {
        say(watch, SAY_GO, 0, terms.until);
        watch->until = terms.until;
    }
    watch->held = hold;
    lease_left = !hold && terms.left_ms < LOOK_MS ? (int)terms.left_ms + 1 : LOOK_MS;
}

/* The last look before anything runs. */
static void start(struct watch *watch)
{
    if (leased())
        watch->until = need_lease(watch->run);
    watch->started = true;
    say(watch, SAY_START, 0, watch->until);
    mind_lease(watch);
}

/* False when there is nothing more to hear. */
static bool take_message(struct watch *watch)
{
    struct {
        struct message head;
        char text[2047];
    } said;
    ssize_t n = recv(watch->control, &said, sizeof said, 0);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN || errno == ECONNRESET; /* the last: it ended unasked, its words still wait */
    if (n < (ssize_t)sizeof said.head)
        return false;
    size_t length = (size_t)n - sizeof said.head;
    if (said.head.kind == SAID_FAILED && !watch->failed) {
        watch->failed = true;
        memcpy(watch->text, said.text, length);
        watch->text[length] = '\0';
    } else if (said.head.kind == SAID_ENDED) {
        watch->status = said.head.value;
    } else if (said.head.kind == SAID_BOUND) {
        if (!said.head.value)
            (void)join_cgroup(watch->plan, watch->init);
        start(watch);
    } else if (said.head.kind == SAID_STOPPED) {
        if (!watch->held) /* else it was this process that stopped it, and who is stopped minds no lease */
            raise(SIGSTOP);
        say(watch, SAY_SIGNAL, SIGCONT, 0);
    }
    return true;
}

static void keep_time(struct watch *watch)
{
    int64_t now = now_ms();
    if (watch->ends && now >= watch->ends && !watch->late) {
        watch->late = true;
        watch->kills = now + GRACE_MS;
        say(watch, SAY_END, 0, 0);
    }
    if (watch->kills && now >= watch->kills) {
        kill(watch->init, SIGKILL);
        watch->kills = 0;
    }
}

static int time_left(const struct watch *watch)
{
    int64_t next = watch->kills ? watch->kills : watch->late ? 0 : watch->ends;
    if (!next)
        return lease_left;
    int64_t left = next - now_ms();
    int wait = left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
    return lease_left >= 0 && lease_left < wait ? lease_left : wait;
}

static int finish(struct watch *watch)
{
    int status = 0;
    while (waitpid(watch->init, &status, 0) < 0 && errno == EINTR)
        ;
    const bool ran_out = sight->memory_over || group_ran_out();
    leave_cgroup();
    give_terminal_back();
    if (watch->failed) {
        fputs(watch->text, stderr);
        return STATUS_UNBUILT;
    }
    if (ran_out) {
        sight->memory_over = 1;
        fprintf(stderr, "Interlock ended this: its processes used more than %llu MiB of memory together, which is the bound of its "
                        "profile. Let it do less at once, or raise `memory` in the `limits` of the profile in interlock.toml.\n",
                watch->plan->memory >> 20);
        return 128 + SIGKILL;
    }
    if (watch->late)
        return STATUS_WALL;
    if (watch->status >= 0)
        return watch->status;
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status); /* killed from outside, with all that ran in it */
    fprintf(stderr, "Interlock: the sandbox ended without a word (%d). %s\n", status, REPORT);
    return STATUS_UNBUILT;
}

/* Signals are read from a descriptor. Those that stop a job are the command's, when it shares the terminal. */
static void gather_signals(struct watch *watch, sigset_t *before, bool tty)
{
    static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
    static const int stopping[] = {SIGTSTP, SIGTTIN, SIGTTOU};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        sigaddset(&set, passed[i]);
    for (size_t i = 0; tty && i < sizeof stopping / sizeof *stopping; i++)
        sigaddset(&set, stopping[i]);
    if (sigprocmask(SIG_BLOCK, &set, before) < 0)
        fail(REPORT, "signals cannot be held (%s)", strerror(errno));
    watch->signals = signalfd(watch->signals, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (watch->signals < 0)
        fail(REPORT, "signals cannot be read (%s)", strerror(errno));
}

static struct watch watched = {.status = -1, .signals = -1};
static char *shared; /* where pid 1 finds the plan */

void prepare(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t before;
    int pair[2];
    outer_user = geteuid();
    outer_group = getegid();
    if (getuid() != outer_user || getgid() != outer_group)
        fail(REINSTALL, "it must not be installed set-user-id");
    check_standard_descriptors();
    note_host_sockets();
    if (outer_user == 0)
        (void)setgroups(0, NULL); /* an ordinary user may not give groups up; their sockets and files are hidden */
    shared = mmap(NULL, PLAN_LIMIT + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    sight = mmap(NULL, sizeof *sight, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (shared == MAP_FAILED || sight == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        fail(REPORT, "there is no way to speak to the sandbox (%s)", strerror(errno));
    sigaction(SIGCHLD, &plain, NULL);
    gather_signals(&watched, &before, false);
    watched.control = pair[0];
    const int group = new_group();
    watched.init = fork_into_namespaces(group);
    if (watched.init == 0) {
        close(pair[0]);
        close(watched.signals);
        be_init(shared, pair[1], &before);
    }
    if (watched.init < 0)
        fail(DOCTOR, "this machine allows no namespaces of its own (%s)", strerror(errno));
    close(pair[1]);
}

int launch(const char *bytes, size_t length)
{
    static struct plan plan;
    struct watch *watch = &watched;
    sigset_t before;
    char *copy = malloc(length + 1); /* reading takes the bytes apart */
    if (!copy)
        fail("Free some memory and try again.", "there is no memory for the plan");
    memcpy(shared, bytes, length);
    memcpy(copy, bytes, length);
    read_plan(&plan, copy, length); /* here first: what is wrong with it is said once */
    run_is(plan.id, plan.observe, plan.memory > 0);
    bound_group(&plan);
    say(watch, SAY_PLAN, (int)length, 0);
    if (plan.tty) {
        hold_terminal();
        gather_signals(watch, &before, true);
    }
    watch->plan = &plan;
    watch->run = name_of_run(plan.id);
    if (!needs_bound(&plan)) /* else pid 1 says first whether it has bound itself */
        start(watch);
    if (plan.wall)
        watch->ends = now_ms() + plan.wall * 1000;
    for (bool open = true; open;) {
        struct pollfd polled[2] = {{watch->control, POLLIN, 0}, {watch->signals, POLLIN, 0}};
        int ready = poll(polled, 2, time_left(watch));
        keep_time(watch);
        mind_lease(watch);
        if (ready > 0 && polled[1].revents)
            take_signal(watch, &plan);
        if (ready > 0 && polled[0].revents)
            open = take_message(watch);
    }
    return finish(watch);
}
