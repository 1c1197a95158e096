/* The command line: --plan FILE. */
#define _GNU_SOURCE
#include "run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void usage(void) { fail("Call it as `interlock-run --plan FILE`.", "it is called in a wrong way"); }

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
    if (count != 3 || strcmp(words[1], "--plan") != 0)
        usage();
    char *bytes = load_file(words[2], &length);
    read_plan(&plan, bytes, length);
    return launch(&plan);
}
