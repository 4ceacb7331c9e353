import AMQP
import ArgumentParser
import Logging
import Testing

@testable import Service

@Suite struct ConfigurationTests {
    private func configuration(
        _ arguments: [String],
        _ environment: [String: String] = [:]
    ) throws -> CommonConfiguration {
        try CommonConfiguration(options: try CommonOptions.parse(arguments), environment: environment)
    }

    private func message(_ arguments: [String], _ environment: [String: String] = [:]) -> String? {
        do {
            _ = try configuration(arguments, environment)
            return nil
        } catch { return (error as? ConfigurationError)?.message }
    }

    @Test func aFlagComesBeforeItsVariableAndThatBeforeTheDefault() throws {
        let environment = ["CARILLON_AMQP_PREFIX": "b", "CARILLON_LOG_LEVEL": "error"]
        let both = try configuration(["--amqp-prefix", "a"], environment)
        #expect(both.amqpPrefix == "a")
        #expect(both.logLevel == .error)
        let none = try configuration([])
        #expect(none.amqpPrefix == "carillon")
        #expect(none.logLevel == .info)
        #expect(none.dataDirectory == "./data")
        #expect(none.metricsListen == nil)
        #expect(none.amqpURL == "amqp://guest:guest@127.0.0.1:5672/%2f")
    }

    @Test func anEmptyVariableIsNotGiven() throws {
        #expect(try configuration([], ["CARILLON_AMQP_PREFIX": ""]).amqpPrefix == "carillon")
    }

    @Test func theStateDirectoryIsTheDefaultOfTheDataDirectory() throws {
        #expect(try configuration([], ["STATE_DIRECTORY": "/a:/b"]).dataDirectory == "/a")
        #expect(try configuration(["--data-dir", "/c"], ["STATE_DIRECTORY": "/a"]).dataDirectory == "/c")
    }

    @Test func anErrorNamesTheSourceOfItsValue() {
        #expect(message(["--log-format", "xml"])?.hasPrefix("--log-format is \"xml\"; give one of text,") == true)
        #expect(message([], ["CARILLON_LOG_FORMAT": "xml"])?.hasPrefix("CARILLON_LOG_FORMAT is \"xml\"") == true)
        #expect(message([], ["CARILLON_METRICS_LISTEN": "x"])?.hasPrefix("CARILLON_METRICS_LISTEN is") == true)
        #expect(message(["--amqp-prefix", "a b"])?.hasPrefix("--amqp-prefix is") == true)
        #expect(message(["--amqp-url", "http://u:secret@h"])?.contains("secret") == false)
    }

    @Test func certificatesAreForTLSOnly() throws {
        let file = #filePath
        let tls = try configuration(["--amqp-url", "amqps://h", "--amqp-ca", file]).amqpTLS
        #expect(tls?.caFile == file)
        #expect(tls?.certificateFile == nil)
        #expect(try configuration(["--amqp-url", "amqps://h"]).amqpTLS != nil)
        #expect(try configuration([]).amqpTLS == nil)
        #expect(message(["--amqp-ca", file])?.contains("must begin with amqps://") == true)
        let environment = ["CARILLON_AMQP_URL": "amqps://h"]
        #expect(
            message(["--amqp-ca", "/nowhere.pem"], environment)?.hasPrefix("--amqp-ca is \"/nowhere.pem\"") == true
        )
        #expect(message(["--amqp-certificate", file], environment)?.contains("CARILLON_AMQP_KEY, its key") == true)
        #expect(message(["--amqp-key", file], environment)?.contains("CARILLON_AMQP_CERTIFICATE as well") == true)
    }

    @Test func integersHaveARange() throws {
        func read(_ flag: String?, _ environment: [String: String]) throws(ConfigurationError) -> Int64 {
            try Environment.integer("CARILLON_WORKER_CHANNELS", flag: flag, in: environment, default: 7, range: 1...10)
        }
        #expect(try read(nil, [:]) == 7)
        #expect(try read(nil, ["CARILLON_WORKER_CHANNELS": "8"]) == 8)
        #expect(try read("9", ["CARILLON_WORKER_CHANNELS": "8"]) == 9)
        for (flag, environment, name) in [
            ("11", [:], "--worker-channels"), (nil, ["CARILLON_WORKER_CHANNELS": "x"], "CARILLON_WORKER_CHANNELS"),
        ] as [(String?, [String: String], String)] {
            let error = #expect(throws: ConfigurationError.self) { try read(flag, environment) }
            #expect(error?.message.hasPrefix("\(name) is ") == true)
            #expect(error?.message.hasSuffix("give a whole number from 1 to 10") == true)
        }
    }

    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080), ("localhost:0", "localhost", 0), (":9", "0.0.0.0", 9),
        ("[::1]:70", "::1", 70),
    ])
    func listenAddressesAreRead(text: String, host: String, port: Int) throws {
        let address = try ListenAddress(parsing: text, name: "n")
        #expect(address == ListenAddress(host: host, port: port))
        #expect(try ListenAddress(parsing: address.description, name: "n") == address)
    }

    @Test(arguments: [
        "", "host", "a:b:70", "::1:70", "h:65536", "h:-1", "h:+1", "h:", "[::1]", "[x]:1", "a b:1", "[::1:1",
    ])
    func wrongListenAddressesAreRefused(text: String) {
        #expect(throws: ConfigurationError.self) { try ListenAddress(parsing: text, name: "n") }
    }
}
