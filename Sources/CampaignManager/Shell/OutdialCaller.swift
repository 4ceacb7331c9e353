import AMQP
import Contracts
package import Service

/// Campaign-manager's requests to outdial-manager.
package struct OutdialCaller: Sendable {
    let manager: ManagerCaller

    package init(manager: ManagerCaller) { self.manager = manager }

    /// Whether the bus is there.
    var isConnected: Bool { manager.client.isReady }

    struct Claim: Sendable {
        var outdial: ID
        var campaign: ID
        var run: Int64
        var plan: DialPlan
        var customer: ID
        var actor: String
        var correlation: ID
    }

    /// Asks and, when nobody answers, asks again for about three seconds: all requests here are harmless to repeat.
    private func ask(_ request: Request, timeout: Duration = .seconds(2)) async throws -> JSONValue {
        var pause = Duration.milliseconds(100)
        let deadline = ContinuousClock.now + .seconds(3)
        while true {
            do {
                return try await manager.call(.outdial, request, timeout: timeout).get()
            } catch let error as AMQPError {
                guard error.isRetriable, ContinuousClock.now + pause < deadline else {
                    throw Refusal.unavailable("outdial-manager does not answer; try again in a moment")
                }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .milliseconds(500))
            }
        }
    }

    func exists(_ outdial: ID, _ request: Request) async throws -> Bool {
        do {
            _ = try await ask(
                Request(
                    method: "outdial.get",
                    customerID: request.customerID,
                    actor: request.actor,
                    correlation: request.correlation,
                    params: ["id": .id(outdial)]
                )
            )
            return true
        } catch let refusal as Refusal where refusal.status == .notFound {
            return false
        }
    }

    /// The counts of a rehearsal; nil when there is no such outdial.
    func rehearse(_ outdial: ID, plan: DialPlan?, _ request: Request) async throws -> JSONValue? {
        let question = Request(
            method: "outdial.rehearse",
            customerID: request.customerID,
            actor: request.actor,
            correlation: request.correlation,
            params: ["outdial_id": .id(outdial), "plan": plan?.json ?? .null]
        )
        do {
            // A look at each target of a long list takes seconds.
            return try await ask(question, timeout: .seconds(12))
        } catch let refusal as Refusal where refusal.status == .notFound {
            return nil
        }
    }

    /// Claims the outdial. A claim of a campaign that has just stopped may still be on its way out: waits for it a little.
    func claim(_ claim: Claim) async throws {
        let request = Request(
            method: "outdial.claim",
            customerID: claim.customer,
            actor: claim.actor,
            correlation: claim.correlation,
            params: [
                "outdial_id": .id(claim.outdial), "campaign_id": .id(claim.campaign), "run": .integer(claim.run),
                "plan": claim.plan.json,
            ]
        )
        for attempt in 0... {
            do {
                _ = try await ask(request)
                return
            } catch let refusal as Refusal where refusal.reason == "OUTDIAL_IN_USE" && attempt < 5 {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    func claim(_ next: NextClaim) async -> ClaimAnswer {
        do {
            try await claim(
                Claim(
                    outdial: next.outdial,
                    campaign: next.next,
                    run: next.run,
                    plan: next.plan,
                    customer: next.customer,
                    actor: Manager.campaign.rawValue,
                    correlation: next.ended
                )
            )
            return .granted
        } catch let refusal as Refusal where refusal.status == .notFound {
            return .refused(Refusal(.failedPrecondition, "OUTDIAL_MISSING", "the campaign's outdial is deleted"))
        } catch let refusal as Refusal {
            return .refused(refusal)
        } catch {
            return .unknown
        }
    }

    func lease(_ lease: LeaseRequest) async -> LeaseAnswer {
        let request = Request(
            method: "outdial.lease",
            customerID: lease.customer,
            actor: Manager.campaign.rawValue,
            correlation: lease.id,
            params: [
                "outdial_id": .id(lease.outdial), "campaign_id": .id(lease.campaign), "run": .integer(lease.run),
                "request_id": .id(lease.id), "count": .integer(lease.count), "profile": .bool(lease.needsProfile),
            ]
        )
        do {
            let answer = try await ask(request)
            var leases: [Lease] = []
            for json in try answer.requireArray("leases") { leases.append(try Lease(json: json)) }
            return .leases(leases, isExhausted: try answer.requireBool("exhausted"))
        } catch let refusal as Refusal where refusal.reason == "STATE_INVALID" {
            return .claimLost
        } catch {
            return .unknown
        }
    }

    /// Every claim with its open leases.
    func claims(correlation: ID) async throws -> [ClaimReport] {
        func request(_ method: String, _ params: JSONValue) -> Request {
            Request(
                method: method,
                customerID: .none,
                actor: Manager.campaign.rawValue,
                correlation: correlation,
                params: params
            )
        }
        var reports: [ClaimReport] = []
        for claim in try await ask(request("outdial.claims", [:])).requireArray("claims") {
            let outdial = try claim.requireID("outdial_id")
            let open = try await ask(request("outdial.open_leases", ["outdial_id": .id(outdial)]))
            var leases: [ClaimReport.OpenLease] = []
            for json in try open.requireArray("leases") {
                leases.append(
                    ClaimReport.OpenLease(
                        lease: try Lease(json: json),
                        campaign: try json.requireID("campaign_id"),
                        run: try json.requireInteger("run")
                    )
                )
            }
            reports.append(
                ClaimReport(
                    outdial: outdial,
                    campaign: try claim.requireID("campaign_id"),
                    run: try claim.requireInteger("run"),
                    leases: leases
                )
            )
        }
        return reports
    }
}
