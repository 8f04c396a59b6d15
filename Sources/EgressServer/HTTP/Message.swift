#if Server
internal import Egress
internal import FoundationEssentials
internal import HTTPTypes

/// Every route uses the library's request and response values, so that no route depends on the HTTP server.
typealias ServerRequest = WHEPRequest
typealias ServerResponse = WHEPResponse

extension WHEPResponse {
    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> WHEPResponse {
        bytes(Array(text.utf8), type: type, status: status)
    }

    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json") -> WHEPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // JSON can't express these values. One of them in a status must not cost the whole answer.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        guard let data = try? encoder.encode(value) else { return problem(.internalServerError, "the answer cannot be written as JSON") }
        return bytes(Array(data), type: type, status: status)
    }

    static func empty(_ status: HTTPResponse.Status) -> WHEPResponse {
        WHEPResponse(head: HTTPResponse(status: status), body: [])
    }

    /// RFC 9457.
    static func problem(_ status: HTTPResponse.Status, _ detail: String) -> WHEPResponse {
        json(Problem(title: status.reasonPhrase, status: status.code, detail: detail), status: status, type: "application/problem+json")
    }

    /// 405, with the methods that are allowed.
    static func notAllowed(_ methods: [HTTPRequest.Method]) -> WHEPResponse {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        var response = problem(.methodNotAllowed, "this method is not allowed here; allowed: \(names)")
        response.head.headerFields[.allow] = names
        return response
    }

    static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) -> WHEPResponse {
        var head = HTTPResponse(status: status)
        head.headerFields[.contentType] = type
        head.headerFields[.cacheControl] = "no-cache"
        head.headerFields[.xContentTypeOptions] = "nosniff"
        return WHEPResponse(head: head, body: bytes)
    }
}

private struct Problem: Encodable {
    var title: String
    var status: Int
    var detail: String
}
#endif
