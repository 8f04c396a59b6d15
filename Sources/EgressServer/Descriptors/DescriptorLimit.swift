#if Server
internal import Glibc

/// The limit of open files, `ulimit -n`. A viewer's page keeps a connection open for events, and the 1,024 descriptors that a process begins with
/// are soon used up.
enum DescriptorLimit {
    /// Raises the limit as high as this process may; FFmpeg inherits it. If that fails the limit stays as it was.
    /// - Returns: the limit after that.
    static func raise() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1_024 }
        let before = limit.rlim_cur
        if before < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            if setrlimit(resource, &limit) != 0 { limit.rlim_cur = before }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
#endif
