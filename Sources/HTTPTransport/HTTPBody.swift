/// What a request carries.
public enum HTTPBody: Sendable {
    /// Nothing.
    case none
    /// Bytes that are in memory already.
    case bytes([UInt8])
    /// Bytes that are made while they are sent; chunked when the length is not known.
    ///
    /// The sequence is asked for more only as fast as the server takes them. When it throws, the request is broken off
    /// and the call throws an error of kind ``HTTPTransportError/Kind/requestBody``. It must react to cancellation.
    case stream(length: Int?, any AsyncSequence<[UInt8], any Error> & Sendable)
}
