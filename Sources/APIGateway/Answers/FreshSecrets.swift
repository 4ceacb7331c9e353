import Contracts

/// Shows a new access key's secret text in the one answer that may hold it.
enum FreshSecrets {
    /// With a `repeatKey` the answer may be that of an earlier request: its token is the one of the key that it names.
    static func added(
        to answer: JSONValue,
        shape: Route.Shape,
        fresh: RequestParams.Fresh?,
        repeatKey: RepeatKey?
    ) -> JSONValue {
        guard let fresh, case .object(var object) = answer else { return answer }
        switch shape {
        case .accessKeyCreation: return .object(withToken(object, fresh.id, fresh, repeatKey))
        case .customerCreation:
            let key = answer["accesskey"].object ?? ["id": .id(fresh.accessKeyID)]
            object["accesskey"] = .object(withToken(key, fresh.accessKeyID, fresh, repeatKey))
        default: break
        }
        return .object(object)
    }

    private static func withToken(
        _ key: JSONObject,
        _ freshID: ID,
        _ fresh: RequestParams.Fresh,
        _ repeatKey: RepeatKey?
    ) -> JSONObject {
        var key = key
        let token = repeatKey?.token(of: key["id"].id ?? freshID) ?? fresh.token
        // After the gateways' secret was renewed, the token of an earlier answer cannot be made again.
        if let prefix = key["token_prefix"].string, !token.text.hasPrefix(prefix) { return key }
        key["token"] = .string(token.text)
        return key
    }
}
