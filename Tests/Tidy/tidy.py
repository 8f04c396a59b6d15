"""A rule without a test is a wish: layers, limits of size and width, leftovers, and sentences that are riddles."""

import html.parser
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = ROOT / "Sources" / "CEgress"
PAGES = ROOT / "Sources" / "EgressServer" / "Pages"
# Each folder of the engine may include itself and those that it names, and what they may. media/ and transport/ don't know each other.
BELOW = {
    "base": [],
    "wire": ["base"],
    "media": ["wire"],
    "transport": ["wire"],
    "delivery": ["media", "transport"],
    "core": ["delivery"],
    "io": ["core"],
}
# Files that know each other stand in a line: what one of them defines is used only there and by those after it. Such files are told by their names,
# or by the header that they share.
LINES = {
    r"core/.*": ["find.c", "tell.c", "follow.c", "streams.c", "viewers.c", "hear.c", "receive.c", "transmit.c", "stats.c", "core.c"],
    r"io/receiver.*": ["receiver.c", "receiver_uring.c", "receiver_epoll.c", "receiver_choice.c"],
    r"engine.*": ["engine_checks.c", "engine.c", "engine_stats.c"],
}
# Those of core/ stand below its line and know nothing of it.
BELOW_THE_LINE = {"core/exchange.c", "core/relay.c", "core/routes.c"}
ORDER = "base <- wire <- media | transport <- delivery <- core <- io <- engine.c"
LINE_WIDTH_MAX = 150
FILE_LINES_MAX = 700

# Which files may include a library's header. No header of ours may.
LIBRARY_USERS = {
    "openssl/": {"base/hash.c", "transport/crypto_aes.c", "transport/crypto_openssl.c", "transport/dtls.c", "transport/dtls_bio.c",
                 "transport/dtls_context.c", "transport/dtls_record.c", "io/probe.c"},
    "liburing.h": {"io/receiver_uring.c", "io/probe.c"},
    "intel-ipsec-mb.h": {"transport/crypto_ipsec_mb.c"},
    "srtp2/": set(),
}

# What protocol code must get handed in instead of asking for it.
FORBIDDEN_BELOW_IO = {
    "a clock": r"\b(clock_gettime|gettimeofday|time\s*\(\s*NULL|nanosleep|usleep)\b",
    "the heap": r"\b(malloc|calloc|realloc|free|strdup|posix_memalign|aligned_alloc)\s*\(",
    "a socket": r"\b(socket|sendto|sendmsg|recvfrom|recvmsg|bind|setsockopt)\s*\(",
    "randomness": r"\b(rand|random|getrandom|arc4random)\s*\(",
}

LEFTOVERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|#if 0|[Nn]ot implemented")

problems = []


def problem(path, line, text):
    where = path.relative_to(ROOT)
    problems.append(f"{where}:{line}: {text}" if line else f"{where}: {text}")


def files_of_the_project():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in names.stdout.splitlines() if (ROOT / name).is_file()]


def layer_of(path):
    relative = path.relative_to(ENGINE)
    return relative.parts[0] if len(relative.parts) > 1 else None


def reach(layer):
    return {layer}.union(*(reach(below) for below in BELOW[layer]))


def without_comments(text):
    return re.sub(r'//.*|"(\\.|[^"\\\n])*"', "", text)


def calls_back(texts):
    """Of files in their order, name to text: who uses what only a later one defines, as (file, line, function, file that defines it)."""
    codes = {name: without_comments(text) for name, text in texts.items()}
    home = {}
    for name, code in codes.items():
        for function in re.findall(r"^(?!static\b)\w[\w *]*?\b(eg__\w+)\(", code, re.M):
            home[function] = name
    order = list(texts)
    for name, code in codes.items():
        for number, line in enumerate(code.split("\n"), 1):
            for function in re.findall(r"\beg__\w+", line):
                if function in home and order.index(home[function]) > order.index(name):
                    yield name, number, function, home[function]


# The rule itself is tried at every run.
CALLED = "struct eg_a *eg__a(void) {\n    return NULL; // eg__b\n}\n"
CALLING = "static int eg__c(void) { return 1; }\nvoid eg__b(int x,\n           int y) {\n    if (x) eg__a();\n}\n"


def check_lines():
    found = list(calls_back({"b.c": CALLING, "a.c": CALLED}))
    assert found == [("b.c", 4, "eg__a", "a.c")] and not list(calls_back({"a.c": CALLED, "b.c": CALLING})), "the rule about lines is broken"
    for pattern, names in LINES.items():
        files = {path.name: path for path in sorted(ENGINE.rglob("*.c"))
                 if re.fullmatch(pattern, own := str(path.relative_to(ENGINE))) and own not in BELOW_THE_LINE}
        for name in sorted(set(files) - set(names)):
            problem(files[name], None, "it needs its place in LINES, in Tests/Tidy/tidy.py")
        for name, number, function, home in calls_back({name: files[name].read_text() for name in names if name in files}):
            problem(files[name], number, f"{function} is defined in {home}, which stands after {name}: {' <- '.join(names)}")


# How many parameters a function of the engine takes. Four is the rule and six the most: what travels together has a name. So many functions take
# more than four; there may be fewer, and then the number here goes down with them. What include/cegress.h promises stays as it is.
PARAMETERS_RULE = 4
PARAMETERS_MAX = 6
ABOVE_THE_RULE_MAX = 42
PARAMETERS = r"\(((?:[^();]|\([^();]*\))*)\)\s*"
SIGNATURE = re.compile(r"^(?!#|\s|return\b)[\w *]+?\b(\w+)" + PARAMETERS + r"(?:\{|;)|\(\*(\w+)\)" + PARAMETERS + r"[;,)]", re.M)


def signatures(text):
    """Functions that a file declares or defines, and pointers to such: (line, name, number of parameters, whether it is a definition)."""
    code = without_comments(text)
    for found in SIGNATURE.finditer(code):
        parameters = re.sub(r"\([^()]*\)", "", found[2] if found[1] else found[4])
        count = 0 if parameters.strip() in ("", "void") else parameters.count(",") + 1
        yield code.count("\n", 0, found.start()) + 1, found[1] or found[3], count, found[0].endswith("{")


# The rule itself is tried at every run.
SIGNED = """
static inline void f(int a[2], // b, c
                     void (*g)(int, int), int h) {
    i(1, 2, 3);
}
int *j(void);
struct k {
    bool (*l)(const struct k *self, int m);
};
"""


def check_parameters(paths):
    assert [found[1:] for found in signatures(SIGNED)] == [("f", 3, True), ("j", 0, False), ("l", 2, False)], "the rule about parameters is broken"
    above = 0
    for path in paths:
        if not path.is_relative_to(ENGINE) or path.suffix not in {".c", ".h"} or layer_of(path) == "include":
            continue
        for number, name, count, is_definition in signatures(path.read_text()):
            if re.match(r"eg_(?!_)", name):
                continue
            above += is_definition and count > PARAMETERS_RULE
            if count > PARAMETERS_MAX:
                problem(path, number, f"{name} takes {count} parameters, {PARAMETERS_MAX} at most")
    if above != ABOVE_THE_RULE_MAX:
        what = "find what travels together" if above > ABOVE_THE_RULE_MAX else "set it to that"
        problem(pathlib.Path(__file__).resolve(), None,
                f"{above} functions take more than {PARAMETERS_RULE} parameters, ABOVE_THE_RULE_MAX is {ABOVE_THE_RULE_MAX}: {what}")


def check_layers(path, lines):
    layer = layer_of(path)
    if layer is not None and layer not in [*BELOW, "include"]:
        problem(path, None, f"{layer}/ is no folder of the engine: {ORDER}")
    own = str(path.relative_to(ENGINE))
    for number, line in enumerate(lines, 1):
        included = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
        if not included:
            continue
        name = included.group(1)
        target = name.split("/")[0]
        if layer in BELOW and (ENGINE / name).is_file() and "/" not in name:
            problem(path, number, f"{layer}/ must not include {name}: {ORDER}")
        if layer in BELOW and target in BELOW and target not in reach(layer):
            problem(path, number, f"{layer}/ must not include {name}: {ORDER}")
        for library, users in LIBRARY_USERS.items():
            if name.startswith(library) and own not in users:
                problem(path, number, f"only {', '.join(sorted(users)) or 'tests'} may include <{name}>")
    if layer in BELOW and layer not in ("base", "io"):
        for what, pattern in FORBIDDEN_BELOW_IO.items():
            for number, line in enumerate(lines, 1):
                code = re.sub(r'//.*|"(\\.|[^"\\])*"', "", line)
                if re.search(pattern, code):
                    problem(path, number, f"{layer}/ asks for {what}: it must be handed in")


def check_text(path, lines):
    if path.name == "tidy.py":
        return
    for number, line in enumerate(lines, 1):
        if LEFTOVERS.search(line):
            problem(path, number, "a leftover")
        if "\t" in line:
            problem(path, number, "a tab")
        if line != line.rstrip():
            problem(path, number, "white space at the end of the line")
        if len(line) > LINE_WIDTH_MAX:
            problem(path, number, f"{len(line)} characters, {LINE_WIDTH_MAX} at most")
    if len(lines) > FILE_LINES_MAX:
        problem(path, None, f"{len(lines)} lines: no room that fits in the head")


def check_c_imports(path, text):
    may_import = {"EngineConversions.swift", "EngineHandle.swift"}
    if path.is_relative_to(ROOT / "Sources" / "Egress") and path.name not in may_import and re.search(r"^\s*(\w+ )?import CEgress", text, re.M):
        problem(path, None, f"only {' and '.join(sorted(may_import))} import CEgress")


# ThreadSanitizer does not see the hand-over of a contended Mutex: what one of the libraries keeps in a Mutex is named to it.
SUPPRESSIONS = ROOT / "Tests" / "tsan.supp"


def guarded_types(text):
    """What is kept in a Mutex: types that have a file, and else the one that keeps what it made up for itself."""
    around = None
    for line in text.split("\n"):
        declared = re.match(r"(?:\w+ )*(?:class|struct|enum|actor|extension) (\w+)", line)
        around = declared.group(1) if declared else around
        for name in re.findall(r"\bMutex[<(](\w+)", re.sub(r"//.*", "", line)):
            if name != "nil":
                yield around if re.search(rf"^ +(?:\w+ )*(?:struct|class|enum) {name}\b|<{name}:", text, re.M) else name


def check_suppressions(path, text):
    named = re.findall(r"^race:\d+(\w+)$", SUPPRESSIONS.read_text(), re.M)
    for name in sorted(set(guarded_types(text))):
        if name not in named:
            problem(path, None, f"it keeps {name} in a Mutex: Tests/tsan.supp needs the line race:{len(name)}{name}")


# What meets a number that somebody else wrote: FFmpeg, a file, a client. Such conversions end the process on a value that they can't hold.
OUTSIDE_NUMBERS = ROOT / "Sources" / "Egress" / "Base" / "OutsideNumber.swift"
TRAPPING = {
    re.compile(r"\bU?Int(8|16|32|64)?\((?!\w+:|\)|[^()]*, radix: )|\bU?Int(8|16|32|64)?\.init\b(?!\(\w+:)"):
        "it traps on what it can't hold: use saturating:, exactly:, clamping: or truncatingIfNeeded:, and radix: 10 for text",
    re.compile(r"(?<![\w\])])(Duration)?\.(seconds|milliseconds|microseconds|nanoseconds)\((?![\d._]+\))"):
        "it traps on what no Duration holds: use Duration(outsideSeconds:), or .milliseconds(1) * count",
}
# Lines by which the rule itself is tried at every run.
TRAPS = ["let a = Int(x)", "UInt16(value >> 3)", "Int64((a / b).rounded())", ".seconds(a)", "Duration.milliseconds(Double(a))", "x.map(Int.init)"]
SOUND = ["Int(exactly: x)", "UInt8(ascii: c)", "Int(text, radix: 10)", ".seconds(2.5)", "fields.seconds(key)", "print(a)", "Int.max",
         "func f(_ x: Int) -> Int", "case .seconds: 1", "Duration.milliseconds(1_000)", "lines.map { Int($0, radix: 10) }"]


def traps(line):
    code = re.sub(r"//.*", "", line)
    return [advice for pattern, advice in TRAPPING.items() if pattern.search(code)]


def check_outside_numbers(path, lines):
    assert all(traps(line) for line in TRAPS) and not any(traps(line) for line in SOUND), "the rule about numbers is broken"
    if path == OUTSIDE_NUMBERS:
        return
    for number, line in enumerate(lines, 1):
        for advice in traps(line):
            problem(path, number, advice)


class Elements(html.parser.HTMLParser):
    """Elements that are closed in order, and ids that are there once."""

    VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

    def __init__(self, text):
        super().__init__()
        self.wrong = []
        self._open = []
        self._ids = set()
        self.feed(text)
        self.close()
        self.wrong += [(line, f"<{tag}> is not closed") for tag, line in self._open]

    def handle_starttag(self, tag, attributes):
        line = self.getpos()[0]
        if tag not in self.VOID:
            self._open.append((tag, line))
        names = [name for name, _ in attributes]
        if len(names) != len(set(names)):
            self.wrong.append((line, f"<{tag}> has an attribute twice"))
        if (own := dict(attributes).get("id")) in self._ids:
            self.wrong.append((line, f"the id {own} is there already"))
        elif own:
            self._ids.add(own)

    def handle_endtag(self, tag):
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        else:
            self.wrong.append((self.getpos()[0], f"</{tag}> closes nothing that is open"))


# Texts by which the rule itself is tried at every run.
BROKEN_PAGES = ["<p>", "</p>", "<p><b></p></b>", '<p id="a"></p><p id="a"></p>', '<p id="a" id="b"></p>']


def check_page(path, text):
    assert all(Elements(broken).wrong for broken in BROKEN_PAGES), "the rule about pages is broken"
    for line, wrong in Elements(text).wrong:
        problem(path, line, wrong)


def check_script(path, text):
    """Where node is there. The end-to-end tests let Chromium parse all scripts."""
    if not shutil.which("node"):
        return
    parsed = subprocess.run(["node", "--input-type=module", "--check"], input=text, capture_output=True, text=True)
    if parsed.returncode != 0:
        wrong = re.search(r"^\w*Error: .*", parsed.stderr, re.M)
        line = re.search(r"^\[stdin\]:(\d+)", parsed.stderr, re.M)
        problem(path, line and line[1], wrong[0] if wrong else parsed.stderr)


# What made readers of the docs read a sentence twice, each time it was there: a subject without its noun, and rare words for usual things.
RIDDLES = {
    re.compile(r"(?:^|[.:;!?] |[|*-] )(?:Who|One who|Those who|Whom) "): "name the subject: \"A viewer that …\"",
    re.compile(r"\b(?:[Ww]hoever|[Oo]ne who)\b"): "name the subject: \"a viewer that …\", \"anyone who …\"",
    re.compile(r"\bto be had\b"): "say \"available\"",
    re.compile(r"\blets? go of\b"): "say \"release\"",
    re.compile(r"\b[Ll]imits? (?:that )?(?:bites?|bit)\b"): "say that the limit was reached",
    re.compile(r"(?:^|[.:;] )Again [a-z]"): "say \"Further calls …\"",
}
RIDDLED = ["Who sleeps is woken.", "It waits. One who joins gets it.", "| Who asks gets 429 |", "whoever stops reading it", "it is not to be had here",
           "it lets go of the listener", "a limit bites", "Again does nothing.", "It stays. Again only the URL changes."]
PLAIN = ["\"auth\" says who may watch.", "**Who waits for whom.** A turn", "a viewer that joins", "the GOP again", "one worker", "it is let in", "a 16-bit limit"]


def riddles(text):
    return [advice for pattern, advice in RIDDLES.items() if pattern.search(text)]


def prose_of(path, line):
    """What a user reads of a line: all of a document but its headings, and comments of what is public."""
    if path.suffix == ".md":
        return "" if line.startswith("#") else line.strip()
    comment = re.search(r"(?:^|\s)//(/?)\s?(.*)", line)
    return comment.group(2) if comment and (path.suffix == ".h" or comment.group(1)) else ""


def check_prose(path, lines):
    assert all(riddles(text) for text in RIDDLED) and not any(riddles(text) for text in PLAIN), "the rule about prose is broken"
    for number, line in enumerate(lines, 1):
        for advice in riddles(prose_of(path, line)):
            problem(path, number, f"a riddle: {advice}")


def is_for_users(path):
    documents = {ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")}
    return path in documents or path == ENGINE / "include" / "cegress.h" or path.suffix == ".swift" and path.is_relative_to(ROOT / "Sources")


# How a test is defined, by the kind of file that it stands in.
TEST_DEFINITIONS = {".py": r"^def {}\(", ".c": r"^static void {}\(", ".swift": r"\bfunc {}\("}


def check_named_tests(paths):
    """SECURITY.md says which test shows what: each of them exists. What is commented out there is still to come."""
    path = ROOT / "SECURITY.md"
    files = {}
    for other in paths:
        if other.is_relative_to(ROOT / "Tests"):
            files.setdefault(other.name, []).append(other)
    text = re.sub(r"<!--.*?-->", lambda comment: "\n" * comment.group().count("\n"), path.read_text(), flags=re.S)
    for number, line in enumerate(text.split("\n"), 1):
        for name, test in re.findall(r"`([\w.]+)::(\w+)`", line):
            definition = TEST_DEFINITIONS[pathlib.Path(name).suffix].format(test)
            if not any(re.search(definition, file.read_text(), re.M) for file in files.get(name, [])):
                problem(path, number, f"there is no test {name}::{test}")


def main():
    check_named_tests(files_of_the_project())
    check_lines()
    check_parameters(files_of_the_project())
    for path in files_of_the_project():
        if path.suffix in {".orig", ".rej", ".bak"}:
            problem(path, None, "a leftover")
        if is_for_users(path):
            check_prose(path, path.read_text().split("\n"))
        if path.suffix not in {".c", ".h", ".swift", ".py", ".sh", ".html", ".css", ".js"}:
            continue
        text = path.read_text()
        lines = text.split("\n")
        check_text(path, lines)
        if path.is_relative_to(PAGES) and path.suffix == ".html":
            check_page(path, text)
        if path.suffix == ".js":
            check_script(path, text)
        if path.is_relative_to(ENGINE):
            check_layers(path, lines)
        if path.suffix == ".swift":
            check_c_imports(path, text)
            if path.is_relative_to(ROOT / "Sources"):
                check_outside_numbers(path, lines)
            if path.is_relative_to(ROOT / "Sources" / "Egress"):
                check_suppressions(path, text)
    for text in problems:
        print(text)
    print(f"tidy: {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
