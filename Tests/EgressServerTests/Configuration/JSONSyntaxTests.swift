#if Server
import Testing

@testable import EgressServer

@Suite struct JSONSyntaxTests {
    @Test(arguments: [
        "{}", "[]", " \r\n\t{ }\n", "\u{FEFF}{}",
        #"{"a": [1, -0, 0.5, 1e9, 1E+2, -1.25e-3, true, false, null, "", "\"\\\/\b\f\n\r\t\u00e9é"]}"#,
        #"{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}"#, #""text""#, "12",
        String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
    ])
    func whatRFC8259AllowsPasses(text: String) throws {
        try JSONSyntax.check(text.utf8)
    }

    @Test(arguments: [
        ("{\n  \"a\": 1,\n}", "line 2, column 9: a comma before \"}\" is not allowed: remove it"),
        ("[1, 2, ]", "line 1, column 6: a comma before \"]\" is not allowed: remove it"),
        ("{\n  // tokens\n  \"a\": 1}", "line 2, column 3: JSON has no comments: remove it"),
        ("{\"a\": 1 /* one */}", "line 1, column 9: JSON has no comments: remove it"),
        ("# a\n{}", "line 1, column 1: JSON has no comments: remove it"),
        ("{\"ä\": 1,\n \"cam\": {}, \"cam\": {}}", "line 2, column 13: the key \"cam\" appears twice in this object: remove one of them"),
        (#"{"a": 1, "\u0061": 2}"#, #"line 1, column 10: the key "\u0061" appears twice in this object: remove one of them"#),
        ("{\"e\u{301}\": 1, \"\u{E9}\": 2}", "line 1, column 11: the key \"\u{E9}\" appears twice in this object: remove one of them"),
        (#"{"x": [{"b": 1, "b": 2}]}"#, #"line 1, column 17: the key "b" appears twice in this object: remove one of them"#),
        ("{\"a\": 1 \"b\": 2}", "line 1, column 9: a comma or \"}\" is expected"),
        ("[1 2]", "line 1, column 4: a comma or \"]\" is expected"),
        ("{,}", "line 1, column 2: a key in double quotes is expected before the comma"),
        ("[1,,2]", "line 1, column 4: a value is expected before the comma"),
        ("{a: 1}", "line 1, column 2: a key needs double quotes: \"key\": value"),
        ("{'a': 1}", "line 1, column 2: a key needs double quotes: \"key\": value"),
        ("{\"a\" 1}", "line 1, column 6: a \":\" is expected after the key"),
        ("{\"a\": 'b'}", "line 1, column 7: text needs double quotes: write \" instead of '"),
        ("{\"a\": yes}", "line 1, column 7: text needs double quotes; only true, false, null and numbers have none"),
        ("{\"a\": NaN}", "line 1, column 7: text needs double quotes; only true, false, null and numbers have none"),
        ("{\"a\": }", "line 1, column 7: a value is expected"),
        ("{\"a\": 01}", "line 1, column 7: a number must not begin with 0: remove it"),
        ("{\"a\": -}", "line 1, column 8: a number needs digits"),
        ("{\"a\": 1.}", "line 1, column 9: a digit is expected after the decimal point"),
        ("{\"a\": 1e}", "line 1, column 9: a digit is expected in the exponent"), ("{\"a\": +1}", "line 1, column 7: a value is expected"),
        ("{\"a\": \"b\n\"}", "line 1, column 7: the text that begins here has no end in this line"),
        ("{\"a\": \"b", "line 1, column 7: the text that begins here has no end"),
        ("[\"\t\"]", "line 1, column 3: a control character in a text is written as \\u0009"),
        (#"["C:\dir"]"#, #"line 1, column 5: this escape does not exist; write a backslash in a text as \\"#),
        (#"["\u12"]"#, #"line 1, column 3: this escape does not exist; write a backslash in a text as \\"#),
        ("", "line 1, column 1: the text ends where a value is expected"),
        ("{", "line 1, column 2: a key needs double quotes: \"key\": value"),
        ("{} {}", "line 1, column 4: there is more text after the end: remove it"),
        (String(repeating: "[", count: 66), "line 1, column 66: more than 64 objects and lists are nested"),
    ])
    func aMistakeIsToldWithItsPlaceAndWhatToWriteInstead(text: String, message: String) {
        #expect(Self.problem(Array(text.utf8)) == message)
    }

    @Test func aKeyThatIsNoTextIsRefused() {
        #expect(Self.problem([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]) == "line 1, column 2: the key is not UTF-8")
    }

    /// Nothing that passes is refused by the decoder for its syntax, and nothing that ends early traps.
    @Test func everyBeginningOfATextIsRefused() throws {
        let text = Array(#"{"a": [1, -0.5e+3, true, null, "é\u00e9\n"], "b": {"c": {}}}"#.utf8)
        try JSONSyntax.check(text)
        for count in 0..<text.count { #expect(Self.problem(Array(text[..<count])) != nil, "\(count)") }
    }

    private static func problem(_ bytes: [UInt8]) -> String? {
        do throws(JSONSyntax.Problem) {
            try JSONSyntax.check(bytes)
            return nil
        } catch {
            return error.description
        }
    }
}
#endif
