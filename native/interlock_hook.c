/*
 * interlock-hook: carries one event of a coding agent to Interlock's daemon and brings the answer back.
 *
 *     interlock-hook AGENT [--deadline MS] [--home DIR | --run DIR]        (the event on stdin)
 *
 * Agents go on when a hook fails: a missing hook, a crash, exit status 1 or garbage all let the tool run. So every fault
 * that can be met here ends in the agent's own form of *no*, with a sentence a person can act on. Nothing is written
 * before a complete and valid answer is in memory. The protocol stands in interlock/daemon/wire.py; the Python client
 * (interlock/gates/hooks/client.py) does the same where there is no compiler, and the same tests hold both.
 *
 * C11 and Linux. No allocation but one mmap for a large event; no library beside libc; no configuration file.
 */
#define _GNU_SOURCE
#include "lease.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENT_LIMIT = 8 * 1024 * 1024, /* the daemon's own limit; a hook event of a real agent is a few KiB */
    REPLY_LIMIT = 1024 * 1024,     /* stdout + stderr of an answer, with room to spare */
    FIRST_BYTES = 64 * 1024,       /* what fits here needs no mmap */
    STDIN_MS = 10000,              /* an agent that does not finish its event */
    START_MS = 8000,               /* how long a daemon may take to come up */
    RACE_MS = 1500,                /* how long one that lost the race to start it waits for the winner's */
    DRAIN_MS = 2000,               /* how long the rest of a refused event is swallowed */
    DEFAULT_DEADLINE_MS = 55000,   /* below the 60 s that agents give a hook by default */
    NESTING = 64,                  /* of JSON, as in the daemon */
    REFUSED = 2,                   /* the exit status that agents take for no */
};

static char event_first[FIRST_BYTES], reply_first[FIRST_BYTES];
static struct buffer event = {event_first, 0, FIRST_BYTES, EVENT_LIMIT};
struct buffer reply = {reply_first, 0, FIRST_BYTES, REPLY_LIMIT + 2 * LINE_LIMIT};
static const char *agent = "-";
static bool stdin_ended; /* nothing more is to be read from the agent */

/* ---------------------------------------------------------------------------------------------- saying no */

/* Writes everything or reports that it could not; an agent that closed its end is not waited for. */
static bool put(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {fd, POLLOUT, 0};
            if (poll(&p, 1, SILENCE_MS) <= 0)
                return false;
        } else if (n == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Swallows the rest of an event. An agent that gets EPIPE while it writes takes the hook for broken and goes on. */
static void drain(void)
{
    static char waste[FIRST_BYTES];
    int64_t end = now_ms() + DRAIN_MS;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bool splices = null >= 0;
    while (!stdin_ended) {
        struct pollfd p = {STDIN_FILENO, POLLIN, 0};
        int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return;
        ssize_t n = splices ? splice(STDIN_FILENO, NULL, null, NULL, 1 << 20, SPLICE_F_NONBLOCK) : -1;
        if (splices && n < 0 && errno == EINVAL)
            splices = false; /* not a pipe */
        if (!splices)
            n = read(STDIN_FILENO, waste, sizeof waste);
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
            stdin_ended = true;
    }
}

static bool white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Past a JSON string that starts at p (an opening quote), or NULL. */
static const char *after_string(const char *p, const char *end, bool *escaped)
{
    for (p++; p < end; p++) {
        if (*p == '"')
            return p + 1;
        if ((unsigned char)*p < 0x20)
            return NULL;
        if (*p == '\\') {
            *escaped = true;
            p++;
        }
    }
    return NULL;
}

/* Past a JSON object or array; brackets must match, and nest at most NESTING deep. */
static const char *after_nest(const char *p, const char *end)
{
    char closing[NESTING];
    int depth = 0;
    bool escaped;
    while (p < end) {
        if (*p == '"') {
            if (!(p = after_string(p, end, &escaped)))
                return NULL;
            continue;
        }
        if (*p == '{' || *p == '[') {
            if (depth == NESTING)
                return NULL;
            closing[depth++] = *p == '{' ? '}' : ']';
        } else if (*p == '}' || *p == ']') {
            if (closing[--depth] != *p)
                return NULL;
            if (depth == 0)
                return p + 1;
        }
        p++;
    }
    return NULL;
}

static const char *after_value(const char *p, const char *end)
{
    bool escaped;
    const char *start = p;
    if (p == end)
        return NULL;
    if (*p == '"')
        return after_string(p, end, &escaped);
    if (*p == '{' || *p == '[')
        return after_nest(p, end);
    while (p < end && !white(*p) && *p != ',' && *p != '}' && *p != ']')
        p++;
    return p > start ? p : NULL;
}

/*
 * The value of the top-level member "hook_event_name" of a JSON object, when the text leaves no doubt: exactly one such
 * member, no escapes in any top-level name, nothing after the object. What is not understood is judged as a tool event.
 */
static bool event_name(const char *p, const char *end, char *name, size_t size)
{
    static const char wanted[] = "\"hook_event_name\"";
    int found = 0;
    while (p < end && white(*p))
        p++;
    if (p == end || *p++ != '{')
        return false;
    for (;;) {
        bool escaped = false;
        while (p < end && white(*p))
            p++;
        const char *key = p;
        if (p == end || *p != '"' || !(p = after_string(p, end, &escaped)) || escaped)
            return false;
        bool mine = (size_t)(p - key) == sizeof wanted - 1 && memcmp(key, wanted, sizeof wanted - 1) == 0;
        while (p < end && white(*p))
            p++;
        if (p == end || *p++ != ':')
            return false;
        while (p < end && white(*p))
            p++;
        const char *value = p;
        if (!(p = after_value(p, end)))
            return false;
        if (mine) {
            size_t length = (size_t)(p - value);
            if (++found > 1 || *value != '"' || length < 3 || length - 2 >= size || memchr(value, '\\', length))
                return false;
            memcpy(name, value + 1, length - 2);
            name[length - 2] = '\0';
        }
        while (p < end && white(*p))
            p++;
        if (p == end || (*p != ',' && *p != '}'))
            return false;
        if (*p++ == '}')
            break;
    }
    while (p < end && white(*p))
        p++;
    return p == end && found == 1;
}

/* Events that only tell: nothing is about to happen, and a no would make the agent loop or die. */
static bool only_tells(const char *name)
{
    static const char *const names[] = {
        "PostToolUse", "PostToolUseFailure", "PostToolBatch", "Stop", "StopFailure", "SubagentStart", "SubagentStop",
        "SessionStart", "SessionEnd", "Notification", "PreCompact", "PostCompact", "PermissionDenied", "Setup",
        "TeammateIdle", "TaskCompleted", "InstructionsLoaded", "CwdChanged", "FileChanged", "MessageDisplay",
        "WorktreeRemove", "Interrupt",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* The text as the inside of a JSON string; what does not fit is cut, what is not ASCII becomes '?'. */
static void json_text(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (; *text && used + 3 < size; text++) {
        if (*text == '"' || *text == '\\')
            out[used++] = '\\';
        out[used++] = (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ? '?' : *text;
    }
    out[used] = '\0';
}

static int answer_no(const char *what, const char *remedy)
{
    static char text[PATH_MAX + 1024], inner[2 * PATH_MAX + 2048], json[2 * PATH_MAX + 4096];
    char name[64] = "";
    bool understood = stdin_ended && event_name(event.bytes, event.bytes + event.length, name, sizeof name);
    bool tells = understood && only_tells(name);
    snprintf(text, sizeof text, "Interlock %s: %s. %s%s\n", tells ? "could not record this" : "stopped this", what, remedy,
             tells ? "" : " Until then everything is refused: do not retry or try another way, tell the person.");
    inner[0] = json[0] = '\0';
    json_text(inner, sizeof inner, text);
    inner[strlen(inner) - 1] = '\0'; /* the newline, now '?' */
    int status = tells ? 0 : REFUSED;
    if (understood && strcmp(name, "PermissionRequest") == 0) {
        /* Agents read an answer here, not the exit status; on status 2 the dialog would be shown all the same. */
        snprintf(json, sizeof json,
                 "{\"hookSpecificOutput\":{\"hookEventName\":\"PermissionRequest\",\"decision\":"
                 "{\"behavior\":\"deny\",\"message\":\"%s\"}}}\n", inner);
        status = 0;
    } else if (understood && strcmp(name, "SessionStart") == 0) {
        snprintf(json, sizeof json, "{\"systemMessage\":\"%s\"}\n", inner);
    }
    put(STDERR_FILENO, text, strlen(text));
    if (!put(STDOUT_FILENO, json, strlen(json)) && !tells)
        status = REFUSED;
    drain();
    return status;
}

_Noreturn void no(const char *remedy, const char *format, ...)
{
    static char what[PATH_MAX + 512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    exit(answer_no(what, remedy));
}

/* A crash of ours, or a signal, must not look like a hook that merely failed. Only async-signal-safe calls. */
static void on_signal(int number)
{
    static const char text[] = "Interlock stopped this: its hook was interrupted before an answer came. Run `interlock doctor`.\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(REFUSED);
    _exit(REFUSED);
}

static void catch_signals(void)
{
    static const int caught[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ,
                                 SIGVTALRM, SIGPROF,
#if !defined(__SANITIZE_ADDRESS__)
                                 SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP,
#endif
    };
    struct sigaction catch = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigset_t none;
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        sigaction(caught[i], &catch, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* a mask inherited from the agent could hold our own alarm back */
}

/* ---------------------------------------------------------------------------------------------- the event */

static void read_event(void)
{
    int64_t end = smaller(began + deadline_ms, now_ms() + STDIN_MS);
    while (!stdin_ended) {
        if (!grow(&event) || event.length > EVENT_LIMIT)
            no("Split the action into smaller ones.", "the event is larger than 8 MiB");
        struct pollfd p = {STDIN_FILENO, POLLIN, 0};
        int64_t left = end - now_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            no(REPAIR, "the agent did not finish its event");
        ssize_t n = read(STDIN_FILENO, event.bytes + event.length, event.capacity - event.length);
        if (n > 0) {
            event.length += (size_t)n;
            end = smaller(began + deadline_ms, now_ms() + STDIN_MS);
        } else if (n == 0) {
            stdin_ended = true;
        } else if (errno != EINTR && errno != EAGAIN) {
            no(REPAIR, "the event could not be read (%s)", strerror(errno));
        }
    }
    if (event.length == 0)
        no(REPAIR, "the agent sent no event");
}

/* ---------------------------------------------------------------------------------------------- the daemon */

/* What a daemon started by an agent's hook may inherit. Everything else (PYTHONPATH, LD_PRELOAD ...) is the agent's. */
static char **clean_environment(void)
{
    static const char *const kept[] = {"HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "XDG_CONFIG_HOME",
                                       "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME",
                                       "DBUS_SESSION_BUS_ADDRESS"};
    static char text[24][PATH_MAX + 32];
    static char *list[25];
    size_t used = 0;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        const char *value = getenv(kept[i]);
        if (value && snprintf(text[i], sizeof *text, "%s=%s", kept[i], value) < (int)sizeof *text)
            list[used++] = text[i];
    }
    if (run_option) {
        /* the daemon must come up where it is looked for, whatever the agent's environment says */
        size_t length = strlen(run_directory), tail = sizeof "/interlock" - 1;
        for (size_t i = 0; i < used; i++)
            if (strncmp(list[i], "XDG_RUNTIME_DIR=", 16) == 0)
                list[i] = list[--used];
        if (length > tail && strcmp(run_directory + length - tail, "/interlock") == 0)
            snprintf(text[23], sizeof *text, "XDG_RUNTIME_DIR=%.*s", (int)(length - tail), run_directory), list[used++] = text[23];
    }
    const char *home = home_option ? home_option : run_option ? NULL : getenv("INTERLOCK_HOME");
    if (home && *home && snprintf(text[22], sizeof *text, "INTERLOCK_HOME=%s", home) < (int)sizeof *text)
        list[used++] = text[22];
    list[used++] = (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    list[used] = NULL;
    return list;
}

static pid_t start_daemon(void)
{
    static char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 16);
    char *slash = n > 0 ? memrchr(program, '/', (size_t)n) : NULL;
    if (!slash)
        return -1;
    memcpy(slash + 1, "interlock", sizeof "interlock");
    if (access(program, X_OK) < 0)
        return -1;
    char **environment = clean_environment();
    pid_t child = fork();
    if (child != 0)
        return child;
    alarm(0);
    setsid();
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir("/") < 0)
        _exit(127);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 0U) < 0)
#endif
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
    signal(SIGPIPE, SIG_DFL);
    char *arguments[] = {program, (char *)"up", (char *)"--detach", NULL};
    execve(program, arguments, environment);
    _exit(127);
}

static int wait_for_daemon(pid_t child)
{
    int64_t end = smaller(now_ms() + START_MS, began + deadline_ms);
    bool failed = false;
    for (int status = 0; now_ms() < end; pause_ms(20)) {
        int fd = connect_once();
        if (fd >= 0)
            return fd;
        if (child > 0 && waitpid(child, &status, WNOHANG) == child) {
            child = 0;
            failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
            if (failed) /* hooks that start together race: ours may have lost to one that is coming up */
                end = smaller(end, now_ms() + RACE_MS);
        }
    }
    if (failed)
        no("Run `interlock up` to see why.", "its daemon could not be started");
    no("Run `interlock up` to see why.", "its daemon did not come up within %d seconds", START_MS / 1000);
}

static int reach_daemon(void)
{
    int64_t end = smaller(now_ms() + SILENCE_MS, began + deadline_ms);
    int fd;
    while ((fd = connect_once()) < 0 && (errno == EAGAIN || errno == EINTR) && now_ms() < end)
        pause_ms(5); /* its queue is full */
    if (fd >= 0)
        return fd;
    if (errno == EAGAIN)
        no(RESTART, "its daemon takes no more connections");
    if (errno != ENOENT && errno != ECONNREFUSED && errno != ENOTDIR)
        no(REPAIR, "its daemon cannot be reached (%s/daemon.sock: %s)", run_directory, strerror(errno));
    if (getenv("INTERLOCK_NO_AUTOSTART"))
        no("Start it with `interlock up`.", "its daemon is not running (%s/daemon.sock)", run_directory);
    pid_t child = start_daemon();
    if (child < 0)
        no("Start it with `interlock up`, or install Interlock again.",
           "its daemon is not running (%s/daemon.sock), and there is no `interlock` beside the hook to start it", run_directory);
    return wait_for_daemon(child);
}

/* ---------------------------------------------------------------------------------------------- main */

static void usage(void)
{
    no("Run `interlock init` again.", "its hook is called in a wrong way (interlock-hook AGENT [--deadline MS] [--home DIR | --run DIR])");
}

static void read_arguments(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? words[i + 1] : NULL;
        if (words[i][0] != '-') {
            if (agent[0] != '-' || strlen(words[i]) > 32 || strspn(words[i], "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(words[i]))
                usage();
            agent = words[i];
            continue;
        }
        if (!value)
            usage();
        i++;
        if (strcmp(words[i - 1], "--deadline") == 0) {
            const char *p = value;
            deadline_ms = number(&p, '\0', 86400000);
            if (deadline_ms < 1)
                deadline_ms = DEFAULT_DEADLINE_MS, usage();
        } else if (strcmp(words[i - 1], "--home") == 0) {
            home_option = value;
        } else if (strcmp(words[i - 1], "--run") == 0) {
            run_option = value;
        } else {
            usage();
        }
    }
    if (agent[0] == '-')
        usage();
}

/* A standard descriptor that the agent closed would otherwise be taken by our socket. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            exit(REFUSED);
}

/*
 * Nothing is let happen without a lease that is good at this moment, and under the halts that it was decided under: an
 * order that came while the answer was on its way wins.
 */
static void check_lease(uint64_t epoch)
{
    char name[64];
    if (event_name(event.bytes, event.bytes + event.length, name, sizeof name) && only_tells(name))
        return;
    struct terms terms = look_at_lease(0);
    if (terms.why)
        no(RESTART, "%s", terms.why);
    if (terms.epoch != epoch)
        no("Make the same call once more: it is then decided anew.", "a person gave an order while this was decided");
}

/* Any status but 0 and 2 means "the hook failed, go on" to some agent. */
static bool fits(long status) { return status == 0 || status == REFUSED; }

int main(int count, char **words)
{
    char nonce[17], head[LINE_LIMIT];
    began = now_ms();
    deadline_ms = DEFAULT_DEADLINE_MS;
    catch_signals();
    hold_standard_descriptors();
    read_arguments(count, words);
    alarm((unsigned)(deadline_ms / 1000) + 10); /* whatever happens, there is an answer */
    read_event();
    find_run_directory();
    new_nonce(nonce);
    int fd = reach_daemon();
    check_owner(fd);
    int64_t left = began + deadline_ms - now_ms();
    int n = snprintf(head, sizeof head, "ILK1 hook %s %s %lld %zu\n", agent, nonce, (long long)(left > 0 ? left : 1), event.length);
    if (n <= 0 || n >= (int)sizeof head)
        no(REPAIR, "the request could not be written");
    struct iovec part[2] = {{head, (size_t)n}, {event.bytes, event.length}};
    struct answer a = converse(fd, nonce, part, fits);
    if (a.status == 0)
        check_lease(a.epoch);
    if (!put(STDOUT_FILENO, reply.bytes, (size_t)a.out) || !put(STDERR_FILENO, reply.bytes + a.out, (size_t)a.err))
        return REFUSED;
    return (int)a.status;
}
