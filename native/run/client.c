/*
 * The daemon, as the launcher asks it: a ticket is exchanged for a plan, once; at the end the status is told, and what
 * the daemon has to say of the changes goes to standard error.
 */
#define _GNU_SOURCE
#include "run.h"
#include "sight.h"
#include "../lease.h"
#include "../wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OPEN_MS = 60 * 1000, CLOSE_MS = 30 * 60 * 1000, /* a large commit; the daemon gives signs of life */
       EARLY = 64 * 1024 /* bytes; the smallest room that a socket has is larger */ };

static char first[64 * 1024];
struct buffer reply = {first, 0, sizeof first, PLAN_LIMIT + 2 * LINE_LIMIT};

static const char *ticket;
static bool lands; /* a bound run: it has nothing to be taken over */
static bool asked; /* by its command, not by a ticket */
static int ended = -1; /* the command's status, once it has run */

static bool fits(long status) { return status >= 0; }

_Noreturn void no(const char *remedy, const char *format, ...)
{
    char what[PATH_MAX + 512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (ended < 0)
        fail(remedy, "%s", what);
    if (lands) {
        fprintf(stderr, "Interlock could not be told how this ended: %s. %s\n", what, remedy);
        fflush(stderr);
        _Exit(ended);
    }
    fprintf(stderr, "Interlock has not taken over what the command changed: %s. %s\n", what, remedy);
    fflush(stderr);
    _Exit(ended ? ended : STATUS_UNSETTLED);
}

static void print_answer(size_t from)
{
    fwrite(reply.bytes + from, 1, reply.length - from, stderr);
    if (reply.length > from && reply.bytes[reply.length - 1] != '\n')
        fputc('\n', stderr);
    fflush(stderr);
}

/* `meanwhile`, if any, is called while the daemon is at work. */
static struct answer ask(const char *payload, size_t size, int64_t patience, void (*meanwhile)(void))
{
    char nonce[17], head[LINE_LIMIT];
    began = now_ms();
    deadline_ms = patience;
    reply.length = 0;
    find_run_directory();
    new_nonce(nonce);
    int fd = connect_once();
    for (int64_t end = began + SILENCE_MS; fd < 0 && (errno == EAGAIN || errno == EINTR) && now_ms() < end; fd = connect_once())
        pause_ms(5); /* its queue is full */
    if (fd < 0)
        no("Start it with `interlock up`, and make the call again: that gives a new ticket.",
           "its daemon cannot be reached (%s/daemon.sock: %s)", run_directory, strerror(errno));
    check_owner(fd);
    int n = snprintf(head, sizeof head, "ILK1 run - %s %lld %zu\n", nonce, (long long)patience, size);
    struct iovec part[2] = {{head, (size_t)n}, {(void *)payload, size}};
    if (meanwhile && size <= EARLY) { /* it fits the socket: all of it goes out at once */
        struct msghdr whole = {.msg_iov = part, .msg_iovlen = 2};
        if (sendmsg(fd, &whole, MSG_NOSIGNAL) != (ssize_t)(part[0].iov_len + part[1].iov_len))
            no(RESTART, "its daemon hung up");
        part[0].iov_len = part[1].iov_len = 0;
    }
    if (meanwhile)
        meanwhile();
    struct answer answer = converse(fd, nonce, part, fits);
    close(fd);
    return answer;
}

/* The plan in an answer, or the end: nothing has run. */
static char *plan_in(struct answer answer, size_t *length)
{
    if (answer.status != 0) {
        fputs("Interlock did not run this: ", stderr);
        print_answer(0);
        _Exit(STATUS_UNBUILT);
    }
    *length = (size_t)answer.out;
    char *bytes = malloc(*length + 1);
    if (!bytes)
        fail("Free some memory and try again.", "there is no memory for the plan");
    memcpy(bytes, reply.bytes, *length); /* the answer's room is needed again */
    return bytes;
}

char *start_run(const char *profile, char **words, size_t *length)
{
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here))
        fail("Go to a directory that exists.", "the current directory cannot be named (%s)", strerror(errno));
    size_t size = sizeof "start" + strlen(profile) + 1 + strlen(here) + 1;
    for (char **word = words; *word; word++)
        size += strlen(*word) + 1;
    char *payload = malloc(size), *end = payload;
    if (!payload || size > PLAN_LIMIT)
        fail("Put the command into a script.", "the command is too long");
    end = stpcpy(end, "start") + 1;
    end = stpcpy(end, profile) + 1;
    end = stpcpy(end, here) + 1;
    for (char **word = words; *word; word++)
        end = stpcpy(end, *word) + 1;
    char *bytes = plan_in(ask(payload, size, OPEN_MS, prepare), length);
    free(payload);
    asked = true;
    return bytes;
}

static bool observed, bounded;

bool leased(void) { return asked || ticket; }

int64_t need_lease(uint64_t run)
{
    struct terms terms = look_at_lease(run);
    if (terms.why)
        fail("Run `interlock status`; if it does not answer, `interlock down` and `interlock up`. Then make the call again.",
             "%s: nothing is started that its daemon could not stop", terms.why);
    if (terms.halt != MAY_GO)
        fail("Stop here, and tell the user: `interlock freezes` shows what is in force.", "a person has halted it");
    return terms.until;
}

void run_is(const char *id, bool observes, bool bounds)
{
    observed = observes;
    bounded = bounds;
    if (asked)
        ticket = id; /* a run that was asked for by its command is known by its own name */
}

static char *open_by(const char *word, const char *given, size_t *length, void (*meanwhile)(void))
{
    char payload[128];
    if (!*given || strlen(given) > 64 || strspn(given, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(given))
        fail("Make the call again: that gives a new ticket.", "this is no ticket");
    snprintf(payload, sizeof payload, "%s %s\n", word, given);
    char *bytes = plan_in(ask(payload, strlen(payload), OPEN_MS, meanwhile), length);
    ticket = given;
    return bytes;
}

/* One thing that was seen: five texts, each ended by NUL, which none of them holds. */
static char *put(char *end, const char *kind, unsigned long long count, const char *name, const char *file, const char *by)
{
    const char *const texts[] = {name, file, by};
    end = stpcpy(end, kind) + 1;
    end += sprintf(end, "%llu", count) + 1;
    for (size_t i = 0; i < 3; i++) {
        size_t length = strnlen(texts[i], TEXT - 1);
        memcpy(end, texts[i], length);
        end[length] = '\0';
        end += length + 1;
    }
    return end;
}

static size_t put_seen(char *start)
{
    char *end = start;
    if (bounded)
        end = put(end, "memory", sight->memory_over, sight->memory_grouped ? "group" : "watch", "", "");
    if (!observed)
        return (size_t)(end - start);
    for (uint32_t i = 0; i < smaller(sight->programs, PROGRAMS); i++)
        end = put(end, "ran", sight->program[i].count, sight->program[i].name, sight->program[i].file, sight->program[i].by);
    for (uint32_t i = 0; i < smaller(sight->places, PLACES); i++)
        end = put(end, "called", sight->place[i].count, sight->place[i].name, "", sight->place[i].by);
    end = put(end, "more-ran", sight->more_programs, "", "", "");
    end = put(end, "more-called", sight->more_places, "", "", "");
    return (size_t)(put(end, "unrouted", sight->unrouted, "", "", "") - start);
}

char *open_ticket(const char *given, size_t *length) { return open_by("open", given, length, prepare); }

char *open_bound(const char *given, size_t *length)
{
    char *bytes = open_by("bind", given, length, NULL);
    lands = true;
    return bytes;
}

static bool drift;

void has_drifted(void) { drift = true; }

/* The end of a bound run. What was done is done: that nobody could be told does not change its status. */
static int land(int status)
{
    char payload[128];
    snprintf(payload, sizeof payload, "land %s %d%s\n", ticket, status, drift ? " drifted" : "");
    ticket = NULL;
    ended = status;
    (void)ask(payload, strlen(payload), OPEN_MS, NULL);
    return status;
}

int close_ticket(int status)
{
    static char payload[sizeof *sight + (PROGRAMS + PLACES + 8) * 32];
    if (!ticket)
        return status;
    if (lands)
        return land(status);
    size_t size = (size_t)snprintf(payload, 128, "close %s %d\n", ticket, status);
    if (sight)
        size += put_seen(payload + size);
    ticket = NULL; /* whatever happens now, it is not told twice */
    ended = status;
    struct answer answer = ask(payload, size, CLOSE_MS, NULL);
    print_answer(0);
    return answer.status && !status ? STATUS_UNSETTLED : status;
}
