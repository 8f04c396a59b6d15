#if Server
internal import Glibc

/// A viewer's page keeps a connection open for events, and the 1,024 descriptors that a process begins with are soon used up.
enum DescriptorLimit {
    /// As high as this process may; FFmpeg inherits it. Failing is no reason not to serve.
    static func raise() {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(resource, &limit)
    }
}
#endif
