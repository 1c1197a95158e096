/*
 * The network of a run that has one: listeners inside its own network namespace, whose descriptors go to the daemon.
 * Who connects to them inside is served outside; there is no route, no relay and no token.
 */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_egress(const struct plan *plan)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof peer;
    int directory = -1;
    if (strlen(plan->egress) < sizeof address.sun_path) {
        strcpy(address.sun_path, plan->egress);
    } else { /* a longer path is reached through its directory's descriptor */
        char one[PATH_MAX], other[PATH_MAX];
        strcpy(one, plan->egress), strcpy(other, plan->egress);
        directory = open(dirname(one), O_PATH | O_DIRECTORY | O_CLOEXEC);
        int n = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory, basename(other));
        if (directory < 0 || n >= (int)sizeof address.sun_path)
            fail(REPORT, "the daemon's way out %s cannot be reached", plan->egress);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("Run `interlock status`, and start the daemon again if it does not answer.",
             "the daemon's way out %s cannot be reached (%s)", plan->egress, strerror(errno));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || (peer.uid != geteuid() && peer.uid != 0))
        fail("Look who made it, remove it, and start the daemon again.", "the socket %s belongs to somebody else", plan->egress);
    if (directory >= 0)
        close(directory);
    return fd;
}

/* On every address of the namespace: names are answered with addresses of the loopback device, one for each name. */
static int listen_on(const struct port *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port->number), .sin_addr = {htonl(INADDR_ANY)}};
    int yes = 1, fd = socket(AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || (!port->udp && listen(fd, 128) < 0))
        fail(DOCTOR, "nothing can listen on %s in the sandbox (%s)", port->text, strerror(errno));
    return fd;
}

void hand_out_listeners(const struct plan *plan)
{
    enum { MOST = sizeof plan->ports / sizeof *plan->ports };
    char line[2048];
    _Alignas(struct cmsghdr) char space[CMSG_SPACE(MOST * sizeof(int))] = {0};
    int egress = connect_egress(plan), fds[MOST], length = snprintf(line, sizeof line, "RUN %s", plan->id);
    for (size_t i = 0; i < plan->port_count; i++) {
        fds[i] = listen_on(&plan->ports[i]);
        length += snprintf(line + length, sizeof line - (size_t)length, " %s", plan->ports[i].text);
    }
    line[length++] = '\n';
    struct iovec part = {line, (size_t)length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = space,
                             .msg_controllen = CMSG_SPACE(plan->port_count * sizeof(int))};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(plan->port_count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, plan->port_count * sizeof(int));
    if (sendmsg(egress, &message, MSG_NOSIGNAL) != (ssize_t)length)
        fail(REPORT, "the listeners cannot be handed to the daemon (%s)", strerror(errno));
    for (size_t i = 0; i < plan->port_count; i++)
        close(fds[i]);
}
