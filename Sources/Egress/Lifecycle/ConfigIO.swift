/// An output of a process: options for FFmpeg, and the address that the output goes to.
public struct ConfigIO: Sendable, Hashable {
    public var id: String
    public var address: String
    public var options: [String]
    public var cleanup: [ConfigIOCleanup]

    public init(id: String = "", address: String = "", options: [String] = [], cleanup: [ConfigIOCleanup] = []) {
        self.id = id
        self.address = address
        self.options = options
        self.cleanup = cleanup
    }
}

/// The files that a host deletes after an output. Egress makes no files; the field exists so that a host's configuration survives a round trip.
public struct ConfigIOCleanup: Sendable, Hashable {
    public var pattern: String
    public var filesMax: Int
    /// In seconds.
    public var fileAgeMax: Int
    public var purgesOnDelete: Bool

    public init(pattern: String = "", filesMax: Int = 0, fileAgeMax: Int = 0, purgesOnDelete: Bool = false) {
        self.pattern = pattern
        self.filesMax = filesMax
        self.fileAgeMax = fileAgeMax
        self.purgesOnDelete = purgesOnDelete
    }
}

// Absent and null both mean empty: hosts written in Go encode an empty list as null.
extension ConfigIO: Codable {
    private enum CodingKeys: String, CodingKey { case id, address, options, cleanup }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decodeIfPresent(String.self, forKey: .id) ?? ""
        address = try values.decodeIfPresent(String.self, forKey: .address) ?? ""
        options = try values.decodeIfPresent([String].self, forKey: .options) ?? []
        cleanup = try values.decodeIfPresent([ConfigIOCleanup].self, forKey: .cleanup) ?? []
    }
}

extension ConfigIOCleanup: Codable {
    private enum CodingKeys: String, CodingKey {
        case pattern
        case filesMax = "max_files"
        case fileAgeMax = "max_file_age_seconds"
        case purgesOnDelete = "purge_on_delete"
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        pattern = try values.decodeIfPresent(String.self, forKey: .pattern) ?? ""
        filesMax = try values.decodeIfPresent(Int.self, forKey: .filesMax) ?? 0
        fileAgeMax = try values.decodeIfPresent(Int.self, forKey: .fileAgeMax) ?? 0
        purgesOnDelete = try values.decodeIfPresent(Bool.self, forKey: .purgesOnDelete) ?? false
    }
}
