/* Giving everything away: no capability is left in any set, and no program can bring one back. */
#define _GNU_SOURCE
#include "run.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void forbid_new_privileges(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(DOCTOR, "new privileges cannot be forbidden (%s)", strerror(errno));
}

void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}}, left[2];
    for (unsigned long one = 0; one < 64; one++)
        if (prctl(PR_CAPBSET_DROP, one, 0, 0, 0) < 0) {
            if (errno == EINVAL && one > 30)
                break; /* the kernel knows no more of them */
            fail(DOCTOR, "capability %lu cannot be given up (%s)", one, strerror(errno));
        }
    /* user 0 is nobody special here, even where the map says 0 */
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED |
                         SECBIT_KEEP_CAPS_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
        fail(DOCTOR, "the powers of user 0 cannot be ended (%s)", strerror(errno));
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
        fail(DOCTOR, "the capabilities cannot be given up (%s)", strerror(errno));
    if (syscall(SYS_capget, &head, left) < 0 || memcmp(left, none, sizeof none) != 0)
        fail(DOCTOR, "capabilities are left");
}
