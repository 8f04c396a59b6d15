extension Encoding {
    /// In bit/s: what a viewer's bound is compared with. What the encoding is meant to have, else what was measured; 0: not known.
    func boundedBitRate(measured: Int?) -> Int { bitRate > 0 ? bitRate : measured ?? 0 }
}

extension Sequence {
    /// Those of a ladder's encodings that a viewer may get: the ones within its bound, and the lowest, which is within any.
    /// - Parameter bitRateMax: in bit/s; `nil`: no bound.
    func within(_ bitRateMax: Int?, bitRate: (Element) -> Int) -> [Element] {
        guard let bitRateMax else { return Array(self) }
        let lowest = enumerated().min { bitRate($0.element) < bitRate($1.element) }?.offset
        return enumerated().filter { bitRate($0.element) <= bitRateMax || $0.offset == lowest }.map(\.element)
    }
}
