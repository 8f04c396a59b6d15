/// What this machine offers an engine, found by trying, without making an engine.
public struct MachineProbe: Sendable, Hashable {
    /// Why io_uring cannot be used; `nil` when it can.
    public var ioUringProblem: String?
    /// Why the kernel does not support UDP GSO; `nil` when it does.
    public var gsoProblem: String?
    /// Bytes granted to a source's socket.
    public var receiveBufferSize: Int
    /// Bytes requested for it.
    public var receiveBufferAsked: Int
    /// The SRTP implementation that an engine would use: `ipsec-mb` or `openssl`.
    public var crypto: String
    /// The version of libssl at run time.
    public var openSSLVersion: String
    /// Cores that this process may use, by its affinity and its cgroup's quota.
    public var cores: Int

    public init(
        ioUringProblem: String? = nil, gsoProblem: String? = nil, receiveBufferSize: Int, receiveBufferAsked: Int,
        crypto: String, openSSLVersion: String, cores: Int = 1
    ) {
        self.ioUringProblem = ioUringProblem
        self.gsoProblem = gsoProblem
        self.receiveBufferSize = receiveBufferSize
        self.receiveBufferAsked = receiveBufferAsked
        self.crypto = crypto
        self.openSSLVersion = openSSLVersion
        self.cores = cores
    }

    /// Tries now.
    public static func current() -> MachineProbe { EngineHandle.probe() }
}
