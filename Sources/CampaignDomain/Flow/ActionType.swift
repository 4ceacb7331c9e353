import Contracts

/// A type of action and the options that it takes; further members of an action's option are kept and ignored.
struct ActionType: Sendable {
    let options: [ActionOption]
    /// One of these has to be there, when there are any.
    let oneOf: [String]

    private init(_ options: [ActionOption], oneOf: [String] = []) {
        self.options = options
        self.oneOf = oneOf
    }

    static let all: [String: ActionType] = answering.merging(deciding) { first, _ in first }
        .merging(connecting) { first, _ in first }
        .merging(recording) { first, _ in first }
        .merging(sending) { first, _ in first }
        .merging(other) { first, _ in first }

    // MARK: - Options that several types share

    private static let none = ActionType([])
    private static let milliseconds = ActionOption.Kind.integer(0...86_400_000)
    private static let seconds = ActionOption.Kind.integer(0...86_400)
    private static let language = ActionOption.required("language", .text(limit: 64))
    private static let falseTarget = ActionOption.required("false_target_id", .jump)
    private static let comparisons = ActionOption.required("condition", .word(["==", "!=", ">", ">=", "<", "<="]))
    private static let anonymous = ActionOption.optional("anonymous", .word(["", "yes", "no", "auto"]))
    private static let source = ActionOption.optional("source", .address)
    private static let destinations = ActionOption.required("destinations", .addresses)
    /// Without them the target's own destination.
    private static let ownDestinations = ActionOption.optional("destinations", .addresses)
    private static let onEndFlow = ActionOption.optional("on_end_flow_id", .id)

    // MARK: - The types

    /// What is said and heard on an answered call.
    private static let answering: [String: ActionType] = [
        "answer": none,
        "amd": ActionType([
            .optional("machine_handle", .word(["", "hangup", "continue"])), .optional("async", .flag),
        ]),
        "talk": ActionType([
            .required("text", .text()), .optional("language", .text(limit: 64)),
            .optional("provider", .word(["", "gcp", "aws"])), .optional("voice_id", .text(limit: 255)),
            .optional("digits_handle", .word(["", "next"])), .optional("async", .flag),
        ]),
        "play": ActionType([.required("stream_urls", .texts)]),
        "beep": none,
        "digits_receive": ActionType([
            .optional("duration", milliseconds), .optional("key", .text(limit: 16)),
            .optional("length", .integer(0...1000)),
        ]),
        "digits_send": ActionType([
            .required("digits", .text(limit: 100)), .optional("duration", .integer(100...1000)),
            .optional("interval", .integer(0...5000)),
        ]),
        "sleep": ActionType([.required("duration", milliseconds)]),
        "echo": ActionType([.optional("duration", milliseconds)]),
        "stream_echo": ActionType([.optional("duration", milliseconds)]),
        "hangup": ActionType([
            .optional(
                "reason",
                .word([
                    "", "normal", "failed", "busy", "cancel", "timeout", "no_answer", "noanswer", "dialout", "amd",
                ])
            ),
            .optional("reference_id", .id),
        ]),
        "mute": none,
        "block": none,
        "empty": none,
    ]

    /// Which action is next.
    private static let deciding: [String: ActionType] = [
        "stop": none,
        "goto": ActionType([.required("target_id", .jump), .optional("loop_count", .integer(0...1_000_000))]),
        "branch": ActionType([
            .optional("variable", .text(limit: 255)), .optional("default_target_id", .jump),
            .required("target_ids", .jumps),
        ]),
        "condition_variable": ActionType([
            comparisons, .required("variable", .text()),
            .required("value_type", .word(["string", "number", "length"])), .optional("value_string", .value),
            .optional("value_number", .number), .optional("value_length", .integer(0...1_000_000)), falseTarget,
        ]),
        "condition_datetime": ActionType([
            comparisons, .optional("minute", .integer(-1...59)), .optional("hour", .integer(-1...23)),
            .optional("day", .integer(-1...31)), .optional("month", .integer(-1...12)),
            .optional("weekdays", .integers(0...6)), falseTarget,
        ]),
        "condition_call_digits": ActionType([
            .optional("length", .integer(0...1000)), .optional("key", .text(limit: 16)), falseTarget,
        ]),
        "condition_call_status": ActionType([
            .required(
                "status",
                .word(["dialing", "ringing", "progressing", "terminating", "canceling", "hangup"])
            ), falseTarget,
        ]),
        "fetch": ActionType([.required("event_url", .text()), .optional("event_method", .text(limit: 16))]),
        "fetch_flow": ActionType([.required("flow_id", .id)]),
        "variable_set": ActionType([.required("key", .text(limit: 255)), .required("value", .value)]),
    ]

    /// Who else takes part.
    private static let connecting: [String: ActionType] = [
        "connect": ActionType([
            source, destinations, .optional("early_media", .flag), .optional("relay_reason", .flag), anonymous,
        ]),
        "call": ActionType([
            source, destinations, .optional("flow_id", .id), .optional("actions", .actions),
            .optional("chained", .flag), .optional("early_execution", .flag), anonymous,
        ]),
        "queue_join": ActionType([.required("queue_id", .id)]),
        "conference_join": ActionType([.required("conference_id", .id)]),
        "confbridge_join": ActionType([.required("confbridge_id", .id)]),
    ]

    /// What is kept and passed on of what is said.
    private static let recording: [String: ActionType] = [
        "recording_start": ActionType([
            .optional("format", .word(["", "wav", "mp3", "ogg"])), .optional("end_of_silence", seconds),
            .optional("end_of_key", .word(["", "none", "any", "*", "#"])), .optional("duration", seconds),
            .optional("beep_start", .flag), onEndFlow,
        ]),
        "recording_stop": none,
        "transcribe_start": transcription,
        "transcribe_recording": transcription,
        "transcribe_stop": none,
        "external_media_start": ActionType([
            .required("external_host", .text(limit: 1024)), .optional("encapsulation", .text(limit: 64)),
            .optional("transport", .text(limit: 64)), .optional("transport_data", .text()),
            .optional("connection_type", .text(limit: 64)), .optional("format", .text(limit: 64)),
            .optional("direction_listen", .text(limit: 64)), .optional("direction_speak", .text(limit: 64)),
            .optional("data", .anything),
        ]),
        "external_media_stop": none,
    ]

    private static let transcription = ActionType([
        language, onEndFlow, .optional("provider", .text(limit: 64)),
        .optional("direction", .word(["", "in", "out", "both"])),
    ])

    /// What is sent to others.
    private static let sending: [String: ActionType] = [
        "message_send": ActionType([source, ownDestinations, .required("text", .text())]),
        "email_send": ActionType([
            ownDestinations, .required("subject", .text(limit: 4096)), .optional("content", .value),
            .optional("attachments", .objects),
        ]),
        "conversation_send": ActionType([
            .required("conversation_id", .id), .required("text", .text()), .optional("sync", .flag),
        ]),
        "webhook_send": ActionType([
            .required("uri", .text()),
            .optional("method", .word(["", "GET", "POST", "PUT", "PATCH", "DELETE"])),
            .optional("data_type", .text(limit: 255)), .optional("data", .anything), .optional("sync", .flag),
        ]),
    ]

    /// Assistants and cases.
    private static let other: [String: ActionType] = [
        "ai_talk": ActionType(
            [
                .optional("assistance_type", .word(["", "ai", "team"])), .optional("assistance_id", .id),
                .optional("duration", seconds), .optional("ai_id", .id),
            ],
            oneOf: ["assistance_id", "ai_id"]
        ),
        "ai_task": ActionType(
            [
                .optional("assistance_type", .word(["", "ai", "team"])), .optional("assistance_id", .id),
                .optional("ai_id", .id),
            ],
            oneOf: ["assistance_id", "ai_id"]
        ),
        "ai_summary": ActionType([
            onEndFlow, .optional("reference_type", .text(limit: 64)), .optional("reference_id", .id),
            .optional("language", .text(limit: 64)),
        ]),
        "case_create": ActionType([
            .optional("name", .value), .optional("detail", .value), .optional("note", .value),
            .optional("sync", .flag),
        ]),
    ]
}
