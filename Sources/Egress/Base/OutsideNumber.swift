/// The one way in for numbers that somebody else wrote: FFmpeg, a file, a client, an operator. `Int(_:)` of a floating-point number and
/// `Duration.seconds(_:)` end the process on a value that they can't hold, and a file can hold any value. `make tidy` finds such calls elsewhere.
extension FixedWidthInteger {
    /// The nearest value of this type; 0 when `value` is not a number.
    package init(saturating value: Double) {
        if let exact = Self(exactly: value.rounded()) {
            self = exact
        } else {
            self = value.isNaN ? 0 : value < 0 ? .min : .max
        }
    }
}

extension Double {
    /// nil when the value is infinite or not a number.
    package init?(finite value: Double) {
        guard value.isFinite else { return nil }
        self = value
    }

    /// Reads text; nil for "inf", "nan", and numbers that are too large.
    package init?(finite text: some StringProtocol) {
        guard let value = Double(text), value.isFinite else { return nil }
        self = value
    }
}

extension Duration {
    /// A hundred years. A sum of some thousands of such durations is still exact, and each fits into 64 bits as microseconds.
    package static let outsideMax = Duration.seconds(3_153_600_000)

    /// nil when `seconds` is not a number, or further from 0 than ``outsideMax`` in either direction.
    package init?(outsideSeconds seconds: Double) {
        guard seconds.magnitude <= Self.outsideMax / .seconds(1) else { return nil }
        self = .seconds(seconds)
    }

    /// nil for what is longer than ``outsideMax``, forwards or backwards.
    package init?(outsideMicroseconds microseconds: Int64) {
        guard microseconds.magnitude <= Self.outsideMax.components.seconds.magnitude * 1_000_000 else { return nil }
        self = .microseconds(microseconds)
    }

    /// nil for what is longer than ``outsideMax``, forwards or backwards.
    package init?(outsideSeconds seconds: some BinaryInteger) {
        guard let seconds = Int64(exactly: seconds), seconds.magnitude <= Self.outsideMax.components.seconds else { return nil }
        self = .seconds(seconds)
    }
}
