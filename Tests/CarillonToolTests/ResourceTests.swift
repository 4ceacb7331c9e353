import ArgumentParser
import Contracts
import Testing

@testable import CarillonTool

@Suite struct ResourceTests {
    private let id = "183c0d5c-691e-42f3-af2b-9bffc2740f83"
    private let campaign = CampaignKind.resource

    // MARK: - Words

    @Test func idsFieldsAndPairsStandInAnyOrder() throws {
        let words = try campaign.bodyWords(
            ["--name", "spring", id, "end_handle=continue", "--actions=[]"],
            isNew: false
        )
        #expect(try words.id() == id)
        #expect(words.options == ["name": "spring", "actions": "[]"])
        #expect(try campaign.objectPath(words) == "/v1.0/campaigns/\(id)")
        #expect(campaign.body(words) == ["name": "spring", "actions": [], "end_handle": "continue"])
    }

    @Test func aValueIsJSONWhenItIsJSON() {
        #expect(Resource.value("20") == 20)
        #expect(Resource.value("null") == .null)
        #expect(Resource.value("{\"a\":[1]}") == ["a": [1]])
        #expect(Resource.value("+15559876543") == "+15559876543")
        #expect(Resource.value("two words") == "two words")
    }

    @Test func aFieldThatIsATextStaysOne() throws {
        let words = try campaign.bodyWords(["--name", "42", "--max-concurrent", "42"], isNew: true)
        #expect(campaign.body(words) == ["name": "42", "max_concurrent": 42])
        let agent = AgentKind.resource
        #expect(agent.body(try agent.bodyWords(["--tag-ids", "a,b"], isNew: true)) == ["tag_ids": ["a", "b"]])
    }

    @Test func whatAnotherCommandChangesIsNotTakenInSilence() throws {
        for words in [["status=away"], ["--name", "Ann", "status=away"]] {
            let error = #expect(throws: (any Error).self) {
                try ResourceSetCommand<AgentKind>.parse([id] + words).validate()
            }
            #expect("\(error as Any)".contains("carillon agent status"))
        }
        #expect(throws: Never.self) { try ResourceSetCommand<AgentKind>.parse([id, "--name", "Ann"]).validate() }
    }

    @Test func fieldsAreOverTheDocument() throws {
        let words = try campaign.bodyWords(["--name", "new", "detail=x=y"], isNew: true)
        let body = campaign.body(words, over: ["name": "old", "service_level": 80])
        #expect(body == ["name": "new", "service_level": 80, "detail": "x=y"])
    }

    @Test func aTargetIsInAnOutdial() throws {
        let target = TargetKind.resource
        let words = try target.idWords([id, "--outdial", id])
        #expect(try target.objectPath(words) == "/v1.0/outdials/\(id)/targets/\(id)")
        #expect(throws: (any Error).self) { try target.idWords([id]) }
        #expect(throws: (any Error).self) { try target.filterWords(["--outdial", "7"]) }
    }

    @Test func theOwnCustomerNeedsNoID() throws {
        let customer = CustomerKind.resource
        #expect(try customer.objectPath(try customer.idWords([])) == "/v1.0/customer")
        #expect(try customer.objectPath(try customer.idWords([id])) == "/v1.0/customers/\(id)")
    }

    // MARK: - Command lines

    @Test(arguments: [
        ["outdial", "get"], ["outdial", "get", "7"], ["outdial", "list", "--bogus", "x"], ["outdial", "list", "x"],
        ["outdial", "list", "--name"], ["outdial", "list", "--limit", "-1"], ["outdial", "create", "x"],
        ["campaigncall", "create"], ["target", "list"], ["dialing", "maybe"], ["campaign", "results", "7"],
        ["target", "rearm", "--outdial", "183c0d5c-691e-42f3-af2b-9bffc2740f83"],
        ["campaign", "set", "183c0d5c-691e-42f3-af2b-9bffc2740f83"],
    ])
    func aWrongCommandLineIsOneLineAndStatus2(_ arguments: [String]) throws {
        let found = try #require(Carillon.failure(arguments))
        #expect(found.status == 2)
        #expect(!found.message.contains("\n"))
    }

    @Test(arguments: [
        ["outdial", "list", "--name", "spring", "--limit", "0", "--json", "--deleted"],
        ["queue", "create", "--name", "sales"], ["flow", "create", "--json-body", "-"],
        ["customer", "set", "--email", "a@b"], ["dialing"], ["dialing", "off", "--system"],
        ["campaign", "list"], ["campaign", "run", "183c0d5c-691e-42f3-af2b-9bffc2740f83"],
    ])
    func aRightCommandLineIsTaken(_ arguments: [String]) {
        #expect(Carillon.failure(arguments) == nil)
    }

    @Test func everyVerbHasAnExampleThatIsTaken() throws {
        for resource in ResourceTable.all {
            for verb in resource.verbs {
                let example = try #require(resource.examples[verb], "\(resource.name) \(verb)")
                #expect(example.hasPrefix("\(resource.name) \(verb.rawValue)"))
                var words: [String] = []
                for (index, part) in example.replacing("ID", with: id).split(whereSeparator: { "\"'".contains($0) })
                    .enumerated()
                {
                    // Every second part was quoted, unless quotes are inside of quotes.
                    words +=
                        index % 2 == 0 || example.contains("'")
                        ? part.split(separator: " ").map(String.init) : [String(part)]
                }
                guard !example.contains("'") else { continue }
                #expect(Carillon.failure(words) == nil, "\(example): \(Carillon.failure(words)?.message ?? "")")
            }
        }
    }

    @Test func helpNamesFieldsFiltersExampleAndStatuses() {
        let create = ResourceCreateCommand<CampaignKind>.helpMessage(columns: 120)
        for part in ["--max-concurrent", "Example: carillon campaign create", "75", "field=value"] {
            #expect(create.contains(part))
        }
        #expect(ResourceListCommand<CampaigncallKind>.helpMessage(columns: 120).contains("--hangup-reason"))
    }

    // MARK: - Answers

    @Test func aRefusalHasItsReasonAndTheRequest() {
        let refused = Gateway.failure(
            409,
            ["error": ["reason": "STATE_INVALID", "message": "stop it first", "request_id": "r1"]]
        )
        #expect(refused == ToolError(status: 1, "stop it first (STATE_INVALID, request r1)"))
        for status in [429, 503] {
            let busy = Gateway.failure(status, nil)
            #expect(busy.status == 75 && busy.message.contains("try again"))
        }
    }

    // MARK: - Tables

    private let table = TextTable(
        columns: [
            .init(title: "id", isWhole: true), .init(title: "name"),
            .init(title: "tries", isRight: true, isWhole: true),
        ],
        rows: [["183c0d5c", "a long name that is cut", "7"], ["283c0d5c", "Ann", "12"]]
    )

    @Test func columnsAreAligned() {
        #expect(
            table.text(width: nil, hasColor: false) == """
                id        name                     tries
                183c0d5c  a long name that is cut      7
                283c0d5c  Ann                         12

                """
        )
    }

    @Test func aTableIsFittedByCuttingWhatMayBeCut() {
        let lines = table.text(width: 30, hasColor: false).split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 30 })
        #expect(lines[1].contains("183c0d5c") && lines[1].contains("…") && lines[1].hasSuffix("7"))
        // However narrow it is, ids and numbers stay whole.
        #expect(table.text(width: 5, hasColor: false).contains("183c0d5c"))
    }

    @Test func onlyATerminalGetsColours() {
        #expect(!table.text(width: 80, hasColor: false).contains("\u{1B}"))
        #expect(table.text(width: 80, hasColor: true).hasPrefix("\u{1B}[1mid"))
    }

    @Test func aRehearsalIsToldInLines() {
        let text = RehearsalReport.text([
            "targets": 10, "now": 3, "later": 2, "later_until": "2026-01-01 00:00:00.000000", "never": 5,
            "reasons": [["when": "never", "reason": "already_done", "targets": 5]],
            "obstacles": [["reason": "OUTPLAN_MISSING", "message": "set outplan_id"]], "shortest_duration": 1500,
        ])
        for part in [
            "10 targets: 3 now, 2 later, 5 never", "already_done 5", "1.5 s", "set outplan_id (OUTPLAN_MISSING)",
        ] {
            #expect(text.contains(part), "\(text)")
        }
    }
}
