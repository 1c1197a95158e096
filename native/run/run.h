/*
 * interlock-run: starts one command inside a sandbox that it builds itself, and answers with the command's exit status.
 *
 * Three processes: the launcher (outside; the command's terminal, signals and status pass through it), the sandbox's
 * pid 1 (builds the view, then reaps and serves the rename shim), and the command. Whatever fails before the command
 * runs ends in exit status 125 and one sentence; nothing is ever run in a weaker sandbox than the plan says.
 */
#ifndef INTERLOCK_RUN_H
#define INTERLOCK_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
    STATUS_UNSETTLED = 123, /* the command went well, but the daemon could not take over what it changed */
    STATUS_WALL = 124,     /* the wall time is over */
    STATUS_UNBUILT = 125,  /* no sandbox: the command has not run */
    STATUS_UNRUNNABLE = 126,
    STATUS_UNKNOWN = 127,
    PLAN_LIMIT = 8 * 1024 * 1024,
};

/* ---- say.c: the one way to give up */

extern int fail_socket; /* inside the sandbox: where the sentence goes; -1 in the launcher, which prints it */
_Noreturn void fail(const char *next, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern const char REPORT[], DOCTOR[], REINSTALL[];

/* ---- plan.c: what the daemon wants */

struct words {
    char **list; /* ends with NULL */
    size_t count, room;
};

void add_word(struct words *words, char *word); /* records.c */

enum writing { WRITE_OVERLAY, WRITE_BIND, WRITE_NONE };

struct port {
    uint16_t number;
    bool udp;
    const char *text; /* as in the plan: 53/udp */
};

struct plan {
    const char *id, *cwd, *workspace, *upper, *work, *source, *egress;
    struct words arguments, hide, show, fresh, keep, set, note;
    enum writing writing;
    bool listens, landlock, shim, tty, observe;
    unsigned long long fresh_bytes, memory; /* bytes of all its processes together; 0: no bound */
    long wall; /* seconds; 0: none */
    struct port ports[64];
    size_t port_count;
    struct {
        int resource;
        rlim_t value;
    } limits[16];
    size_t limit_count;
};

/* Takes the bytes over: the plan points into them. Anything unknown, missing, or said twice is refused. */
void read_plan(struct plan *plan, char *bytes, size_t length);
char *load_file(const char *path, size_t *length);

/* ---- environment.c */

/* What the command sees: only what the plan keeps or sets. */
char **new_environment(const struct plan *plan);
/* Overwrites the launcher's own environment: what is not passed on is not to be found in memory either. */
void forget_environment(void);
/* Runs the command; comes back only when it could not, with the exit status for that. */
int run_command(char **arguments, char **environment);

/* ---- client.c: the daemon */

/* Both give the plan, or end. The sandbox is prepared while the daemon is at work. */
char *open_ticket(const char *given, size_t *length);
/* The same for an approved action, which is bound and not contained: no sandbox is prepared. */
char *open_bound(const char *given, size_t *length);
/* Asks for a run of these words under a profile, in the current directory. */
char *start_run(const char *profile, char **words, size_t *length);
/* ---- command.c: called as `interlock` */

bool is_command(const char *name);
/* The words of `run [--profile NAME] -- COMMAND…`; NULL for whatever else is asked (help, a list): that is Python's. */
char **run_wanted(int count, char **words, const char **profile);
int in_python(int count, char **words);

/* Whether this run was given by a daemon, whose lease it then needs. */
bool leased(void);
/* Gives up unless the lease is good, and nobody has halted this run; returns when it lapses (CLOCK_BOOTTIME, ns). */
int64_t need_lease(uint64_t run);

/* Under which name the end of such a run is told, and what beside its status. */
void run_is(const char *id, bool observed, bool bounded);
/* The end that is told says that something was not as approved. */
void has_drifted(void);
/* Tells the daemon of the end and of what was seen, if it gave a ticket; returns the status to end with. */
int close_ticket(int status);

/* ---- listeners.c: the network of a run that has one */

/* Before anything is hidden. The connection stays open as long as pid 1 lives. */
void hand_out_listeners(const struct plan *plan);

/* ---- names.c: namespaces */

/* Like fork, into namespaces of its own and, if not -1, a cgroup; -1 with errno where the system does not allow it. */
pid_t fork_into_namespaces(int group);
void map_ids(uid_t user, gid_t group);
void raise_loopback(void);

/* ---- privileges.c */

void drop_capabilities(void);
void forbid_new_privileges(void);

/* ---- seccomp.c */

/*
 * For the caller and all that it starts. With `shim` or `observe`, the descriptor on which calls are told; else -1.
 * `group_signals`: whether a process may signal its own group, because all of that is inside, or Landlock sees to it.
 */
int filter_calls(bool shim, bool observe, bool group_signals);

/* ---- notices.c: calls that wait for pid 1's word */

void send_listener(int socket, int fd);
int take_listener(int socket); /* -1: the command ended before */
void serve_notice(void);

/* ---- sight.c: what runs, and whom it calls */

void look_out(const struct plan *plan);
void look_again(void);
void look_back(void); /* at the end */

/* ---- memory.c: the bound on memory where no cgroup holds it */

/* Milliseconds until it is to be looked at again; -1: never. Ends all inside when they use more than they may. */
int mind_memory(const struct plan *plan);

/* ---- landlock.c: the walls once more, by another part of the kernel */

int landlock_version(void); /* 0: none */
bool landlock_keeps_signals(void);
void add_landlock(const struct plan *plan);

/* ---- standard.c: the descriptors 0, 1 and 2 */

void check_standard_descriptors(void); /* outside */
void narrow_standard_descriptors(void); /* inside, before the view is built */

/* ---- sockets.c: Unix sockets that are bound to paths */

void note_host_sockets(void); /* outside: where the host's are listed */
void cover_host_sockets(const struct plan *plan);

/* ---- cgroup.c: the bounds on memory and processes, and what a freeze takes hold of */

/* A group for a sandbox that is about to be made, below the directory that the daemon named; -1: there is none. */
int new_group(void);
void bound_group(const struct plan *plan);
bool group_ran_out(void); /* whether the kernel ended it for its memory; before `leave_cgroup` */
bool needs_bound(const struct plan *plan);
bool bound_numbers(const struct plan *plan, int proc); /* inside; true when that is done */
bool join_cgroup(const struct plan *plan, pid_t init); /* outside; false: there is none */
void leave_cgroup(void);

/* ---- mounts.c, devices.c: what the command sees of the file system */

void prepare_view(void); /* what is the same for every plan */
void build_view(const struct plan *plan);
extern int proc_mount; /* the new /proc, before it is mounted */

/* ---- limits.c */

int resource_named(const char *name); /* RLIMIT_..., or -1 */
void set_limits(const struct plan *plan);

/* ---- init.c: pid 1 of the sandbox */

/* `bytes`: memory shared with the launcher, where the plan's will be. */
_Noreturn void be_init(char *bytes, int control, const sigset_t *mask);
/* Who the command runs as: noted outside, where the numbers still mean something. */
extern uid_t outer_user;
extern gid_t outer_group;

/* What pid 1 and the launcher say to each other, one per packet. */
enum { SAID_FAILED = 'F', SAY_PLAN = 'P', SAY_START = 'G', SAID_ENDED = 'E', SAID_STOPPED = 'S', SAID_BOUND = 'B', SAY_SIGNAL = 'K', SAY_END = 'T',
       SAY_HOLD = 'H', SAY_GO = 'O' };
struct message {
    int kind, value;
    int64_t until; /* with SAY_START and SAY_GO: the end of the lease by CLOCK_BOOTTIME, in ns; 0: the run needs none */
};

/* ---- probe.c */

int probe(const char *directory);
int probe_rename(const char *from, const char *to);

/* ---- family.c */

/* Everything that descends from a process, but for that one itself. */
void signal_below(pid_t top, int number);

/* ---- terminal.c: outside */

void hold_terminal(void);
void give_terminal_back(void);

/* ---- launcher.c: outside */

/* Starts the sandbox's pid 1, which does what it can before the plan is known: a daemon takes its time to write one. */
void prepare(void);
/* Runs the plan; after `prepare`, once. */
int launch(const char *bytes, size_t length);

/* ---- bound.c: approved actions, outside of any sandbox */

/* Takes the bytes over. */
int launch_bound(char *bytes, size_t length);

#endif
