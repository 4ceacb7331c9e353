import Testing

@testable import AMQP

@Suite("Broker URL")
struct BrokerURLTests {
    private func parse(_ url: String) throws -> AMQPConfiguration {
        try AMQPConfiguration(url: url, connectionName: "test")
    }

    @Test func everyPartIsRead() throws {
        let configuration = try parse("amqp://me:s%40crt%2f@one:5672,two:5673/%2fown%20host")
        #expect(configuration.user == "me")
        #expect(configuration.password == "s@crt/")
        #expect(configuration.virtualHost == "/own host")
        #expect(configuration.hosts == [.init(name: "one", port: 5672), .init(name: "two", port: 5673)])
        #expect(configuration.tls == nil)
        #expect(configuration.redactedURL == "amqp://me:***@one:5672,two:5673/%2fown%20host")
    }

    @Test func whatIsLeftOutHasDefaults() throws {
        let configuration = try parse("amqps://broker")
        #expect(configuration.user == "guest")
        #expect(configuration.virtualHost == "/")
        #expect(configuration.hosts == [.init(name: "broker", port: 5671)])
        #expect(configuration.tls == TLSOptions())
        #expect(try parse("amqp://broker/").virtualHost == "/")
    }

    @Test func aListOfURLsIsOneList() throws {
        let configuration = try parse("amqp://a:b@one/x,amqp://a:b@two:1,three/x,amqp://a:b@[::1]:9/x")
        #expect(configuration.hosts.map(\.description) == ["one:5672", "two:1", "three:5672", "[::1]:9"])
    }

    @Test(
        arguments: [
            ("", "begin with amqp"), ("http://x", "begin with amqp"), ("amqp://", "host name is empty"),
            ("amqp://a:secret@h:99999", "port"), ("amqp://a:secret@h:", "port"),
            ("amqp://a:sec%zzret@h", "hexadecimal"),
            ("amqp://a:secret@h/a/b", "%2f"), ("amqp://a:secret@b@h", "%40"), ("amqp://h?x=1", "query"),
            ("amqp://:secret@h", "user is empty"), ("amqp://a:secret@h,amqp://b:secret@i", "same scheme"),
            ("amqp://a:%ffsecret@h", "UTF-8"), ("amqp://a:secret/x@h", "port"), ("amqp://a:secret@[::1", "']'"),
        ]
    )
    func whatIsWrongIsNamedWithoutThePassword(url: String, reason: String) {
        let error = #expect(throws: AMQPError.self) { try parse(url) }
        #expect(error?.code == .invalidURL)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("secret") == false)
    }
}
