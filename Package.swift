// swift-tools-version: 6.2
import PackageDescription

// CEgress is built with optimisation even in debug builds when this is set (the Makefile sets it): media at -O0 is no fun to watch.
// It is read from the environment so that a package that depends on this one never sees an unsafe flag.
let optimisedC: [CSetting] = Context.environment["EGRESS_FAST_C"] == "1" ? [.unsafeFlags(["-O2"])] : []

let strictC: [CSetting] = [
    .define("_GNU_SOURCE"),
    .enableWarning("all"), .enableWarning("extra"), .enableWarning("shadow"),
    .enableWarning("conversion"), .disableWarning("sign-conversion"), .enableWarning("strict-prototypes"),
    .treatAllWarnings(as: .error),
]

let strictSwift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// A product that only the server needs. With the trait `Server` off its package is not even fetched.
func server(_ name: String, _ package: String) -> Target.Dependency {
    .product(name: name, package: package, condition: .when(traits: ["Server"]))
}

let serverDependencies: [Target.Dependency] = [
    server("ArgumentParser", "swift-argument-parser"),
    server("AsyncHTTPClient", "async-http-client"),
    server("Crypto", "swift-crypto"),
    server("HummingbirdCore", "hummingbird"),
    server("JWTKit", "jwt-kit"),
    server("NIOCore", "swift-nio"),
    server("NIOHTTP1", "swift-nio"),
    server("NIOHTTPTypes", "swift-nio-extras"),
    server("NIOHTTPTypesHTTP1", "swift-nio-extras"),
    server("NIOPosix", "swift-nio"),
    server("NIOSSL", "swift-nio-ssl"),
    server("NIOTLS", "swift-nio"),
    server("ServiceLifecycle", "swift-service-lifecycle"),
    server("Subprocess", "swift-subprocess"),
    server("SystemPackage", "swift-system"),
]

/// What pages are made of. It goes into the executable as bytes, so that the server stays one file. What SwiftPM generates for it,
/// `PackageResources`, imports nothing, so the strict settings apply to it too.
let pages = [
    "codec-names.js", "egress-player.js", "index.html", "index.js", "picture-watch.js", "player.js", "quality-menu.js", "quality.js",
    "statistics-meter.js", "style.css", "watch.html", "whep-session.js",
]

let package = Package(
    name: "egress",
    products: [
        .library(name: "Egress", targets: ["Egress"]),
        .library(name: "CEgress", targets: ["CEgress"]),
        .executable(name: "egress", targets: ["EgressServer"]),
    ],
    traits: [
        .trait(
            name: "Server", description: "The executable egress. Without it only the libraries are built, with two small dependencies.",
            enabledTraits: ["ServiceLifecycle"]),
        .trait(
            name: "ServiceLifecycle",
            description: "EgressEngine is a Service of swift-service-lifecycle, and ends when its service group shuts down gracefully."),
        .trait(name: "IPSecMB", description: "SRTP through libipsec-mb, two to four times as fast as OpenSSL on x86-64 (libipsec-mb-dev)."),
        .default(enabledTraits: ["Server"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        .target(
            name: "CEgress",
            cSettings: strictC + optimisedC + [.headerSearchPath("."), .define("EGRESS_IPSEC_MB", .when(traits: ["IPSecMB"]))],
            linkerSettings: [
                .linkedLibrary("uring"), .linkedLibrary("ssl"), .linkedLibrary("crypto"),
                .linkedLibrary("IPSec_MB", .when(traits: ["IPSecMB"])),
            ]
        ),
        .target(
            name: "Egress",
            dependencies: [
                "CEgress",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle", condition: .when(traits: ["ServiceLifecycle"])),
            ],
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "EgressServer",
            dependencies: [
                "Egress", .product(name: "Logging", package: "swift-log"), .product(name: "HTTPTypes", package: "swift-http-types"),
            ] + serverDependencies,
            resources: pages.map { .embedInCode("Pages/\($0)") },
            swiftSettings: strictSwift
        ),
        .target(
            name: "CEgressTests",
            dependencies: ["CEgress"],
            path: "Tests/CEgressTests",
            cSettings: strictC + [
                .headerSearchPath("."), .headerSearchPath("../../Sources/CEgress"),
                .define("EGRESS_IPSEC_MB", .when(traits: ["IPSecMB"])),
            ],
            linkerSettings: [.linkedLibrary("srtp2")]
        ),
        .testTarget(name: "CEgressTestRunner", dependencies: ["CEgressTests"], swiftSettings: strictSwift),
        .testTarget(
            name: "EgressTests",
            dependencies: [
                "Egress", .product(name: "Logging", package: "swift-log"), .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            swiftSettings: strictSwift
        ),
        .testTarget(
            name: "EgressServerTests",
            dependencies: ["EgressServer", "Egress", .product(name: "Logging", package: "swift-log")] + serverDependencies + [
                server("Hummingbird", "hummingbird"), server("NIOEmbedded", "swift-nio"),
            ],
            swiftSettings: strictSwift
        ),
        .executableTarget(
            name: "egress-bench",
            dependencies: ["CEgress", "CEgressTests"],
            path: "Tests/Bench",
            exclude: ["LADDER.md", "PROFILE.md", "RESULTS.md", "plot.svg", "profile.sh", "report.py", "results.json"],
            cSettings: strictC + [
                .headerSearchPath("../../Sources/CEgress"), .headerSearchPath("../CEgressTests"),
                .define("EGRESS_IPSEC_MB", .when(traits: ["IPSecMB"])),
            ]
        ),
        .executableTarget(name: "egress-sim", dependencies: ["CEgressTests"], path: "Tests/Sim", cSettings: strictC),
    ],
    cLanguageStandard: .gnu17
)
