import Contracts
import TestSupport
import Testing

/// Checks an exchange against `schemas/openapi.yaml`: the status is documented, the answer is of its schema, and so is
/// the request when it was accepted. Without that file there is nothing to check.
func expectDocumented(_ method: String, _ path: String, request: JSONValue?, _ answer: HTTPAnswer) async throws {
    guard SchemaChecker.hasOpenAPI else { return }
    let kind = answer.headers["content-type"]
    let problems = try await SchemaChecker.shared.problems(
        ofExchange: method,
        path,
        status: answer.status,
        request: request,
        response: kind?.contains("json") == true ? try JSONValue(parsing: answer.body) : nil,
        responseType: kind
    )
    guard !problems.isEmpty else { return }
    let said = String(decoding: answer.body.prefix(2000), as: UTF8.self)
    Issue.record(
        "\(method) \(path) \(request?.text ?? ""): \(answer.status) \(said) is not as in openapi.yaml: \(problems)"
    )
}
