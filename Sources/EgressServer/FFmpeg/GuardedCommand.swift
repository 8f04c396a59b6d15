#if Server
/// A command that does not outlive us, even when we are killed with SIGKILL.
///
/// The process that is spawned is `/bin/sh`, which leaves a guard behind and then *becomes* the command: the command's process identifier,
/// the signals to it and its exit status are those of the process that was spawned, so nothing has to be forwarded. The guard waits at a
/// pipe whose other end only we hold, and which the kernel closes when we are gone. Then, if the command still runs, it ends it: SIGTERM,
/// and 2 s later SIGKILL.
///
/// The guard is the command's child. As long as that is so the command lives; when it has ended the guard has another parent, and the
/// process identifier, which may be somebody else's by now, is left alone. It is deaf to SIGTERM, which its process group gets with the
/// command: we may yet die before a command that does not listen has ended.
///
/// The pipe also closes when a command has closed its outputs and is about to exit: it gets half a second for that.
///
/// Not `PR_SET_PDEATHSIG`: it fires when the *thread* that spawned ends, and pool threads come and go. Not `connect=1` on the legs: FFmpeg
/// would also end when the engine restarts.
struct GuardedCommand: Sendable, Hashable {
    static let shell = "/bin/sh"

    var executable: String
    var arguments: [String]

    /// For `/bin/sh`. The command sees `/dev/null` as its input and not the pipe.
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
