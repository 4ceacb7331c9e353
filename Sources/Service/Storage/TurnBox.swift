/// Hands a turn's memory to the writer's thread.
///
/// Safe because only the turn closure of one ``LogWriter`` touches the value, and that runs on the writer's one thread.
package final class TurnBox<Value>: @unchecked Sendable {
    package let value: Value
    package init(_ value: Value) { self.value = value }
}
