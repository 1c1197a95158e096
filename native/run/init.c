/*
 * Pid 1 of the sandbox: builds what the command will see, starts it, and from then on reaps, passes signals on, and
 * ends with it. When pid 1 ends, the kernel kills every process that is left in the namespace.
 */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"
#include "../lease.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Does not wait for a launcher that does not listen: it may be stopped. */
static void say(int control, int kind, int value)
{
    struct message message = {kind, value, 0};
    if (send(control, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        _exit(STATUS_UNBUILT); /* nobody is left to tell */
}

static _Noreturn void be_command(const struct plan *plan, char **environment, const sigset_t *mask, int told)
{
    if (!plan->tty && setsid() < 0) /* without a controlling terminal there is none to type into */
        fail(REPORT, "the command cannot leave the terminal (%s)", strerror(errno));
    if (chdir(plan->cwd) < 0)
        fail("Run it from a directory that is visible there.", "the directory %s is not in the sandbox (%s)", plan->cwd,
             strerror(errno));
    set_limits(plan);
    sigprocmask(SIG_SETMASK, mask, NULL);
    int calls = filter_calls(plan->shim, plan->observe, !plan->tty || (plan->landlock && landlock_keeps_signals()));
    if (calls >= 0)
        send_listener(told, calls);
    if (syscall(NR_CLOSE_RANGE, 3U, ~0U, 4U /* on exec */) < 0)
        fail(DOCTOR, "open files cannot be closed (%s)", strerror(errno));
    if (plan->observe && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) /* pid 1 is to read what it becomes; nobody else is here yet */
        fail(REPORT, "the command cannot be opened to looks (%s)", strerror(errno));
    _exit(run_command(plan->arguments.list, environment));
}

/* ---- standing still: every process of the namespace but this one, none of which can fork meanwhile */

static bool held;     /* by the launcher's word, or because it gave none */
static bool job_held; /* because the command stopped as a job does, and its launcher with it */
static int64_t lease; /* so long this may go on, by CLOCK_BOOTTIME in ns; 0: without an end */

enum { LONGEST_WAIT = 3600 * 1000 /* ms: a time that fits an int */ };

static void stand_still(void) { kill(-1, SIGSTOP); }

static void go_on(void)
{
    held = job_held = false;
    kill(-1, SIGCONT);
}

/*
 * Milliseconds until the lease lapses; -1: never, or it has. The launcher renews it here as it finds it renewed: without
 * its word (it is stopped itself, or gets no processor) nothing goes on for longer than the daemon has promised.
 */
static int mind_lease(void)
{
    if (!lease || held)
        return -1;
    const int64_t left = lease - boottime_ns();
    if (left > 0)
        return (int)smaller(left / 1000000, LONGEST_WAIT) + 1;
    held = true;
    stand_still();
    return -1;
}

/* True while the command lives. */
static bool reap(pid_t command, int control, bool tty)
{
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
            return true;
        if (info.si_pid != command)
            continue;
        if (info.si_code == CLD_STOPPED) {
            if (tty && !held && !job_held) {
                /* The launcher will stop, and keeps neither lease nor time meanwhile: so nobody here goes on. */
                job_held = true;
                stand_still();
                say(control, SAID_STOPPED, info.si_status);
            }
            continue;
        }
        say(control, SAID_ENDED, info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
        return false;
    }
}

static void pass_on(pid_t command, int number, bool tty)
{
    if (number == SIGCONT && job_held) {
        job_held = false;
        if (!held)
            go_on();
    } else {
        kill(tty ? command : -command, number); /* without a terminal it leads a group of its own */
    }
}

static bool take_order(pid_t command, int control, bool tty)
{
    struct message message;
    ssize_t n = recv(control, &message, sizeof message, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n != (ssize_t)sizeof message)
        return false; /* the launcher is gone */
    if (message.kind == SAY_END) {
        kill(-1, SIGTERM);
    } else if (message.kind == SAY_HOLD) {
        held = true;
        stand_still();
    } else if (message.kind == SAY_GO) {
        lease = message.until;
        if (held)
            go_on();
    } else if (message.kind == SAY_SIGNAL) {
        pass_on(command, message.value, tty);
    }
    return true;
}

/* The command has ended, or its launcher: with pid 1 everything else ends. */
static _Noreturn void end(const struct plan *plan)
{
    if (plan->observe)
        look_back();
    kill(-1, SIGKILL); /* before the descriptor goes on which their calls wait: else these would fail first, and be told of */
    _exit(0);
}

/* The nearer of two times to wait; below zero: none. */
static int nearer(int one, int other) { return one < 0 || (other >= 0 && other < one) ? other : one; }

static _Noreturn void serve(const struct plan *plan, pid_t command, int control, int children, int calls)
{
    for (;;) {
        struct pollfd polled[3] = {{control, POLLIN, 0}, {children, POLLIN, 0}, {calls, POLLIN, 0}};
        if (poll(polled, 3, nearer(mind_memory(plan), mind_lease())) < 0)
            continue;
        if (polled[2].revents & POLLIN)
            serve_notice();
        else if (polled[2].revents)
            calls = -1; /* nobody is left who could make one */
        /* Orders first, also one that came after the look: whom the launcher stopped by one did not stop as a job does. */
        if ((polled[0].revents || polled[1].revents) && !take_order(command, control, plan->tty))
            end(plan);
        if (polled[1].revents) {
            struct signalfd_siginfo info;
            while (read(children, &info, sizeof info) == (ssize_t)sizeof info)
                ;
            if (!reap(command, control, plan->tty))
                end(plan);
        }
    }
}

uid_t outer_user;
gid_t outer_group;

static struct message wait_for(int control, int kind)
{
    struct message said;
    if (recv(control, &said, sizeof said, 0) != (ssize_t)sizeof said || said.kind != kind)
        _exit(STATUS_UNBUILT); /* the launcher is gone, and has said why */
    return said;
}

/*
 * What the caller left open is the caller's: names below /proc/self, which pid 1 looks up for those whose renames it
 * serves, must not lead there.
 */
static int close_all_but(int control)
{
    const int kept = 3;
    if (control != kept && dup3(control, kept, O_CLOEXEC) != kept)
        _exit(STATUS_UNBUILT);
    fail_socket = kept;
    if (syscall(NR_CLOSE_RANGE, (unsigned)kept + 1, ~0U, 0U) < 0)
        fail(DOCTOR, "open files cannot be closed (%s)", strerror(errno));
    return kept;
}

_Noreturn void be_init(char *bytes, int control, const sigset_t *mask)
{
    static struct plan plan;
    sigset_t all, child;
    control = close_all_but(control);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        fail(REPORT, "the sandbox cannot be bound to its launcher (%s)", strerror(errno));
    map_ids(outer_user, outer_group);
    raise_loopback();
    prepare_view();
    read_plan(&plan, bytes, (size_t)wait_for(control, SAY_PLAN).value);
    if (needs_bound(&plan))
        say(control, SAID_BOUND, bound_numbers(&plan, proc_mount));
    if (plan.listens)
        hand_out_listeners(&plan);
    char **environment = new_environment(&plan);
    forget_environment();
    build_view(&plan);
    drop_capabilities();
    forbid_new_privileges();
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) /* what the launcher knew is nobody's to read in /proc/1 */
        fail(REPORT, "the sandbox's pid 1 cannot be closed to looks (%s)", strerror(errno));
    if (plan.landlock)
        add_landlock(&plan);
    lease = wait_for(control, SAY_START).until;
    int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (children < 0)
        fail(REPORT, "signals cannot be read (%s)", strerror(errno));
    const bool tells = plan.shim || plan.observe;
    int told[2] = {-1, -1}, calls = -1;
    if (tells && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, told) < 0)
        fail(REPORT, "a socket pair cannot be made (%s)", strerror(errno));
    pid_t command = fork();
    if (command == 0)
        be_command(&plan, environment, mask, told[1]);
    if (command < 0)
        fail("Free some memory and processes, and try again.", "the command cannot be started (%s)", strerror(errno));
    if (tells) {
        close(told[1]);
        calls = take_listener(told[0]);
        close(told[0]);
    }
    close(0), close(1), close(2); /* a pipe must end when the command's own ends are closed */
    look_out(&plan);
    serve(&plan, command, control, children, calls);
}
