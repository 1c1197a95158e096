/* Whom a run calls: addresses that are called by number. Calls to names are seen by the network itself. */
#define _GNU_SOURCE
#include "run.h"
#include "kernel.h"
#include "notices.h"
#include "sight.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LENT = 64 /* sockets that may linger: who has so many is not looked at any more */ };

/* ---- sockets that were borrowed */

static int borrowed[2] = {-1, -1}; /* a pipe of their numbers, to the thread that gives them back */
static atomic_int held;            /* so many are on the way */

static void *give_back(void *nothing)
{
    for (int fd; read(borrowed[0], &fd, sizeof fd) == (ssize_t)sizeof fd; held--)
        close(fd);
    return nothing;
}

/*
 * A thread of its own closes them: where the caller has closed its own meanwhile, this is the last close, which may last
 * as long as the socket lingers. False where there is none, or too many linger; then nothing is borrowed.
 */
static bool gives_back(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    static enum { UNTRIED, WORKS, FAILS } state;
    if (state == UNTRIED) {
        state = pipe2(borrowed, O_CLOEXEC) == 0 && pthread_attr_init(&attributes) == 0 &&
                        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) == 0 &&
                        pthread_create(&thread, &attributes, give_back, NULL) == 0
                    ? WORKS
                    : FAILS;
    }
    return state == WORKS && held < LENT;
}

/* A datagram socket that is connected has sent nothing yet: many only ask so for their own address. */
static bool only_asks(pid_t pid, int socket)
{
    int kind = SOCK_STREAM, process = gives_back() ? (int)syscall(NR_PIDFD_OPEN, pid, 0U) : -1;
    socklen_t size = sizeof kind;
    int fd = process < 0 ? -1 : (int)syscall(NR_PIDFD_GETFD, process, socket, 0U);
    if (fd >= 0) {
        (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size);
        held++;
        (void)!write(borrowed[1], &fd, sizeof fd); /* a few numbers always fit */
    }
    if (process >= 0)
        close(process);
    return kind == SOCK_DGRAM;
}

/* The address as people write it; false for this sandbox's own loopback, and for what is no address of a network. */
static bool written(const struct sockaddr_storage *address, char text[TEXT])
{
    char host[INET6_ADDRSTRLEN];
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        uint32_t number = ntohl(four->sin_addr.s_addr);
        if (number >> 24 == 127 || number == 0)
            return false;
        snprintf(text, TEXT, "%s:%u", inet_ntop(AF_INET, &four->sin_addr, host, sizeof host), (unsigned)ntohs(four->sin_port));
        return true;
    }
    if (address->ss_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    if (IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr) ||
        (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) && six->sin6_addr.s6_addr[12] == 127))
        return false;
    snprintf(text, TEXT, "[%s]:%u", inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host), (unsigned)ntohs(six->sin6_port));
    return true;
}

void see_place(const struct notice *notice)
{
    static char by[PATH_MAX];
    const bool sends = notice->call == SYS_sendto;
    uint64_t length = notice->arguments[sends ? 5 : 2] & 0xffffffff;
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    char text[TEXT] = "?";
    bool meant = length >= sizeof address.ss_family && length <= sizeof address;
    if (meant && read_bytes(notice->pid, notice->arguments[sends ? 4 : 1], &address, length))
        meant = written(&address, text);
    if (meant && !program_of(notice->pid, by))
        strcpy(by, UNREADABLE);
    if (meant && !sends && only_asks(notice->pid, (int)notice->arguments[0]))
        strcat(text, "/udp"); /* an address is short */
    meant = meant && still_asked(notice->id);
    answer(notice->id, 0, true);
    if (meant)
        note_place(text, by);
}
