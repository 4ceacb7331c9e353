package import Contracts
import Service

/// What one turn of outdial-manager's writer takes in.
package enum OutdialInput: Sendable {
    /// A request that changes something; `answer` is called once all of it is committed.
    case request(Request, answer: @Sendable (Reply) -> Void)
    /// What campaign-manager tells; acknowledged once it is committed.
    case message([Item], acknowledge: @Sendable () -> Void)
}
