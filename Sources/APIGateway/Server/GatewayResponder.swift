import Contracts
import HTTPTypes
import Hummingbird
package import HummingbirdCore
import Logging
import NIOCore

/// The edge of the gateway: from an HTTP request to a route, and from whatever comes of it to an HTTP response.
///
/// Every response carries `X-Request-Id`; every failure has the public error body and shows nothing of the inside. Logs
/// name the route, never the query string, which may hold a key.
package struct GatewayResponder: HTTPResponder {
    package typealias Context = ClientContext

    let gateway: Gateway
    let logger: Logger

    package func respond(to request: HTTPMessage, context: ClientContext) async throws -> Response {
        let start = ContinuousClock.now
        var ids = IDGenerator()
        let configuration = gateway.configuration
        let call = ClientCall(
            request.head,
            correlation: ids.next(at: configuration.now()),
            address: configuration.trustedProxies.client(
                behind: context.peer,
                forwarded: request.headers[values: .forwardedFor]
            )
        )
        let match = gateway.routes.match(call.method, path: call.path)
        let answer: Answer
        do {
            answer = try await self.answer(call, match: match, request: request)
        } catch {
            answer = Answer(problem(error, call), requestID: call.requestID)
        }
        log(answer, of: call, match: match, took: ContinuousClock.now - start)
        return response(answer, to: call)
    }

    /// What is told of an error, which is logged here when it is one of ours.
    private func problem(_ error: any Error, _ call: ClientCall) -> Problem {
        switch error {
        case let failure as ClientFailure: return failure.problem
        case let problem as Problem: return problem
        case let refusal as Refusal where refusal.status != .unknown: return Problem(refusal)
        case is IOError, is ChannelError, is CancellationError:
            // The client has gone, or the gateway ends: nobody reads this.
            return .badRequest
        default:
            logger.error("request failed", metadata: ["request_id": "\(call.requestID)", "error": "\(error)"])
            return .inside
        }
    }

    private func answer(_ call: ClientCall, match: RouteTable.Match, request: HTTPMessage) async throws -> Answer {
        let limit = gateway.configuration.maximumHeaderSize
        guard ClientCall.size(of: request.head) <= limit else { throw Problem.headersTooLarge(limit: limit) }
        try gateway.limits.count(call, match: match, at: gateway.configuration.instant())
        switch match {
        case .route(let route, let parameters):
            return try await gateway.answer(call, route: route, parameters: parameters, body: request.body)
        case .otherMethods(let methods):
            guard call.method == .options else { throw Problem.otherMethods(methods) }
            return Answer(code: 204, .null, headers: gateway.configuration.headers.preflight(methods))
        case .unknownPath: throw Problem.unknownPath
        }
    }

    private func response(_ answer: Answer, to call: ClientCall) -> Response {
        var headers = answer.headers
        var policy: String?
        if case .document(let document) = answer.content { policy = document.securityPolicy }
        gateway.configuration.headers.add(
            to: &headers,
            requestID: call.requestID,
            origin: call.headers[.origin],
            policy: policy
        )
        let status = HTTPResponse.Status(code: answer.code)
        guard answer.code != 204 else { return Response(status: status, headers: headers) }
        let body: ResponseBody
        switch answer.content {
        case .json:
            headers[.contentType] = Answer.jsonType
            body = ResponseBody(byteBuffer: ByteBuffer(bytes: answer.jsonBytes))
        case .document(let document):
            headers[.contentType] = document.type
            body = ResponseBody(byteBuffer: document.bytes)
        case .stream(let type, let write):
            headers[.contentType] = type
            body = ResponseBody { try await write(&$0) }
        }
        guard call.method != .head else {
            headers[.contentLength] = body.contentLength.map { String($0) }
            return Response(status: status, headers: headers)
        }
        return Response(status: status, headers: headers, body: body)
    }

    private func log(_ answer: Answer, of call: ClientCall, match: RouteTable.Match, took: Duration) {
        let path = if case .route(let route, _) = match { route.path.description } else { "unknown" }
        // 503 is the answer of a readiness probe that has to wait, and managers say themselves why they are away.
        logger.log(
            level: answer.code >= 500 && answer.code != 503 ? .warning : .debug,
            "request",
            metadata: [
                "method": "\(call.method.rawValue)", "route": "\(path)", "status": "\(answer.code)",
                "request_id": "\(call.requestID)", "correlation_id": "\(call.correlation)",
                "milliseconds": "\(took / .milliseconds(1))",
            ]
        )
    }
}
