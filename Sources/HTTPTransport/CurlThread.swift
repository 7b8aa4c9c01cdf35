import Base
import CCurl
import Glibc

/// The life of the loop thread: everything of libcurl's happens here.
///
/// Not `Sendable`, made and used by one function on one thread.
final class CurlThread {
    private let multi: UnsafeMutableRawPointer
    private let configuration: HTTPClientConfiguration
    private let loop: CurlLoop
    private var running: [ObjectIdentifier: CurlHandle] = [:]
    private var spare: [CurlHandle] = []
    private var watch = TransferWatch()
    /// Transfers that found the queue of a Unix socket full, and when they try again.
    private var crowdedOut: (handles: [CurlHandle], until: ContinuousClock.Instant) = ([], .now)

    /// Runs until the loop is stopped.
    static func run(_ configuration: HTTPClientConfiguration, serving loop: CurlLoop) {
        blockBrokenPipeSignal()
        if globalInitialization == CURLE_OK, let multi = curl_multi_init() {
            CurlThread(multi, configuration, loop).run()
            curl_multi_cleanup(multi)
        } else {
            loop.stop()
            for case .start(let transfer) in loop.takeCommands().commands {
                transfer.finish(.failure(transfer.request.error(.closed, "libcurl cannot start")))
            }
        }
        loop.finish()
    }

    private static let globalInitialization = curl_global_init(Int(CURL_GLOBAL_ALL))

    private init(_ multi: UnsafeMutableRawPointer, _ configuration: HTTPClientConfiguration, _ loop: CurlLoop) {
        self.multi = multi
        self.configuration = configuration
        self.loop = loop
        if let limit = configuration.maximumConnectionsPerHost {
            _ = ccurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, limit)
        }
    }

    private func run() {
        while true {
            if executeCommands() { break }
            retryCrowdedOut()
            var count: Int32 = 0
            curl_multi_perform(multi, &count)
            collectFinished()
            endOverdue()
            publish()
            loop.report(transferCount: running.count)
            if loop.fallAsleep() { sleep() }
        }
        for handle in running.values { finish(handle, failing: .closed, "the HTTP client was shut down") }
        loop.report(transferCount: 0)
    }

    private func publish() {
        for handle in running.values {
            handle.publish()
            if handle.isSendingPaused { watch.include(.now + TransferWatch.hangUpCheck) }
        }
    }

    // MARK: - Commands

    /// - Returns: whether the thread is to end.
    private func executeCommands() -> Bool {
        let (commands, isStopping) = loop.takeCommands()
        commands.forEach(execute)
        return isStopping
    }

    private func execute(_ command: CurlLoop.Command) {
        switch command {
        case .start(let transfer): start(transfer)
        case .end(let transfer): running[ObjectIdentifier(transfer)].map(release)
        case .resumeReceiving(let transfer): resume(transfer, \.isReceivingPaused)
        case .resumeSending(let transfer): resume(transfer, \.isSendingPaused)
        }
    }

    private func start(_ transfer: CurlTransfer) {
        // A call may be cancelled before its start was taken from the queue.
        guard !transfer.response.hasEnded else { return }
        guard let handle = spare.popLast() ?? CurlHandle() else {
            return transfer.finish(.failure(transfer.request.error(.closed, "libcurl has no memory left")))
        }
        running[ObjectIdentifier(transfer)] = handle
        ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, running.count + configuration.maximumIdleConnections)
        do throws(HTTPTransportError) {
            try handle.prepare(transfer, configuration)
        } catch {
            return finish(handle, .failure(error))
        }
        let now = ContinuousClock.now
        if let deadline = transfer.request.deadline, deadline.instant <= now {
            return finish(handle, failing: .timedOut, "the deadline has passed")
        }
        watch.add(handle, now: now)
        curl_multi_add_handle(multi, handle.easy)
    }

    private func resume(_ transfer: CurlTransfer, _ pause: ReferenceWritableKeyPath<CurlHandle, Bool>) {
        guard let handle = running[ObjectIdentifier(transfer)], handle[keyPath: pause] else { return }
        handle[keyPath: pause] = false
        let code = handle.applyPause()
        if code != CURLE_OK { finish(handle, .failure(handle.error(code))) }
    }

    // MARK: - Ends

    private func collectFinished() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left)?.pointee {
            guard message.msg == CURLMSG_DONE, let handle = CurlHandle.of(message.easy_handle) else { continue }
            if handle.wasCrowdedOut(message.data.result, patience: configuration.connectTimeout) {
                tryLater(handle)
                continue
            }
            finish(handle, handle.result(message.data.result))
        }
    }

    /// A Unix socket whose queue is full refuses at once where TCP would wait, so the waiting is ours to do.
    private func tryLater(_ handle: CurlHandle) {
        curl_multi_remove_handle(multi, handle.easy)
        if crowdedOut.handles.isEmpty { crowdedOut.until = .now + .milliseconds(2) }
        crowdedOut.handles.append(handle)
        watch.include(crowdedOut.until)
    }

    private func retryCrowdedOut() {
        guard !crowdedOut.handles.isEmpty, crowdedOut.until <= .now else { return }
        for handle in crowdedOut.handles where handle.transfer != nil { curl_multi_add_handle(multi, handle.easy) }
        crowdedOut.handles = []
    }

    private func endOverdue() {
        for (handle, kind, reason) in watch.overdue(among: running.values, now: .now) {
            finish(handle, failing: kind, reason)
        }
        // The pass forgets every moment but those of the transfers it saw; one that came after the retries would be missed.
        if !crowdedOut.handles.isEmpty { watch.include(crowdedOut.until) }
    }

    private func finish(_ handle: CurlHandle, failing kind: HTTPTransportError.Kind, _ message: String) {
        guard let transfer = handle.transfer else { return }
        finish(handle, .failure(transfer.request.error(kind, message)))
    }

    private func finish(_ handle: CurlHandle, _ result: Result<Void, any Error>) {
        let transfer = handle.transfer
        release(handle)
        transfer?.finish(result)
    }

    /// Takes a handle out of use; a connection in the middle of a transfer is closed by this.
    private func release(_ handle: CurlHandle) {
        guard let transfer = handle.transfer else { return }
        running[ObjectIdentifier(transfer)] = nil
        curl_multi_remove_handle(multi, handle.easy)
        crowdedOut.handles.removeAll { $0 === handle }
        handle.clear()
        if spare.count < configuration.maximumIdleConnections { spare.append(handle) }
    }

    // MARK: - Sleep

    private func sleep() {
        var bell = curl_waitfd(fd: loop.bellDescriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        curl_multi_poll(multi, &bell, 1, watch.timeout(now: .now), nil)
        if bell.revents != 0 { loop.silenceBell() }
    }

    /// With `CURLOPT_NOSIGNAL` libcurl leaves the signal of a broken pipe to its user.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
