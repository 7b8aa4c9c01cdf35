/// Runs `body` and wraps what it throws into a ``Failure`` at the call's own position.
///
/// `CancellationError` passes through untouched: it is not a failure. Without a message only the position is added, which
/// is right where a foreign error enters one of our modules and says enough by itself.
/// - Throws: ``Failure`` or `CancellationError`.
@inlinable
public func attempt<Value>(
    _ message: @autoclosure () -> String = "",
    file: String = #fileID,
    line: Int = #line,
    _ body: () throws -> Value
) throws -> Value {
    do {
        return try body()
    } catch let error as CancellationError {
        throw error
    } catch {
        throw Failure(message(), cause: error, file: file, line: line)
    }
}

/// Runs the asynchronous `body` and wraps what it throws into a ``Failure`` at the call's own position.
///
/// `CancellationError` passes through untouched: it is not a failure.
/// - Throws: ``Failure`` or `CancellationError`.
@inlinable
public func attempt<Value>(
    _ message: @autoclosure () -> String = "",
    isolation: isolated (any Actor)? = #isolation,
    file: String = #fileID,
    line: Int = #line,
    _ body: () async throws -> Value
) async throws -> Value {
    do {
        return try await body()
    } catch let error as CancellationError {
        throw error
    } catch {
        throw Failure(message(), cause: error, file: file, line: line)
    }
}
