/// The system calls that a sandbox refuses, as a classic BPF program that the kernel runs before each call.
///
/// A second wall: namespaces and missing capabilities already stop most of these. What is refused has no use in a build and
/// a history of kernel bugs, or would act outside the namespaces: mounts, further namespaces, keyrings, BPF, performance
/// events, `userfaultfd`, io_uring, modules, clocks, kexec, typing into terminals (TIOCSTI, TIOCLINUX), and socket families
/// that network namespaces do not contain (AF_VSOCK) or nobody needs. `ptrace` stays: debuggers and leak checkers use it.
struct SeccompFilter: Sendable {
    /// The numbers of one processor architecture.
    struct Architecture: Sendable {
        /// The kernel's number of the architecture.
        var audit: UInt32
        /// Answered with EPERM.
        var refused: [UInt32]
        /// The calls whose arguments matter.
        var clone: UInt32
        var ioctl: UInt32
        var socket: UInt32
        /// Whether numbers above 0x40000000 are another set of calls (x32).
        var hasSecondSet: Bool

        /// x86-64: `arch/x86/entry/syscalls/syscall_64.tbl`.
        static let x86 = Architecture(
            audit: 0xC000_003E,
            refused: [
                103,
                134, 139, 153, 155, 156, 163, 164, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 180, 212, 227, 246,
                248, 249, 250, 272, 298, 304, 305, 308, 313, 320, 321, 323,
            ] + common,
            clone: 56,
            ioctl: 16,
            socket: 41,
            hasSecondSet: true
        )

        /// 64-bit ARM: `include/uapi/asm-generic/unistd.h`.
        static let arm = Architecture(
            audit: 0xC000_00B7,
            refused: [
                18, 39, 40, 41, 58, 60, 89, 97, 104, 105, 106, 112, 116, 142, 170, 217, 218, 219, 224, 225, 241, 265,
                266,
                268, 273, 280, 282, 294,
            ] + common,
            clone: 220,
            ioctl: 29,
            socket: 198,
            hasSecondSet: false
        )

        /// open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr, quotactl_fd, open_tree_attr.
        private static let common: [UInt32] = [428, 429, 430, 431, 432, 433, 442, 443, 467]

        /// The architecture that this program was compiled for.
        static var current: Architecture? {
            #if arch(x86_64)
            .x86
            #elseif arch(arm64)
            .arm
            #else
            nil
            #endif
        }
    }

    private enum Answer {
        static let allow: UInt32 = 0x7FFF_0000
        static let noPermission: UInt32 = 0x0005_0000 | 1
        static let noCall: UInt32 = 0x0005_0000 | 38
        static let noFamily: UInt32 = 0x0005_0000 | 97
    }

    private enum Operation {
        static let loadWord: UInt16 = 0x20
        static let jumpIfEqual: UInt16 = 0x15
        static let jumpIfAtLeast: UInt16 = 0x35
        static let jumpIfAnySet: UInt16 = 0x45
        static let answer: UInt16 = 0x06
    }

    /// Offsets in `struct seccomp_data`; both architectures are little-endian.
    private enum Field {
        static let number: UInt32 = 0
        static let architecture: UInt32 = 4
        static let firstArgument: UInt32 = 16
        static let secondArgument: UInt32 = 24
    }

    private static let newUserNamespace: UInt32 = 0x1000_0000
    /// clone3 hides its flags behind a pointer and io_uring its calls: C libraries and programs go on without.
    private static let withdrawn: [UInt32] = [425, 426, 427, 435]
    /// TIOCSTI and TIOCLINUX.
    private static let refusedControls: [UInt32] = [0x5412, 0x541C]
    /// AF_UNIX, AF_INET, AF_INET6, AF_NETLINK.
    private static let families: [UInt32] = [1, 2, 10, 16]

    /// The program as the kernel takes it: eight bytes an instruction.
    private(set) var bytes: [UInt8] = []

    /// Builds the filter for an architecture.
    init(_ architecture: Architecture) {
        load(Field.architecture)
        unlessEqual(architecture.audit, answer: Answer.noCall)
        load(Field.number)
        if architecture.hasSecondSet { when(Operation.jumpIfAtLeast, 0x4000_0000, answer: Answer.noCall) }
        for number in architecture.refused { when(Operation.jumpIfEqual, number, answer: Answer.noPermission) }
        for number in Self.withdrawn { when(Operation.jumpIfEqual, number, answer: Answer.noCall) }
        examine(architecture.clone, Field.firstArgument) { filter in
            filter.when(Operation.jumpIfAnySet, Self.newUserNamespace, answer: Answer.noPermission)
        }
        examine(architecture.ioctl, Field.secondArgument) { filter in
            for control in Self.refusedControls {
                filter.when(Operation.jumpIfEqual, control, answer: Answer.noPermission)
            }
        }
        examine(architecture.socket, Field.firstArgument) { filter in
            for family in Self.families { filter.when(Operation.jumpIfEqual, family, answer: Answer.allow) }
            filter.add(Operation.answer, Answer.noFamily)
        }
        add(Operation.answer, Answer.allow)
    }

    /// Looks at an argument of one call, and allows the call if `body` does not answer.
    private mutating func examine(_ number: UInt32, _ field: UInt32, _ body: (inout SeccompFilter) -> Void) {
        var inner = SeccompFilter()
        inner.load(field)
        body(&inner)
        inner.add(Operation.answer, Answer.allow)
        add(Operation.jumpIfEqual, number, otherwise: UInt8(inner.bytes.count / 8))
        bytes += inner.bytes
    }

    private init() {}

    private mutating func load(_ field: UInt32) {
        add(Operation.loadWord, field)
    }

    private mutating func when(_ operation: UInt16, _ value: UInt32, answer: UInt32) {
        add(operation, value, otherwise: 1)
        add(Operation.answer, answer)
    }

    private mutating func unlessEqual(_ value: UInt32, answer: UInt32) {
        add(Operation.jumpIfEqual, value, then: 1)
        add(Operation.answer, answer)
    }

    private mutating func add(_ operation: UInt16, _ value: UInt32, then: UInt8 = 0, otherwise: UInt8 = 0) {
        bytes += [UInt8(truncatingIfNeeded: operation), UInt8(truncatingIfNeeded: operation >> 8), then, otherwise]
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}
