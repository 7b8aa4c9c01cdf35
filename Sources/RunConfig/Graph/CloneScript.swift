/// The POSIX shell script that a `clone` step runs, in the task's working directory.
///
/// It fetches over ssh with the key in `MARTLET_SSHPRIVKEY`, or over HTTP with the run's own short-lived token in `MARTLET_GIT_TOKEN`. The
/// token reaches git through a credential helper that reads the environment: it stands in no argument, URL or trace.
enum CloneScript {
    /// The step's name.
    static let name = "Clone repository and checkout code"

    /// The script.
    static func command(_ options: CloneOptions) -> String {
        var arguments = ""
        if let depth = options.depth { arguments += " --depth \(depth)" }
        if options.recurseSubmodules { arguments += " --recurse-submodules" }
        let depth = options.depth.map { " --depth \($0)" } ?? ""
        return """
            mkdir -p "$HOME"
            \(ssh)
            \(credentials)
            set -x
            git clone\(arguments) "$MARTLET_REPOSITORY_URL" .
            git fetch\(depth) origin "$MARTLET_GIT_REF"
            if [ -n "$MARTLET_GIT_COMMITSHA" ]; then git checkout "$MARTLET_GIT_COMMITSHA"; else git checkout FETCH_HEAD; fi
            """
    }

    // The here-document keeps the key out of the trace and of every argument list.
    private static let ssh = """
        if [ -n "$MARTLET_SSHPRIVKEY" ]; then
          mkdir -p -m 0700 "$HOME/.ssh"
          (umask 077 && cat > "$HOME/.ssh/id_martlet") <<EOF
        $MARTLET_SSHPRIVKEY
        EOF
          if [ -n "$MARTLET_SSHHOSTKEY" ]; then
            (umask 077 && cat >> "$HOME/.ssh/known_hosts") <<EOF
        $MARTLET_SSHHOSTKEY
        EOF
          fi
          STRICT_HOST_KEY_CHECKING=yes
          if [ -n "$MARTLET_SKIPSSHHOSTKEYCHECK" ]; then STRICT_HOST_KEY_CHECKING=no; fi
          cat > "$HOME/.ssh/config" <<EOF
        Host $MARTLET_GIT_HOST
          Port $MARTLET_GIT_PORT
          IdentityFile $HOME/.ssh/id_martlet
          StrictHostKeyChecking $STRICT_HOST_KEY_CHECKING
          PasswordAuthentication no
        EOF
        fi
        """

    private static let credentials = """
        if [ -n "$MARTLET_GIT_TOKEN" ]; then
          export GIT_CONFIG_COUNT=1
          export GIT_CONFIG_KEY_0=credential.helper
          export GIT_CONFIG_VALUE_0='!f() { test "$1" = get && printf "username=run\\npassword=%s\\n" "$MARTLET_GIT_TOKEN"; }; f'
        fi
        export GIT_TERMINAL_PROMPT=0
        """
}
