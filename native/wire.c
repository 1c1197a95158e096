/* The exchange with the daemon, shared by the hook client and the launcher of contained commands. */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const char RESTART[] = "Run `interlock status`, and `interlock down` then `interlock up` if it does not answer.";
const char REPAIR[] = "Run `interlock doctor` to see what is wrong.";

char run_directory[PATH_MAX];
const char *home_option, *run_option;
int64_t began, deadline_ms;

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

bool grow(struct buffer *b)
{
    if (b->length < b->capacity)
        return true;
    if (b->capacity >= b->limit)
        return false;
    char *larger = mmap(NULL, b->limit + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (larger == MAP_FAILED)
        no("Free some memory, or raise the limit (`ulimit -v`) the agent runs under.", "there is no memory for it");
    memcpy(larger, b->bytes, b->length);
    b->bytes = larger;
    b->capacity = b->limit + 1; /* one more than allowed, so that "too much" is seen */
    return true;
}

static bool join(char *out, const char *directory, const char *rest)
{
    int n = snprintf(out, PATH_MAX, "%s%s", directory, rest);
    return n > 0 && n < PATH_MAX;
}

/* The same rules as interlock.home: --run, --home, INTERLOCK_HOME, XDG_RUNTIME_DIR, XDG_STATE_HOME, HOME. */
void find_run_directory(void)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME"), *user = getenv("HOME");
    const char *base = home_option ? home_option : getenv("INTERLOCK_HOME"), *rest = "/run";
    if (run_option) {
        base = run_option;
        rest = "";
    } else if (base && *base) {
        ;
    } else if (runtime && *runtime == '/') {
        base = runtime;
        rest = "/interlock";
    } else if (state && *state == '/') {
        base = state;
        rest = "/interlock/run";
    } else {
        base = user;
        rest = "/.local/state/interlock/run";
    }
    if (!base || *base != '/')
        no("Set HOME or INTERLOCK_HOME to an absolute path.", "the directory of its daemon is not known");
    if (!join(run_directory, base, rest))
        no("Use a shorter INTERLOCK_HOME.", "the path of its directory is too long");
}

/* A directory too long for sockaddr_un is reached through its descriptor. */
int connect_once(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int directory = -1, n;
    if (strlen(run_directory) + sizeof "/daemon.sock" <= sizeof address.sun_path) {
        n = snprintf(address.sun_path, sizeof address.sun_path, "%s/daemon.sock", run_directory);
    } else {
        directory = open(run_directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0)
            return -1;
        n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/daemon.sock", directory);
    }
    int fd = n > 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    int failed = fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
    if (directory >= 0)
        close(directory);
    if (failed && fd >= 0)
        close(fd);
    errno = failed;
    return failed ? -1 : fd;
}

void check_owner(int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || size != sizeof peer)
        no(REPAIR, "the owner of its socket is not known");
    if (peer.uid != geteuid() && peer.uid != 0)
        no("Look who made it, remove it, and run `interlock up`.", "its socket (%s/daemon.sock) belongs to user %u, not to you",
           run_directory, (unsigned)peer.uid);
}

void new_nonce(char nonce[17])
{
    unsigned char random[8];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        no(REPAIR, "the system gives no random numbers");
    for (int i = 0; i < 8; i++)
        snprintf(nonce + 2 * i, 3, "%02x", random[i]);
}

long number(const char **p, char stop, long limit)
{
    const char *s = *p;
    long value = 0;
    if (*s < '0' || *s > '9' || (*s == '0' && s[1] != stop))
        return -1;
    for (; *s >= '0' && *s <= '9'; s++) {
        value = value * 10 + (*s - '0');
        if (value > limit)
            return -1;
    }
    if (*s != stop)
        return -1;
    *p = s + 1;
    return value;
}

static _Noreturn void garbage(void) { no(RESTART, "its daemon answered something that cannot be understood"); }

/* Takes the header lines that are there; extends the silence for each hold. */
static void take_lines(const char *nonce, struct answer *a, int64_t *silent_at, bool (*fits)(long status))
{
    const long limit = (long)reply.limit - 2 * LINE_LIMIT;
    char *newline;
    while (!a->complete && (newline = memchr(reply.bytes, '\n', reply.length)) != NULL) {
        size_t used = (size_t)(newline - reply.bytes) + 1;
        const char *p = reply.bytes;
        bool hold = used > 27 && memcmp(p, "ILK1 hold ", 10) == 0, done = used > 27 && memcmp(p, "ILK1 done ", 10) == 0;
        if (used > LINE_LIMIT || (!hold && !done) || memcmp(p + 10, nonce, 16) != 0 || p[26] != ' ')
            garbage();
        p += 27;
        if (hold) {
            long ms = number(&p, '\n', INT_MAX);
            if (ms < 0)
                garbage();
            *silent_at = now_ms() + ms;
        } else {
            a->status = number(&p, ' ', 255);
            a->out = a->status < 0 ? -1 : number(&p, ' ', limit);
            a->err = a->out < 0 ? -1 : number(&p, ' ', limit);
            long epoch = a->err < 0 ? -1 : number(&p, '\n', LONG_MAX / 1024);
            if (epoch < 0 || a->out + a->err > limit || !fits(a->status))
                garbage();
            a->epoch = (uint64_t)epoch;
            a->complete = true;
            *silent_at = now_ms() + SILENCE_MS;
        }
        reply.length -= used;
        memmove(reply.bytes, reply.bytes + used, reply.length);
    }
    if (!a->complete && reply.length > LINE_LIMIT)
        garbage();
}

/* Sends what the socket takes. False when the daemon has closed its ear: it may have answered all the same. */
static bool send_some(int fd, struct iovec part[2])
{
    struct msghdr message = {.msg_iov = part[0].iov_len ? part : part + 1, .msg_iovlen = part[0].iov_len ? 2 : 1};
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    for (int i = 0; i < 2; i++) {
        size_t taken = (size_t)n < part[i].iov_len ? (size_t)n : part[i].iov_len;
        part[i].iov_base = (char *)part[i].iov_base + taken;
        part[i].iov_len -= taken;
        n -= (ssize_t)taken;
    }
    return true;
}

/* Returns when the answer is whole, valid, and followed by the end of the stream. */
struct answer converse(int fd, const char *nonce, struct iovec part[2], bool (*fits)(long status))
{
    struct answer a = {0};
    int64_t end = began + deadline_ms, silent_at = smaller(end, now_ms() + SILENCE_MS);
    bool sending = send_some(fd, part);
    for (;;) {
        bool unsent = part[0].iov_len + part[1].iov_len > 0;
        struct pollfd p = {fd, (short)(POLLIN | (sending && unsent ? POLLOUT : 0)), 0};
        int64_t left = smaller(end, silent_at) - now_ms();
        if (left <= 0 && end <= silent_at)
            no("Ask again, and answer within that time (`interlock inbox`).", "no answer came within %lld seconds",
               (long long)deadline_ms / 1000);
        if (left <= 0)
            no(RESTART, "its daemon went silent");
        if (poll(&p, 1, (int)smaller(left, INT_MAX)) <= 0)
            continue;
        if (p.revents & POLLOUT) {
            size_t before = part[0].iov_len + part[1].iov_len;
            sending = send_some(fd, part);
            if (part[0].iov_len + part[1].iov_len < before && silent_at < now_ms() + SILENCE_MS)
                silent_at = now_ms() + SILENCE_MS;
        }
        if (!(p.revents & (POLLIN | POLLHUP | POLLERR)))
            continue;
        if (!grow(&reply))
            garbage();
        ssize_t n = read(fd, reply.bytes + reply.length, reply.capacity - reply.length);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0) {
            if (!a.complete || reply.length != (size_t)(a.out + a.err))
                no(RESTART, "its daemon hung up in the middle of an answer");
            if (a.status == 0 && part[0].iov_len + part[1].iov_len > 0)
                garbage(); /* a yes to an event it has not read */
            return a;
        }
        reply.length += (size_t)n;
        take_lines(nonce, &a, &silent_at, fits);
        if (a.complete && reply.length > (size_t)(a.out + a.err))
            garbage();
    }
}
