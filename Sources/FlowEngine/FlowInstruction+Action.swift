package import Contracts

extension FlowInstruction {
    /// What `action` asks of others; nil when this version does not do it.
    init?(_ action: FlowAction, _ variables: FlowVariables, _ program: FlowProgram) {
        let given = action.option
        // Actions inside of an action are filled in when they run.
        let option = action.type == "call" ? given : variables.fill(given)
        func milliseconds(_ name: String, _ standard: Int64) -> Milliseconds {
            Milliseconds(option[name].integer ?? standard)
        }
        switch action.type {
        case "answer": self = .answer
        case "amd": self = .detectMachine
        case "talk":
            self = .speak(
                text: option["text"].string ?? "",
                language: option["language"].string ?? "",
                endsOnDigits: option["digits_handle"].string == "next",
                isAwaited: option["async"].bool != true
            )
        case "play": self = .play(urls: (option["stream_urls"].array ?? []).compactMap(\.string))
        case "beep": self = .beep
        case "digits_receive":
            let duration = milliseconds("duration", 0)
            self = .collectDigits(
                length: Int(option["length"].integer ?? 0),
                terminators: option["key"].string ?? "",
                duration: duration.count == 0 ? FlowInstruction.digitsDuration : duration
            )
        case "digits_send":
            self = .sendDigits(
                option["digits"].string ?? "",
                duration: milliseconds("duration", 500),
                interval: milliseconds("interval", 500)
            )
        case "sleep", "echo", "stream_echo": self = .pause(milliseconds("duration", 0))
        case "connect":
            self = .connect(
                source: FlowInstruction.address(option["source"]),
                destinations: FlowInstruction.addresses(option["destinations"])
            )
        case "queue_join": self = .joinQueue(option["queue_id"].id ?? .none)
        case "call":
            let inner = FlowAction.list(given["actions"].array ?? [])
            let flow = program.flows[given["flow_id"].id ?? .none] ?? []
            self = .call(
                source: FlowInstruction.address(variables.fill(given["source"])),
                destinations: FlowInstruction.addresses(variables.fill(given["destinations"])),
                actions: inner.isEmpty ? flow : inner
            )
        case "hangup":
            let reason = option["reason"].string ?? ""
            self = .hangUp(reason: reason.isEmpty ? .normal : HangupReason(reported: reason))
        case "recording_start": self = .record(isOn: true)
        case "recording_stop": self = .record(isOn: false)
        case "message_send":
            self = .sendMessage(
                source: FlowInstruction.address(option["source"]),
                destinations: FlowInstruction.addresses(option["destinations"]),
                text: option["text"].string ?? ""
            )
        case "email_send":
            self = .sendEmail(
                destinations: FlowInstruction.addresses(option["destinations"]),
                subject: option["subject"].string ?? "",
                content: option["content"].string ?? "",
                attachments: option["attachments"].array ?? []
            )
        case "webhook_send":
            let method = option["method"].string ?? ""
            let type = option["data_type"].string ?? ""
            self = .sendWebhook(
                WebMessage(
                    method: method.isEmpty ? "POST" : method,
                    url: option["uri"].string ?? "",
                    contentType: type.isEmpty ? "application/json" : type,
                    body: option["data"].string ?? (option["data"].isNull ? "" : option["data"].text),
                    isAwaited: option["sync"].bool ?? false
                )
            )
        case "fetch":
            let method = option["event_method"].string ?? ""
            self = .fetch(WebMessage(method: method.isEmpty ? "GET" : method, url: option["event_url"].string ?? ""))
        default: return nil
        }
    }

    /// How long digits_receive waits when it does not say.
    package static let digitsDuration: Milliseconds = 10_000

    private static func address(_ json: JSONValue) -> Address? { try? Address.read(json, field: "source") }

    /// Those that can be read; what a variable left empty is none.
    private static func addresses(_ json: JSONValue) -> [Address] {
        (json.array ?? []).compactMap { address($0) }
    }
}
