import Testing

/// Whole campaigns through the real executables over a real broker, one test after the other.
@Suite("System", .serialized, .sharedSystem)
enum SystemTests {}
