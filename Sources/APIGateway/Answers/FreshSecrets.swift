import Contracts

/// Shows a new access key's secret text in the one answer that may hold it.
enum FreshSecrets {
    static func added(to answer: JSONValue, shape: Route.Shape, fresh: RequestParams.Fresh) -> JSONValue {
        guard case .object(var object) = answer else { return answer }
        switch shape {
        case .accessKeyCreation:
            object["token"] = .string(fresh.token.text)
        case .customerCreation:
            var key = answer["accesskey"].object ?? ["id": .id(fresh.accessKeyID)]
            key["token"] = .string(fresh.token.text)
            object["accesskey"] = .object(key)
        default: break
        }
        return .object(object)
    }
}
