// The ceiling for the gateway: libfcgi alone, a constant answer, one thread for each connection.
//
//   BareFastCGI SOCKET THREADS
//
// With connections kept by nginx a thread serves one connection for as long as nginx keeps it: THREADS must be above
// workers × keepalive.
#include <fcgiapp.h>
#include <pthread.h>
#include <stdlib.h>

static int listener;

static void *serve(void *unused) {
    static const char reply[] =
        "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{\"version\":\"0.1.0\"}";
    FCGX_Request request;
    FCGX_InitRequest(&request, listener, 0);
    while (FCGX_Accept_r(&request) == 0) {
        FCGX_PutStr(reply, sizeof reply - 1, request.out);
        while (FCGX_GetChar(request.in) >= 0) {}
        FCGX_Finish_r(&request);
    }
    return unused;
}

int main(int count, char **arguments) {
    if (count != 3 || FCGX_Init() != 0) return 2;
    listener = FCGX_OpenSocket(arguments[1], 4096);
    if (listener < 0) return 1;
    for (int i = atoi(arguments[2]); i > 1; i--) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, NULL);
    }
    serve(NULL);
    return 0;
}
