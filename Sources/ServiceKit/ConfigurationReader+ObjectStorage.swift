import Base
import ObjectStorage
import StrictYAML

extension ConfigurationReader {
    private enum ObjectStorageKind: String, CaseIterable {
        case posix, s3
    }

    /// Reads where objects are kept; without a word on it, in a directory.
    func readObjectStorage(_ top: MappingReader?, default path: String) -> ObjectStorageConfiguration {
        guard let top else { return ObjectStorageConfiguration(path: path) }
        defer { top.finish() }
        var storage: ObjectStorageConfiguration
        switch top.optional("type")?.enumeration(ObjectStorageKind.self) ?? .posix {
        case .posix: storage = ObjectStorageConfiguration(path: self.path(top.required("path")) ?? path)
        case .s3: storage = ObjectStorageConfiguration(place: .s3(readS3(top)))
        }
        storage.basePath = checked(top.optional("basePath"), "a path such as \"ci/runs\"", ObjectName.isValid)
        return storage
    }

    private func readS3(_ top: MappingReader) -> S3Configuration {
        let endpoint = top.required("endpoint")
        let bucket = "3 to 63 lower case letters, digits, dots and hyphens"
        var s3 = S3Configuration(
            endpoint: checked(
                endpoint,
                "the URL of a server, such as \"https://s3.example.org\"",
                S3Configuration.isEndpoint
            )
                ?? "",
            bucket: checked(top.required("bucket"), bucket, S3Configuration.isBucketName) ?? "",
            accessKey: text(top.required("accessKey")) ?? "",
            secretAccessKey: secret(top.required("secretAccessKey")) ?? SecretValue("")
        )
        let location = checked(top.optional("location"), "a region such as \"us-east-1\"", S3Configuration.isLocation)
        s3.location = location ?? s3.location
        s3.certificateAuthorityFile = path(top.optional("caFile"))
        s3.usesPathStyle = top.optional("pathStyle")?.bool() ?? s3.usesPathStyle
        return s3
    }

    private func checked(_ node: NodeReader?, _ expected: String, _ isValid: (String) -> Bool) -> String? {
        guard let node, let text = node.nonEmptyString() else { return nil }
        return isValid(text) ? text : node.expected(expected)
    }
}
