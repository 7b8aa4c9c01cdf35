#define _GNU_SOURCE
#include "Launch.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int raise_loopback(void) {
    int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return -1;
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    memcpy(request.ifr_name, "lo", 3);
    int result = ioctl(probe, SIOCSIFFLAGS, &request);
    close(probe);
    return result;
}

static int write_file(pid_t process, const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t count = write(file, text, strlen(text));
    int code = errno;
    close(file);
    errno = code;
    return count < 0 ? -1 : 0;
}

static int open_namespace(pid_t process, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", process, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static int adopt(pid_t child, uid_t user, gid_t group, unsigned count, int denies_groups, int descriptors[2]) {
    char map[64];
    if (denies_groups && write_file(child, "setgroups", "deny") < 0) return -1;
    snprintf(map, sizeof map, "0 %u %u", user, count);
    if (write_file(child, "uid_map", map) < 0) return -1;
    snprintf(map, sizeof map, "0 %u %u", group, count);
    if (write_file(child, "gid_map", map) < 0) return -1;
    descriptors[0] = open_namespace(child, "user");
    if (descriptors[0] < 0) return -1;
    descriptors[1] = open_namespace(child, "net");
    if (descriptors[1] >= 0) return 0;
    int code = errno;
    close(descriptors[0]);
    errno = code;
    return -1;
}

int clinux_make_namespaces(uid_t user, gid_t group, unsigned count, int denies_groups, int descriptors[2]) {
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        // Descriptors of children that other threads start at this moment must not live on here.
        if (dup2(channel[1], 0) < 0) _exit(1);
        syscall(SYS_close_range, 1, ~0U, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        int code = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || raise_loopback() < 0 ? errno : 0;
        if (write(0, &code, sizeof code) < 0) _exit(1);
        // Holds the namespaces until the caller has opened them and kills this process.
        for (;;) pause();
    }
    int code = errno;
    close(channel[1]);
    int result = -1;
    if (child > 0) {
        if (read(channel[0], &code, sizeof code) != sizeof code) code = EPIPE;
        if (code == 0) {
            result = adopt(child, user, group, count, denies_groups, descriptors);
            code = errno;
        }
    }
    close(channel[0]);
    if (child > 0) {
        kill(child, SIGKILL);
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
    errno = code;
    return result;
}

static int open_listener(uint32_t address, uint16_t port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return -1;
    int on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = address}};
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 128) < 0)
        return -1;
    return listener;
}

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void send_listener(int channel, int user, int network, uint32_t address, uint16_t port) {
    int listener = -1;
    int entered = user < 0 || setns(user, CLONE_NEWUSER) == 0;
    if (entered && setns(network, CLONE_NEWNET) == 0) listener = open_listener(address, port);
    int code = listener < 0 ? errno : 0;
    struct iovec data = {.iov_base = &code, .iov_len = sizeof code};
    union control control = {0};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (listener >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof listener);
        memcpy(CMSG_DATA(header), &listener, sizeof listener);
    }
    _exit(sendmsg(channel, &message, 0) < 0);
}

static int receive_listener(int channel) {
    int code = EPIPE;
    struct iovec data = {.iov_base = &code, .iov_len = sizeof code};
    union control control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(channel, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *header = count == sizeof code ? CMSG_FIRSTHDR(&message) : NULL;
    if (header) {
        int listener;
        memcpy(&listener, CMSG_DATA(header), sizeof listener);
        return listener;
    }
    errno = code;
    return -1;
}

int clinux_listen_inside(int user, int network, uint32_t address, uint16_t port) {
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        close(channel[0]);
        send_listener(channel[1], user, network, address, port);
    }
    int code = errno;
    close(channel[1]);
    int listener = -1;
    if (child > 0) {
        listener = receive_listener(channel[0]);
        code = errno;
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
    close(channel[0]);
    errno = code;
    return listener;
}
