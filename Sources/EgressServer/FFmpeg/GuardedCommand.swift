#if Server
/// A command that does not outlive this process, even when this process is killed with SIGKILL.
///
/// The process that is spawned is `/bin/sh`, which leaves a guard behind and then *becomes* the command: the command's process identifier,
/// the signals to it and its exit status are those of the process that was spawned, so nothing has to be forwarded. The guard waits at a
/// pipe whose other end only we hold, and which the kernel closes when we are gone. Then, if the command still runs, the guard ends it: SIGTERM,
/// and 2 s later SIGKILL.
///
/// The guard is the command's child. As long as it is, the command lives. When the command has ended the guard has another parent. It then leaves
/// the process identifier alone, which may belong to another process by now. The guard ignores SIGTERM, which its process group gets together with
/// the command: this process may still die before a command that ignores SIGTERM has ended.
///
/// The pipe also closes when a command has closed its outputs and is about to exit. The command gets half a second for that.
///
/// Why not `PR_SET_PDEATHSIG`: it fires when the *thread* that spawned ends, and pool threads come and go. Why not `connect=1` on the legs: FFmpeg
/// would also end when the engine restarts.
struct GuardedCommand: Sendable, Hashable {
    static let shell = "/bin/sh"

    var executable: String
    var arguments: [String]

    /// The arguments for `/bin/sh`. The command gets `/dev/null` as its input, not the pipe.
    var shellArguments: [String] { ["-c", Self.script, "egress-guard", executable] + arguments }

    /// `$$` is the shell that becomes the command, in the subshell too; the fourth field of `stat` is the parent.
    private static let script = """
        exec 3<&0 </dev/null
        (
        trap '' TERM
        lives() { read -r _ _ _ parent _ </proc/self/stat && [ "$parent" = $$ ]; }
        read -r _ <&3
        if lives; then sleep 0.5; fi
        if lives; then kill -TERM $$; sleep 2; fi
        if lives; then kill -KILL $$; fi
        ) >/dev/null 2>&1 &
        exec "$@" 3<&-
        """
}
#endif
