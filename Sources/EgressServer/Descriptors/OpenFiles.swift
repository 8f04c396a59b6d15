#if Server
internal import Glibc

/// Looks at the open files of this process.
enum OpenFiles {
    /// nil when no descriptor is left, since looking takes one.
    static func count() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Not counted: ".", "..", and the directory's own descriptor.
        return count - 3
    }

    /// Whether there is room for so many more at this moment. To find out, opens so many and closes them again.
    static func canOpen(_ count: Int) -> Bool {
        var opened: [Int32] = []
        defer { for descriptor in opened { close(descriptor) } }
        for _ in 0..<count {
            let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue
            let descriptor = socket(AF_UNIX, Int32(bitPattern: kind), 0)
            guard descriptor >= 0 else { return false }
            opened.append(descriptor)
        }
        return true
    }
}
#endif
