#define _GNU_SOURCE
#include "Birth.h"
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The C library has no function for clone3 with a stack of the child's own, which is needed where memory is shared.
static pid_t clone_onto_stack(struct clone_args *arguments, void (*life)(const void *), const void *context) {
    long result;
#if defined(__x86_64__)
    __asm__ volatile(
        "syscall\n\t"
        "test %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "mov %[context], %%rdi\n\t"
        "call *%[life]\n\t"
        "ud2\n"
        "1:"
        : "=a"(result)
        : "a"((long)SYS_clone3), "D"(arguments), "S"(sizeof *arguments), [life] "r"(life), [context] "r"(context)
        : "rcx", "r11", "memory", "cc");
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)arguments;
    register long second __asm__("x1") = sizeof *arguments;
    __asm__ volatile(
        "svc #0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x0, %[context]\n\t"
        "blr %[life]\n\t"
        "brk #1\n"
        "1:"
        : "+r"(first)
        : "r"(number), "r"(second), [life] "r"(life), [context] "r"(context)
        : "x30", "memory", "cc");
    result = first;
#else
    result = -ENOSYS;
#endif
    if (result >= 0) return (pid_t)result;
    errno = (int)-result;
    return -1;
}

static struct clone_args arguments_for(int group) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    if (group >= 0) {
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)group;
    }
    return arguments;
}

static pid_t bear_in_copy(int group, void (*life)(const void *), const void *context) {
    struct clone_args arguments = arguments_for(group);
    // Not the C library's fork: where the caller was not made by it, locks that it takes may be held for ever.
    pid_t child = (pid_t)(group < 0 ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)
                                    : syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child == 0) life(context);
    return child;
}

static pid_t bear_in_shared_memory(int group, void (*life)(const void *), const void *context) {
    // The caller's own stack lends the child a part, so that nothing is allocated.
    _Alignas(16) char stack[64 << 10];
    struct clone_args arguments = arguments_for(group);
    arguments.flags |= CLONE_VM | CLONE_VFORK;
    arguments.stack = (uint64_t)(uintptr_t)stack;
    arguments.stack_size = sizeof stack;
    // The caller's handlers must not run in the child, whose memory is the caller's.
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t child = clone_onto_stack(&arguments, life, context);
    int code = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return child;
}

pid_t clinux_bear(int shares_memory, int group, void (*life)(const void *), const void *context) {
    if (shares_memory) {
        pid_t child = bear_in_shared_memory(group, life, context);
        // Some containers know no clone3.
        if (child >= 0 || errno != ENOSYS) return child;
    }
    return bear_in_copy(group, life, context);
}
