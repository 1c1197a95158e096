/*
 * Calls that wait for pid 1's word: the filter stops them, and the kernel hands them over on one descriptor. Renames go
 * to the shim; programs that are started and addresses that are called are only looked at, and go on in the kernel.
 */
#define _GNU_SOURCE
#include "run.h"
#include "notices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define SET_FLAGS _IOW('!', 4, uint64_t) /* Linux 6.6: wake the other side on this processor, as it waits for nothing else */

static int listener = -1;
static struct seccomp_notif *request;
static struct seccomp_notif_sizes sizes;

/* ---- the descriptor's way from the command to pid 1 */

void send_listener(int socket, int fd)
{
    char byte = 0, space[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(socket, &message, MSG_NOSIGNAL) != 1)
        fail(REPORT, "the filter's descriptor cannot be handed over (%s)", strerror(errno));
    close(fd);
}

int take_listener(int socket)
{
    char byte, space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
        return -1; /* the command ended before it came so far */
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (!head || head->cmsg_type != SCM_RIGHTS)
        return -1;
    memcpy(&listener, CMSG_DATA(head), sizeof listener);
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0U, &sizes) < 0 || !(request = calloc(1, sizes.seccomp_notif + sizeof *request)))
        fail(DOCTOR, "the filter's calls cannot be served (%s)", strerror(errno));
    (void)ioctl(listener, SET_FLAGS, 1UL);
    return listener;
}

/* ---- one call */

void answer(uint64_t id, int error, bool go_on)
{
    union {
        struct seccomp_notif_resp response;
        char room[256];
    } said = {.room = {0}};
    said.response.id = id;
    said.response.error = -error;
    said.response.flags = go_on ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &said); /* who asked may be gone */
}

bool still_asked(uint64_t id) { return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

bool read_bytes(pid_t pid, uint64_t address, void *bytes, size_t size)
{
    struct iovec here = {bytes, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool read_text(pid_t pid, uint64_t address, char *text, size_t size)
{
    size_t used = 0;
    while (used < size) { /* not past the page that the text ends in: the next may not be there */
        size_t step = 4096 - (address + used) % 4096;
        step = step < size - used ? step : size - used;
        struct iovec here = {text + used, step}, there = {(void *)(uintptr_t)(address + used), step};
        ssize_t n = process_vm_readv(pid, &here, 1, &there, 1, 0);
        if (n <= 0)
            return false;
        if (memchr(text + used, '\0', (size_t)n))
            return true;
        used += (size_t)n;
    }
    return false;
}

int base_of(pid_t pid, int directory, const char *path)
{
    char link[64];
    if (path[0] == '/')
        return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
    else
        snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, directory);
    return open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void serve_notice(void)
{
    memset(request, 0, sizes.seccomp_notif);
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
        return; /* it was killed meanwhile */
    _Static_assert(sizeof *request->data.args == sizeof(uint64_t), "arguments are of 64 bits");
    uint64_t arguments[6];
    memcpy(arguments, request->data.args, sizeof arguments);
    const struct notice notice = {request->id, (pid_t)request->pid, request->data.nr, arguments};
    if (notice.call == SYS_execve || notice.call == SYS_execveat)
        see_program(&notice);
    else if (notice.call == SYS_connect || notice.call == SYS_sendto)
        see_place(&notice);
    else
        serve_rename(&notice);
}
