import Contracts
import Service
import ServiceLifecycle

/// Does what flows want from the world beside their calls: messages at once, web requests beside each other.
package struct ErrandRunner: ServiceLifecycle.Service {
    private let messages: any MessageTransport
    private let web: any WebClient
    private let lines = Locked(ErrandLines())
    private let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let sink: Sink

    private final class Sink: Sendable {
        let submit = Locked<(@Sendable ([WorkerInput]) -> Void)?>(nil)
        func give(_ inputs: [WorkerInput]) { if !inputs.isEmpty { submit.withLock { $0 }?(inputs) } }
    }

    package init(messages: any MessageTransport, web: any WebClient) {
        self.messages = messages
        self.web = web
        sink = Sink()
    }

    /// Where the outcomes go. Called once, before the first errand.
    package func connect(_ submit: @escaping @Sendable ([WorkerInput]) -> Void) { sink.submit.withLock { $0 = submit } }

    /// Begins errands that are in the journal: each is done once at most. Returns when the messages are sent.
    package func begin(_ errands: [FlowErrand]) {
        guard !errands.isEmpty else { return }
        let mails = errands.filter { !$0.isWeb }
        var outcomes: [WorkerInput] = []
        if !mails.isEmpty {
            for (errand, problem) in zip(mails, messages.send(mails)) {
                outcomes += errand.done(problem.map { .failed(reason: $0) } ?? .sent)
            }
        }
        for errand in errands where errand.isWeb && !lines.withLock({ $0.add(errand) }) {
            outcomes += errand.done(.failed(reason: "too many web requests are waiting"))
        }
        signal.continuation.yield()
        sink.give(outcomes)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await _ in signal.stream {
                    while let errand = lines.withLock({ $0.next() }) {
                        group.addTask {
                            if let outcome = await outcome(of: errand.what, for: errand.customer) {
                                sink.give(errand.done(outcome))
                            }
                            lines.withLock { $0.ended(errand) }
                            signal.continuation.yield()
                        }
                    }
                }
                group.cancelAll()
            }
        }
        await web.shutDown()
    }

    /// Nil for what is not for the web.
    private func outcome(of what: FlowErrand.What, for customer: ID) async -> ErrandOutcome? {
        switch what {
        case .message, .email: return nil
        case .web(var request):
            request.customer = customer
            switch await web.send(request) {
            case .answered(let status, let body): return .answered(status: status, body: body)
            case .failed(let reason): return .failed(reason: reason)
            }
        case .files(let urls):
            var playable: [String] = []
            var problems: [String] = []
            for url in urls {
                if let problem = await problem(with: url, for: customer) {
                    problems.append(problem)
                } else {
                    playable.append(url)
                }
            }
            let problem = problems.first.map { "\(problems.count) of \(urls.count) not played: \($0)" }
            return .found(playable, problem: problem)
        }
    }

    /// Nil when its server has it. One that takes no `HEAD` is believed.
    private func problem(with url: String, for customer: ID) async -> String? {
        var request = WebRequest(method: "HEAD", url: url, contentType: "", body: "")
        request.customer = customer
        return switch await web.send(request) {
        case .answered(let status, _):
            [405, 501].contains(status) || (200...299).contains(status) ? nil : "status \(status)"
        case .failed(let reason): reason
        }
    }
}

extension FlowErrand {
    fileprivate var isWeb: Bool {
        switch what {
        case .web, .files: true
        case .message, .email: false
        }
    }

    /// For whom waits for it.
    fileprivate func done(_ outcome: ErrandOutcome) -> [WorkerInput] {
        number.map { [.errandDone(attempt, number: $0, outcome)] } ?? []
    }
}
