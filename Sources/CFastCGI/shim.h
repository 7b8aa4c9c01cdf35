#ifndef CFASTCGI_SHIM_H
#define CFASTCGI_SHIM_H

#include <fcgiapp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

// libfcgi accepts and closes connections itself, blocking. We do both, so that a waiting connection costs no thread, and put
// the request into the state in which the library is between two requests of a kept connection; its next step is to read a
// request from `descriptor`. The two fields are marked private in fcgiapp.h; the layout has been the ABI of libfcgi.so.0
// since 2.4.0 (2003).
static inline void cfastcgi_adopt(FCGX_Request *request, int descriptor) {
    FCGX_InitRequest(request, -1, 0);
    request->ipcFd = descriptor;
    request->keepConnection = 1;
}

// Takes the descriptor back, so that freeing the request leaves it open. Negative after the library closed it.
static inline int cfastcgi_disown(FCGX_Request *request) {
    int descriptor = request->ipcFd;
    request->ipcFd = -1;
    return descriptor;
}

static inline int cfastcgi_keeps_connection(const FCGX_Request *request) { return request->keepConnection; }

// The bytes of the current record that are in memory already: reading them never blocks.
static inline long cfastcgi_buffered(const FCGX_Stream *stream) { return stream->stop - stream->rdNext; }

static inline int cfastcgi_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events};
    event.data.u64 = token;
    return epoll_ctl(epoll, operation, descriptor, &event);
}

// Epoll events are packed on x86_64; copies them out, so that Swift never sees the layout.
static inline int cfastcgi_epoll_wait(int epoll, uint32_t *events, uint64_t *tokens, int capacity) {
    struct epoll_event buffer[64];
    if (capacity > 64) capacity = 64;
    int count = epoll_wait(epoll, buffer, capacity, -1);
    for (int i = 0; i < count; i++) {
        events[i] = buffer[i].events;
        tokens[i] = buffer[i].data.u64;
    }
    return count;
}

// Glibc declares accept4 for _GNU_SOURCE alone, which Swift does not set.
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

static inline int cfastcgi_accept(int listener) { return accept4(listener, 0, 0, SOCK_CLOEXEC); }

// Whether the peer will send nothing more, even if something still stands in the socket.
static inline int cfastcgi_is_input_over(int descriptor) {
    struct pollfd request = {.fd = descriptor, .events = EPOLLRDHUP};
    return poll(&request, 1, 0) > 0;
}

static inline int cfastcgi_set_timeout(int descriptor, int option, long seconds) {
    struct timeval time = {.tv_sec = seconds, .tv_usec = 0};
    return setsockopt(descriptor, SOL_SOCKET, option, &time, sizeof time);
}

#endif
