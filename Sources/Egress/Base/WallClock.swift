#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The time of day. FFmpeg's outputs need it to say when the process began, players to know until when an offer is valid.
public enum WallClock {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static let calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()

    /// Since 1970.
    public static func microseconds() -> Int64 {
        Int64(saturating: Date.now.timeIntervalSince1970 * 1_000_000)
    }

    /// As RFC 3339 writes it, to the millisecond.
    static func timestamp(_ microseconds: Int64) -> String {
        // The style cuts off what is below a millisecond, and a fraction may be slightly too small: half a millisecond more makes it round.
        let milliseconds = Double(microseconds / 1_000) + 0.5
        return Date(timeIntervalSince1970: milliseconds / 1_000).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// As HTTP writes it (RFC 9110 §5.6.7).
    package static func httpDate(_ microseconds: Int64) -> String {
        let moment = Date(timeIntervalSince1970: Double(microseconds / 1_000_000))
        let parts = calendar.dateComponents([.year, .month, .day, .weekday, .hour, .minute, .second], from: moment)
        guard let year = parts.year, let month = parts.month, let day = parts.day, let weekday = parts.weekday,
            let hour = parts.hour, let minute = parts.minute, let second = parts.second
        else { return "" }
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(days[weekday - 1]), \(two(day)) \(months[month - 1]) \(year) \(two(hour)):\(two(minute)):\(two(second)) GMT"
    }
}
