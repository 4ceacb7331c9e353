import Contracts
import HTTPTypes
package import Hummingbird
package import HummingbirdCore
import Logging
import NIOCore

/// The edge of the gateway: from an HTTP request to a route, and from whatever comes of it to an HTTP response.
///
/// Every response carries `X-Request-Id`; every failure has the public error body. Logs name the route, never the query
/// string, which may hold a key.
package struct GatewayResponder: HTTPResponder {
    package typealias Context = BasicRequestContext

    let gateway: Gateway
    let logger: Logger

    package func respond(to request: HTTPMessage, context: BasicRequestContext) async throws -> Response {
        let start = ContinuousClock.now
        var ids = IDGenerator()
        let call = ClientCall(request.head, correlation: ids.next(at: gateway.configuration.now()))
        let match = gateway.routes.match(call.method, path: call.path)
        var answer: Answer
        do {
            answer = try await self.answer(call, match: match, request: request)
        } catch let problem as Problem {
            answer = Answer(problem, requestID: call.requestID)
        } catch let refusal as Refusal {
            answer = Answer(Problem(refusal), requestID: call.requestID)
        } catch {
            logger.error("request failed", metadata: ["request_id": "\(call.requestID)", "error": "\(error)"])
            let refusal = Refusal(
                .unknown,
                "INTERNAL",
                "something went wrong inside; the request id finds it in the log"
            )
            answer = Answer(Problem(refusal), requestID: call.requestID)
        }
        log(answer, of: call, match: match, took: ContinuousClock.now - start)
        return response(answer, to: call)
    }

    private func answer(_ call: ClientCall, match: RouteTable.Match, request: HTTPMessage) async throws -> Answer {
        let limit = gateway.configuration.maximumHeaderSize
        guard ClientCall.size(of: request.head) <= limit else { throw Problem.headersTooLarge(limit: limit) }
        switch match {
        case .route(let route, let parameters):
            return try await gateway.answer(call, route: route, parameters: parameters, body: request.body)
        case .otherMethods(let methods):
            guard call.method == .options else { throw Problem.otherMethods(methods) }
            return Answer(code: 204, .null, headers: preflight(methods))
        case .unknownPath: throw Problem.unknownPath
        }
    }

    /// What a page of another site may send. No credentials are allowed: such a page has to hold its own key.
    private func preflight(_ methods: [HTTPRequest.Method]) -> HTTPFields {
        let list = methods.map(\.rawValue).joined(separator: ", ")
        return [
            .allow: list, .accessControlAllowMethods: list,
            .accessControlAllowHeaders: "Authorization, Content-Type, Idempotency-Key, X-Request-Id",
            .accessControlMaxAge: "600",
        ]
    }

    private func response(_ answer: Answer, to call: ClientCall) -> Response {
        var headers = answer.headers
        headers[.xRequestID] = call.requestID
        headers[.contentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        headers[.accessControlAllowOrigin] = "*"
        headers[.accessControlExposeHeaders] = "X-Request-Id, Retry-After"
        let status = HTTPResponse.Status(code: answer.code)
        guard answer.code != 204 else { return Response(status: status, headers: headers) }
        headers[.contentType] = "application/json; charset=utf-8"
        let bytes = answer.body.bytes
        guard call.method != .head else {
            headers[.contentLength] = String(bytes.count)
            return Response(status: status, headers: headers)
        }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
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
