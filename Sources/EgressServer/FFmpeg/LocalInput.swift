#if Server
internal import FoundationEssentials
internal import SystemPackage

/// What a path leads to decides how it is read, and that is known only when it is there.
extension StreamInput {
    struct NotReadable: Error, CustomStringConvertible {
        var description: String
    }

    /// The same input with what its path says about it. One that is not a path, or leads nowhere yet, is left as it is: FFmpeg has the words for it.
    func examined() throws(NotReadable) -> StreamInput {
        guard let path = localPath else { return self }
        guard let status = try? Stat(FilePath(path)) else { return self }
        var examined = self
        switch status.type {
        case .regular:
            examined.kind = .file(loops: loops)
            examined.isRegularFile = true
        case .directory: throw NotReadable(description: "\(url) is a directory; name a file in it, or a list of files (ffconcat)")
        case .fifo:
            examined.kind = .live
            examined.isFIFO = true
        // Devices and sockets have a pace of their own.
        default: examined.kind = .live
        }
        return examined
    }

    /// nil for what has a scheme other than FFmpeg's "file:", and for standard input.
    private var localPath: String? {
        guard url != "-" else { return nil }
        let lowercased = url.lowercased()
        if lowercased.hasPrefix("file://") { return String(url.dropFirst("file://".count)) }
        if lowercased.hasPrefix("file:") { return String(url.dropFirst("file:".count)) }
        return url.contains("://") ? nil : url
    }
}
#endif
