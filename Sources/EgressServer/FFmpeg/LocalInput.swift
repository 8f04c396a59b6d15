#if Server
internal import FoundationEssentials
internal import SystemPackage

/// The kind of file behind a path decides how it is read. It is known only when the file exists.
extension StreamInput {
    struct NotReadable: Error, CustomStringConvertible {
        var description: String
    }

    /// The same input, completed by what its path leads to. An input that is not a path, or leads nowhere yet, stays as it is: FFmpeg will report it.
    func examined() throws(NotReadable) -> StreamInput {
        guard let path = localPath else { return self }
        guard let status = try? Stat(FilePath(path)) else { return self }
        var examined = self
        switch status.type {
        case .regular:
            examined.kind = .file(loops: loops)
            examined.isRegularFile = true
        case .directory: throw NotReadable(description: "\(url) is a directory: name a file in it, or a list of files (ffconcat)")
        case .fifo:
            examined.kind = .live
            examined.isFIFO = true
        // Devices and sockets set their own pace.
        default: examined.kind = .live
        }
        return examined
    }

    /// The path; nil for an address with a scheme other than FFmpeg's "file:", and for standard input.
    private var localPath: String? {
        guard url != "-" else { return nil }
        let lowercased = url.lowercased()
        if lowercased.hasPrefix("file://") { return String(url.dropFirst("file://".count)) }
        if lowercased.hasPrefix("file:") { return String(url.dropFirst("file:".count)) }
        return url.contains("://") ? nil : url
    }
}
#endif
