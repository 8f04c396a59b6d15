/// The one way in for numbers that somebody else wrote: FFmpeg, a file, a client, an operator. `Int(_:)` of a floating-point number and
/// `Duration.seconds(_:)` end the process on a value that they can't hold, and a file is able to name any. `make tidy` finds those elsewhere.
extension FixedWidthInteger {
    /// The nearest value that there is; 0 for what is no number.
    package init(saturating value: Double) {
        if let exact = Self(exactly: value.rounded()) {
            self = exact
        } else {
            self = value.isNaN ? 0 : value < 0 ? .min : .max
        }
    }
}

extension Double {
    /// nil for an infinite number, and for what is none.
    package init?(finite value: Double) {
        guard value.isFinite else { return nil }
        self = value
    }

    /// From text; nil for "inf", "nan", and numbers too large to be held.
    package init?(finite text: some StringProtocol) {
        guard let value = Double(text), value.isFinite else { return nil }
        self = value
    }
}

extension Duration {
    /// A hundred years. Sums of some thousands of them are held exactly, and any of them is some number of microseconds in 64 bits.
    package static let outsideMax = Duration.seconds(3_153_600_000)

    /// nil for what is no number, and for what is longer than ``outsideMax``, forwards or backwards.
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
