import OutboundHTTP
import Service

/// Asks web servers for flows, public ones and those that `CARILLON_OUTBOUND_ALLOW` names.
struct GuardedWebClient: WebClient {
    private let http: GuardedClient

    /// Throws ``ConfigurationError`` for a setting that is none.
    init(_ environment: [String: String]) throws(ConfigurationError) {
        let setting = Setting("CARILLON_OUTBOUND_ALLOW", flag: nil, in: environment)
        do throws(AddressRules.InvalidEntry) {
            http = GuardedClient(rules: try AddressRules(allowing: setting.value ?? ""))
        } catch {
            throw setting.refusal("\"\(error.entry)\" is no host, address or block such as 10.1.0.0/16")
        }
    }

    func shutDown() async { await http.shutDown() }

    func send(_ request: WebRequest) async -> WebResult {
        let hasBody = !request.body.isEmpty
        let outgoing = OutboundRequest(
            method: request.method,
            url: request.url,
            headers: hasBody ? [(name: "Content-Type", value: request.contentType)] : [],
            body: Array(request.body.utf8),
            customer: request.customer
        )
        do throws(OutboundError) {
            let answer = try await http.send(outgoing)
            return .answered(status: answer.status, body: String(decoding: answer.body, as: UTF8.self))
        } catch {
            return .failed(reason: error.description)
        }
    }
}
