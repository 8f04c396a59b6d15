public import HTTPTypes

/// An HTTP request, whatever server it came through.
public struct WHEPRequest: Sendable {
    public var head: HTTPRequest
    /// At most a byte more than ``WHEPHandler/bodySizeMax``; what is longer is refused.
    public var body: [UInt8]
    /// Of the client, for the limits per address, the log, and who decides what a client may do; `nil`: not known, and no limit per address
    /// counts. Behind a reverse proxy it is whom the proxy speaks for.
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
    /// Pieces to send after ``body`` as they come, until it ends or the client is gone; whoever stops reading it lets go of it.
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
