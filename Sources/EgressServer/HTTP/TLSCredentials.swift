#if Server
internal import FoundationEssentials
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import Synchronization
internal import SystemPackage

/// Where the server's certificate is.
struct TLSFiles: Sendable, Hashable {
    /// The chain, the server's own certificate first, in PEM.
    var certificate: String
    /// Its private key in PEM, without a passphrase.
    var key: String
}

/// The certificate chain and the private key for new connections. They can be read again while the server runs; existing connections keep the ones
/// that they began with.
final class TLSCredentials: Sendable {
    private struct Pair: Sendable {
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
    }

    private let files: TLSFiles
    private let current: Mutex<Pair>

    /// - Throws: which file can't be used, and why.
    init(_ files: TLSFiles) throws(ConfigurationError) {
        self.files = files
        current = Mutex(try Self.read(files))
    }

    /// Reads the files again. When it throws, the old certificate and key are kept.
    func reload() throws(ConfigurationError) {
        let pair = try Self.read(files)
        current.withLock { $0 = pair }
    }

    /// Metadata for the log: until when the server's own certificate is valid.
    var validity: Logger.Metadata {
        guard let certificate = current.withLock({ $0.chain.first }) else { return [:] }
        return ["not_after": "\(Date(timeIntervalSince1970: Double(certificate.notValidAfter)).ISO8601Format())"]
    }

    /// The context for all connections: each handshake takes the present certificate and key.
    var configuration: TLSConfiguration {
        var configuration = Self.configuration(current.withLock { $0 })
        configuration.sslContextCallback = { [self] _, promise in
            let pair = current.withLock { $0 }
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = pair.chain.map { .certificate($0) }
            change.privateKey = .privateKey(pair.key)
            promise.succeed(change)
        }
        return configuration
    }

    private static func configuration(_ pair: Pair) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chain.map { .certificate($0) }, privateKey: .privateKey(pair.key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    private static func read(_ files: TLSFiles) throws(ConfigurationError) -> Pair {
        let chain = try parse(files.certificate, "has no certificate in PEM that can be read") { try NIOSSLCertificate.fromPEMBytes($0) }
        let key = try parse(files.key, "has no private key in PEM that can be read; a passphrase is not supported") {
            try NIOSSLPrivateKey(bytes: $0, format: .pem)
        }
        let pair = Pair(chain: chain, key: key)
        // Making a context fails when certificate and key do not belong together.
        guard (try? NIOSSLContext(configuration: configuration(pair))) != nil else {
            throw ConfigurationError(source: files.key, field: nil, problem: "is not the key of the certificate in \(files.certificate)")
        }
        return pair
    }

    private static func parse<Value>(
        _ path: String, _ problem: String, _ parse: ([UInt8]) throws -> Value
    ) throws(ConfigurationError) -> Value {
        let bytes = try ConfigurationFile.read(path)
        do {
            return try parse(bytes)
        } catch {
            throw ConfigurationError(source: path, field: nil, problem: problem)
        }
    }
}
#endif
