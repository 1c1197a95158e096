/*
 * The launcher and the caller's terminal. The command shares the caller's session when the plan says so, and then the
 * launcher stops when the command does, as a shell expects of a job; at the end the terminal is given back.
 */
#define _GNU_SOURCE
#include "run.h"

#include <fcntl.h>
#include <unistd.h>

static int terminal = -1;

void hold_terminal(void)
{
    terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal >= 0 && tcgetpgrp(terminal) != getpgrp()) { /* we are in the background: it is not ours to give back */
        close(terminal);
        terminal = -1;
    }
}

void give_terminal_back(void)
{
    sigset_t set, before;
    if (terminal < 0 || tcgetpgrp(terminal) == getpgrp())
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, &before);
    (void)tcsetpgrp(terminal, getpgrp());
    sigprocmask(SIG_SETMASK, &before, NULL);
}
