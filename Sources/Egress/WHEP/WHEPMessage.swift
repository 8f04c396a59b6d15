public import HTTPTypes

/// An HTTP request, from any HTTP server.
public struct WHEPRequest: Sendable {
    public var head: HTTPRequest
    /// The body. The host need not read more than a byte beyond ``WHEPHandler/bodySizeMax``: a longer body is refused.
    public var body: [UInt8]
    /// The client's address, for the limits per address, for the log, and for the ``WHEPAuthorizer``; `nil` when it is not known: per-address
    /// limits do not apply then. Behind a reverse proxy, pass the original client's address.
    public var remoteAddress: String?

    public init(head: HTTPRequest, body: [UInt8] = [], remoteAddress: String? = nil) {
        self.head = head
        self.body = body
        self.remoteAddress = remoteAddress
    }
}

public struct WHEPResponse: Sendable {
    public var head: HTTPResponse
    public var body: [UInt8]
    /// Pieces to send after ``body`` as they come, until the stream ends or the client is gone. Ending iteration releases the listener.
    public var events: AsyncStream<[UInt8]>?

    public init(head: HTTPResponse, body: [UInt8] = [], events: AsyncStream<[UInt8]>? = nil) {
        self.head = head
        self.body = body
        self.events = events
    }
}

extension HTTPField.Name {
    static let acceptPatch = HTTPField.Name("Accept-Patch")!
    static let acceptPost = HTTPField.Name("Accept-Post")!
    static let link = HTTPField.Name("Link")!
}
