/// The form of a dial command for other people's dialing engines: a CloudEvent `call_dial`, its id that of the attempt.
extension DialCommand {
    package static let engineType = "call_dial"

    /// What `<prefix>.dial.<route>` carries; `schemas/messages/call_dial.json` describes it.
    package func callDial(correlation: ID, at time: Timestamp) -> JSONValue {
        [
            "specversion": "1.0", "id": .id(attempt), "source": .string(Manager.campaign.rawValue),
            "type": .string(DialCommand.engineType), "subject": .string("call/\(call)"),
            "time": .string(time.rfc3339), "customerid": .id(customer), "correlationid": .id(correlation),
            "datacontenttype": "application/json",
            "data": [
                "attempt_id": .id(attempt), "call_id": .id(call), "campaign_id": .id(campaign),
                "customer_id": .id(customer), "target_id": .id(target), "source": Address.optional(source),
                "destination": destination.json, "destination_index": .integer(destinationIndex),
                "try_count": .integer(tryCount), "dial_timeout": .integer(dialTimeout.count),
                "max_talk_time": .integer(maximumTalkTime.count), "start_by": .string(startBy.rfc3339),
                "variables": .texts(profile.texts),
            ],
        ]
    }
}
