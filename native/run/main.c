/* The command line. */
#define _GNU_SOURCE
#include "run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void usage(void)
{
    fail("Call it as `interlock-run --plan FILE` or `interlock-run --probe [DIRECTORY]`.", "it is called in a wrong way");
}

/* A standard descriptor that the caller closed would otherwise be taken by a file of ours. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            _exit(STATUS_UNBUILT);
}

int main(int count, char **words)
{
    struct plan plan;
    size_t length;
    hold_standard_descriptors();
    if (count >= 2 && count <= 3 && strcmp(words[1], "--probe") == 0)
        return probe(count == 3 ? words[2] : "/tmp");
    if (count == 4 && strcmp(words[1], "--rename") == 0)
        return probe_rename(words[2], words[3]);
    if (count != 3 || strcmp(words[1], "--plan") != 0)
        usage();
    char *bytes = load_file(words[2], &length);
    read_plan(&plan, bytes, length);
    return launch(&plan);
}
