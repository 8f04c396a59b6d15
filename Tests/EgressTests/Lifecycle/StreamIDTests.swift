import Testing

@testable import Egress

@Suite struct StreamIDTests {
    @Test(arguments: [
        "cam", "my id", "a b.c~d-e_f", "...", "a\"b", "%", "a?b#c", "caf\u{E9}", "\u{1F3A5}", String(repeating: "i", count: 200),
    ])
    func anIDThatHasAPlaceInAURLIsAllowed(id: String) {
        #expect(StreamID.problem(with: id) == nil)
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "/\u{301}", "a/\u{301}b", "a\nb", "a\r\nb", "\r", "a\tb", "\u{0}", "\u{1B}[31m", "\u{7F}", "\u{85}",
        "\u{9B}31m",
        "a\u{2028}b", "a\u{2029}b", "a\u{202E}b", "a\u{2066}b", "a\u{200F}b", String(repeating: "i", count: 201),
    ])
    func anIDThatBreaksAURLOrALineIsNamedWithoutBeingShown(id: String) {
        let problem = StreamID.problem(with: id)
        #expect(problem != nil)
        #expect(id.isEmpty || id == "." || id == ".." || problem?.contains(id) == false)
    }
}
