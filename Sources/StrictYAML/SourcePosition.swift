/// Where a piece of a document stands: its file, and line and column counted from 1.
///
/// A value that came from elsewhere (an environment variable, a command line) has the line 0 and names its origin as file.
package struct SourcePosition: Sendable, Hashable, CustomStringConvertible {
    /// The file's name as people know it, or what else the value came from.
    package var file: String
    /// The line, counted from 1; 0 when the origin has no lines.
    package var line: Int
    /// The column in Unicode scalars, counted from 1; 0 when the origin has no lines.
    package var column: Int

    /// Names a position.
    package init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `file:line:column`, or the origin alone.
    package var description: String {
        line == 0 ? file : "\(file):\(line):\(column)"
    }
}
