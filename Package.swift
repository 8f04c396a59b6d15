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

let package = Package(
    name: "egress",
    products: [
        .library(name: "Egress", targets: ["Egress"]),
        .library(name: "CEgress", targets: ["CEgress"]),
    ],
    traits: [
        .trait(name: "IPSecMB", description: "SRTP through libipsec-mb, two to four times as fast as OpenSSL on x86-64 (libipsec-mb-dev).")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
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
            ],
            swiftSettings: strictSwift
        ),
        .target(
            name: "CEgressTests",
            dependencies: ["CEgress"],
            path: "Tests/CEgressTests",
            cSettings: strictC + [
                .headerSearchPath("../../Sources/CEgress"), .define("EGRESS_IPSEC_MB", .when(traits: ["IPSecMB"])),
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
    ],
    cLanguageStandard: .gnu17
)
