#define _GNU_SOURCE
#include "Birth.h"
#include "Launch.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// <sys/mount.h> and <linux/mount.h> cannot both be included with the C library of Debian 12.
extern int mount(const char *, const char *, const char *, unsigned long, const void *);

// In a child of a process with threads only system calls are safe: nothing below allocates or takes a lock, nor changes memory that
// the parent still needs.

struct failure {
    const char *what;
    int code;
};

static void fail(int report, const char *what) {
    struct failure failure = {.what = what, .code = errno};
    if (write(report, &failure, sizeof failure) < 0) _exit(126);
    _exit(127);
}

static int write_text(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = write(file, text, strlen(text));
    int code = errno;
    close(file);
    errno = code;
    return count < 0 ? -1 : 0;
}

static void mount_overlay(const struct clinux_launch *launch, int report) {
    char options[4 * 4096];
    const char *lower = launch->lower;
    if (launch->shifts_lower) {
        int tree = (int)syscall(SYS_open_tree, AT_FDCWD, lower, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (tree < 0) fail(report, "open the image's root directory");
        struct mount_attr shift = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)launch->user_namespace};
        if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &shift, sizeof shift) < 0)
            fail(report, "shift the owners of the image's files (Linux 5.19 or newer is needed)");
        if (syscall(SYS_move_mount, tree, "", AT_FDCWD, launch->merged, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            fail(report, "attach the image's root directory");
        lower = launch->merged;
    }
    int length = snprintf(
        options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s%s", lower, launch->upper, launch->work,
        launch->shifts_lower ? "" : ",userxattr");
    if (length < 0 || (size_t)length >= sizeof options) {
        errno = ENAMETOOLONG;
        fail(report, "mount the overlay");
    }
    if (mount("overlay", launch->merged, "overlay", 0, options) < 0) fail(report, "mount the overlay over the image");
}

static void enter_user_namespace(const struct clinux_launch *launch, int report) {
    if (launch->user_namespace >= 0 && setns(launch->user_namespace, CLONE_NEWUSER) < 0)
        fail(report, "enter the user namespace");
}

static void enter_place(const struct clinux_launch *launch, int report) {
    if (launch->user_namespace_first) enter_user_namespace(launch, report);
    if (launch->network_namespace >= 0 && setns(launch->network_namespace, CLONE_NEWNET) < 0)
        fail(report, "enter the network namespace");
    if (launch->stage || launch->lower) {
        if (unshare(CLONE_NEWNS) < 0) fail(report, "make a mount namespace");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail(report, "make the mounts private");
    }
    if (launch->lower) mount_overlay(launch, report);
    if (launch->lent && mount(launch->lent, launch->lent_target, NULL, MS_BIND, NULL) < 0)
        fail(report, "mount the settings of the task's place");
    if (launch->stage && mount(launch->stage, "/tmp", NULL, MS_BIND | MS_REC, NULL) < 0)
        fail(report, "mount the task's place");
    if (!launch->user_namespace_first) enter_user_namespace(launch, report);
    if (launch->forbids_user_namespaces && write_text("/proc/sys/user/max_user_namespaces", "0") < 0)
        fail(report, "forbid further user namespaces");
}

static void change_identity(const struct clinux_launch *launch, int report) {
    if (!launch->changes_identity) return;
    if (launch->drops_groups && syscall(SYS_setgroups, 0, NULL) < 0) fail(report, "drop the supplementary groups");
    // The C library's wrappers would signal threads that do not exist in a forked child.
    if (syscall(SYS_setresgid, launch->group, launch->group, launch->group) < 0) fail(report, "change the group");
    if (syscall(SYS_setresuid, launch->user, launch->user, launch->user) < 0) fail(report, "change the user");
}

static void arrange_descriptors(const struct clinux_launch *launch, int report) {
    int count = 3 + launch->inherited_count;
    int sources[3 + 16];
    if (launch->inherited_count > 16) {
        errno = EINVAL;
        fail(report, "hand over descriptors");
    }
    sources[0] = launch->input;
    sources[1] = launch->output;
    sources[2] = launch->error;
    for (int i = 0; i < launch->inherited_count; i++) sources[3 + i] = launch->inherited[i];
    // First out of the way of the targets, then to their numbers, where they lose close-on-exec.
    for (int i = 0; i < count; i++) {
        sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 64);
        if (sources[i] < 0) fail(report, "hand over descriptors");
    }
    for (int i = 0; i < count; i++)
        if (dup2(sources[i], i) < 0) fail(report, "hand over descriptors");
}

static void become(const struct clinux_launch *launch, int report) {
    if (setsid() < 0 && errno != EPERM) fail(report, "start a session");
    arrange_descriptors(launch, report);
    int first = 3 + launch->inherited_count;
    if (report > first) syscall(SYS_close_range, first, report - 1, 0);
    syscall(SYS_close_range, report + 1, ~0U, 0);
    if (launch->controls_terminal && ioctl(0, TIOCSCTTY, 0) < 0) fail(report, "take the terminal");
    for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (launch->directory && chdir(launch->directory) < 0) fail(report, "enter the working directory");
    execve(launch->program, launch->arguments, launch->environment);
    fail(report, "execute the program");
}

// Kills children until none is left. As a sub-reaper the process adopts their children in turn.
static void kill_descendants(void) {
    char text[4096];
    snprintf(text, sizeof text, "/proc/self/task/%d/children", getpid());
    for (;;) {
        int file = open(text, O_RDONLY | O_CLOEXEC);
        char list[4096];
        ssize_t count = file < 0 ? 0 : read(file, list, sizeof list - 1);
        if (file >= 0) close(file);
        if (count < 0) count = 0;
        list[count] = 0;
        for (char *at = list; *at;) {
            char *end;
            long number = strtol(at, &end, 10);
            if (end == at) break;
            // A number cut off at the buffer's end is not followed by a space.
            if (*end == ' ' && number > 1) kill((pid_t)number, SIGKILL);
            at = *end ? end + 1 : end;
        }
        if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) return;
    }
}

// The leader's life: outlives the program only to kill what the program left behind.
static void lead(pid_t program) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGUSR1);
    for (;;) {
        int number = sigwaitinfo(&awaited, NULL);
        int status;
        pid_t ended;
        if (number == SIGUSR1) {
            kill_descendants();
            _exit(128 + SIGKILL);
        }
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
            if (ended != program) continue;
            kill_descendants();
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }
}

struct start {
    const struct clinux_launch *launch;
    int report;
    pid_t parent;
};

static void follow(const void *context) {
    const struct start *start = context;
    become(start->launch, start->report);
}

static void start_leader(const struct clinux_launch *launch, int report, pid_t parent) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    signal(SIGCHLD, SIG_DFL);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) fail(report, "adopt the step's processes");
    if (prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0) < 0) fail(report, "watch the executor");
    if (getppid() != parent) _exit(127);
    setsid();
    struct start start = {.launch = launch, .report = report};
    pid_t program = clinux_bear(1, -1, follow, &start);
    if (program < 0) fail(report, "fork");
    syscall(SYS_close_range, 0, ~0U, 0);
    lead(program);
}

static void begin(const struct clinux_launch *launch, int report, pid_t parent) {
    if (launch->control_groups)
        for (const char *const *file = launch->control_groups; *file; file++)
            if (write_text(*file, "0") < 0) fail(report, "join the control group");
    enter_place(launch, report);
    change_identity(launch, report);
    if (launch->leads) start_leader(launch, report, parent);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) fail(report, "watch the executor");
    if (getppid() != parent && getppid() != 0) _exit(127);
    become(launch, report);
}

static pid_t await_start(pid_t child, int report, const char **failed) {
    struct failure failure;
    ssize_t count;
    do count = read(report, &failure, sizeof failure);
    while (count < 0 && errno == EINTR);
    close(report);
    if (count != sizeof failure) return child;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    *failed = failure.what;
    errno = failure.code;
    return -1;
}

static void live(const void *context) {
    const struct start *start = context;
    begin(start->launch, start->report, start->parent);
}

pid_t clinux_start(const struct clinux_launch *launch, const char **failed) {
    int report[2];
    *failed = "make a pipe";
    if (pipe2(report, O_CLOEXEC) < 0) return -1;
    struct start start = {.launch = launch, .report = report[1], .parent = getpid()};
    *failed = "fork";
    // A leader lives on without executing a program.
    pid_t child = clinux_bear(!launch->leads, launch->birth_group, live, &start);
    int code = errno;
    close(report[1]);
    errno = code;
    if (child < 0) {
        close(report[0]);
        errno = code;
        return -1;
    }
    return await_start(child, report[0], failed);
}
