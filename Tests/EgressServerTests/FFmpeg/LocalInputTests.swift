#if Server
import Foundation
import Testing

@testable import EgressServer

/// What a path leads to, which its name does not tell.
@Suite final class LocalInputTests {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("egress-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    @Test(arguments: ["", "file:", "file://"]) func aFileIsOneWhateverItIsCalled(prefix: String) throws {
        try Data([1]).write(to: directory.appendingPathComponent("video"))
        let input = try StreamInput(url: prefix + path("video"), options: ["-f", "mpegts"]).examined()
        #expect(input.kind == .file(loops: true))
        #expect(input.isRegularFile)
        #expect(try StreamInput(url: path("video"), loops: false).examined().kind == .file(loops: false))
    }

    @Test func aLinkToAFileIsOne() throws {
        try Data([1]).write(to: directory.appendingPathComponent("video"))
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("video"))
        #expect(try StreamInput(url: path("link")).examined().isRegularFile)
    }

    @Test func aPipeIsLiveAndWaitsForItsWriter() throws {
        #expect(mkfifo(path("pipe.ts"), 0o600) == 0)
        let input = try StreamInput(url: path("pipe.ts")).examined()
        #expect(input.kind == .live)
        #expect(input.waitsForPublisher)
    }

    @Test func aDeviceIsLive() throws {
        #expect(try StreamInput(url: "/dev/null").examined().kind == .live)
    }

    @Test func aDirectoryIsRefusedInSoManyWords() {
        #expect(throws: StreamInput.NotReadable.self) { try StreamInput(url: self.directory.path).examined() }
    }

    @Test(arguments: ["/nowhere/film.mp4", "rtsp://camera/live", "-", "testsrc2", "frames/%03d.png"])
    func whatIsNotThereIsLeftAsItIs(url: String) throws {
        #expect(try StreamInput(url: url).examined() == StreamInput(url: url))
    }
}
#endif
