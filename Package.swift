// swift-tools-version: 6.2
import PackageDescription

// Dependencies point one way: executables -> service libraries -> Service, AMQP, EventLog, domains -> Contracts.
// `--explicit-target-dependency-import-check error` (see deploy/test) refuses anything else.

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")

let package = Package(
    name: "carillon",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "api-gateway", targets: ["api-gateway"]),
        .executable(name: "campaign-manager", targets: ["campaign-manager"]),
        .executable(name: "outdial-manager", targets: ["outdial-manager"]),
        .executable(name: "dialer-worker", targets: ["dialer-worker"]),
        .executable(name: "carillon", targets: ["carillon"]),
        .executable(name: "carillon-bench", targets: ["carillon-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.35.2"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.1"),
        // For the page of the API's document.
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.2"),
    ],
    targets: [
        // The wall to C.
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .target(name: "CAMQPCodec", dependencies: ["CRabbitMQ"]),
        // schemas/openapi.yaml and schemas/asyncapi.yaml, built in.
        .target(name: "CDocuments"),

        // Infrastructure: the bus and the log.
        .target(
            name: "AMQP",
            dependencies: [
                "CAMQPCodec", logging,
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ] + nio
        ),
        .target(name: "EventLog", dependencies: ["Contracts", "FaultInjection", crypto, grdb]),
        // Ways to fail on purpose; empty in release builds.
        .target(name: "FaultInjection"),

        // What crosses a process boundary, and the pure rules.
        .target(name: "Contracts"),
        .target(name: "CampaignDomain", dependencies: ["Contracts"]),
        .target(name: "OutdialDomain", dependencies: ["Contracts"]),
        .target(name: "FlowEngine", dependencies: ["Contracts"]),

        // The runtime that every daemon shares.
        .target(
            name: "Service",
            dependencies: [
                "AMQP", "Contracts", "EventLog", "FaultInjection", argumentParser, grdb, logging, lifecycle, metrics,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio
        ),

        // Requests to servers that customers name.
        .target(
            name: "OutboundHTTP",
            dependencies: [
                "Contracts",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ] + nio
        ),

        // One library for each daemon.
        .target(
            name: "CampaignManager",
            dependencies: [
                "AMQP", "CampaignDomain", "Contracts", "EventLog", "OutboundHTTP", "Service", argumentParser, crypto,
                grdb,
                lifecycle, logging, metrics,
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]
        ),
        .target(
            name: "OutdialManager",
            dependencies: [
                "AMQP", "Contracts", "EventLog", "OutdialDomain", "Service", argumentParser, grdb, lifecycle, logging,
            ]
        ),
        .target(
            name: "DialerWorker",
            dependencies: [
                "AMQP", "Contracts", "EventLog", "FaultInjection", "FlowEngine", "OutboundHTTP", "Service",
                argumentParser, grdb,
                lifecycle, logging,
            ]
        ),
        .target(
            name: "APIGateway",
            dependencies: [
                "AMQP", "CDocuments", "Contracts", "Service", argumentParser, crypto, hummingbird, lifecycle, logging,
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        .target(
            name: "CarillonTool",
            dependencies: [
                "AMQP", "CampaignDomain", "CampaignManager", "Contracts", "DialerWorker", "EventLog", "OutdialDomain",
                "OutdialManager", "Service", argumentParser, crypto, grdb, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]
        ),

        // Executables: assembly only.
        .executableTarget(name: "api-gateway", dependencies: ["APIGateway", "Service"]),
        .executableTarget(name: "campaign-manager", dependencies: ["CampaignManager", "Service"]),
        .executableTarget(name: "outdial-manager", dependencies: ["OutdialManager", "Service"]),
        .executableTarget(name: "dialer-worker", dependencies: ["DialerWorker", "Service"]),
        .executableTarget(name: "carillon", dependencies: ["CarillonTool"]),

        // Tests. SystemTests run the real executables over a real broker.
        .target(
            name: "TestSupport",
            dependencies: [
                "AMQP", "Contracts", logging,
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ] + nio,
            path: "Tests/TestSupport"
        ),
        .testTarget(
            name: "OutboundHTTPTests",
            dependencies: [
                "Contracts", "OutboundHTTP", "TestSupport",
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ]
        ),
        .testTarget(name: "ContractsTests", dependencies: ["Contracts", "TestSupport"]),
        .testTarget(
            name: "AMQPTests",
            dependencies: [
                "AMQP", "CAMQPCodec", "TestSupport", logging,
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ] + nio
        ),
        // A writer and a publisher that tests kill, or take the disk from.
        .executableTarget(
            name: "event-log-child",
            dependencies: ["Contracts", "EventLog", "FaultInjection"],
            path: "Tests/EventLogChild"
        ),
        .testTarget(
            name: "EventLogTests",
            dependencies: ["Contracts", "EventLog", "TestSupport", "event-log-child", grdb]
        ),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "AMQP", "Contracts", "EventLog", "Service", "TestSupport", argumentParser, lifecycle, logging, metrics,
                "dialer-worker", "outdial-manager",
            ]
        ),
        .testTarget(name: "CampaignDomainTests", dependencies: ["CampaignDomain", "Contracts", "TestSupport"]),
        .testTarget(name: "FlowEngineTests", dependencies: ["Contracts", "FlowEngine", "TestSupport"]),
        .testTarget(name: "OutdialDomainTests", dependencies: ["Contracts", "OutdialDomain", "TestSupport"]),
        .testTarget(
            name: "CampaignManagerTests",
            dependencies: [
                "CampaignDomain", "CampaignManager", "Contracts", "EventLog", "OutboundHTTP", "Service", "TestSupport",
                grdb, logging,
            ]
        ),
        .testTarget(
            name: "OutdialManagerTests",
            dependencies: [
                "Contracts", "EventLog", "OutdialDomain", "OutdialManager", "Service", "TestSupport", grdb, logging,
            ]
        ),
        .testTarget(
            name: "DialerWorkerTests",
            dependencies: ["Contracts", "DialerWorker", "EventLog", "FlowEngine", "Service", "TestSupport", grdb]
        ),
        .testTarget(
            name: "APIGatewayTests",
            dependencies: [
                "APIGateway", "Contracts", "Service", "TestSupport", hummingbird, lifecycle, logging,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),
        .testTarget(
            name: "CarillonToolTests",
            dependencies: [
                "CampaignDomain", "CampaignManager", "CarillonTool", "Contracts", "DialerWorker", "EventLog",
                "OutdialDomain", "OutdialManager", "Service", "TestSupport", argumentParser, grdb,
            ]
        ),
        // Everything together in one thread, with a clock of its own.
        .testTarget(
            name: "WorldTests",
            dependencies: [
                "CampaignDomain", "CampaignManager", "Contracts", "DialerWorker", "EventLog", "FlowEngine",
                "OutdialDomain", "OutdialManager", "Service", "TestSupport", grdb,
            ]
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "AMQP", logging,
                "APIGateway", "CampaignDomain", "CampaignManager", "Contracts", "DialerWorker", "EventLog",
                "OutdialDomain",
                "OutdialManager", "Service", "TestSupport", crypto, grdb,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                "api-gateway", "campaign-manager", "outdial-manager", "dialer-worker", "carillon",
            ]
        ),

        // Benchmarks, and what plain C makes of the same work.
        .target(
            name: "CFloor",
            dependencies: ["CRabbitMQ"],
            path: "Tests/CFloor",
            linkerSettings: [.linkedLibrary("sqlite3")]
        ),
        .executableTarget(
            name: "carillon-bench",
            dependencies: [
                "AMQP", "CFloor", "CampaignManager", "Contracts", "EventLog", "OutdialManager", "TestSupport",
                argumentParser, grdb, logging,
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Tests/Benchmarks",
            exclude: ["Preload", "README.md"]
        ),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    if ["CAMQPCodec", "CDocuments", "CFloor"].contains(target.name) { continue }
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ]
    if target.name == "FaultInjection" {
        target.swiftSettings?.append(.define("FAULT_INJECTION", .when(configuration: .debug)))
    }
}
