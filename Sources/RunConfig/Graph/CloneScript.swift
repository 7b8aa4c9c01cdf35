import Model

/// The command behind a `clone` step.
///
/// It reads everything from the environment, so that neither keys nor tokens stand in an argument, a URL or a trace. Keys go to
/// files of the home directory, as later steps may want to push; the token stays in the environment, from where a credential
/// helper reads it, for the origin of the repository alone.
enum CloneScript {
    /// The name of the step that it becomes.
    static let name = "Clone repository and checkout code"

    /// The step that executes it, with a shell of its own: the task's may be anything.
    static func step(_ options: CloneOptions) -> RunStep {
        RunStep(name: options.name ?? name, command: command(options), shell: "/bin/sh -e", tty: false)
    }

    /// The script for POSIX shells; needs git, and an ssh client where the repository's URL says so.
    static func command(_ options: CloneOptions) -> String {
        let depth = options.depth.map(String.init) ?? ""
        return """
            set -e
            set +x
            depth='\(depth)'
            submodules='\(options.recurseSubmodules ? "yes" : "")'

            """ + body
    }

    private static let body = #"""
        url=$MARTLET_REPOSITORY_URL
        export GIT_TERMINAL_PROMPT=0

        say() { printf '+ %s\n' "$*"; }

        # Some images name a home that does not exist, or none that can be written.
        if [ -z "${HOME:-}" ] || ! mkdir -p "$HOME" 2>/dev/null || [ ! -w "$HOME" ]; then
            HOME=$(mktemp -d)
        fi
        export HOME

        setup_ssh() {
            dir=$HOME/.ssh
            mkdir -p "$dir"
            chmod 700 "$dir"
            (umask 077; : > "$dir/martlet_key"; : >> "$dir/martlet_known_hosts")
            if [ -n "${MARTLET_SSHPRIVKEY:-}" ]; then
                printf '%s\n' "$MARTLET_SSHPRIVKEY" > "$dir/martlet_key"
            fi
            if [ -n "${MARTLET_SSHHOSTKEY:-}" ]; then
                printf '%s\n' "$MARTLET_SSHHOSTKEY" > "$dir/martlet_known_hosts"
            fi
            strict=yes
            if [ -n "${MARTLET_SKIPSSHHOSTKEYCHECK:-}" ]; then strict=no; fi
            cat > "$dir/martlet_config" <<END
        Host $MARTLET_GIT_HOST
            HostName $MARTLET_GIT_HOST
            Port ${MARTLET_GIT_PORT:-22}
            IdentityFile "$dir/martlet_key"
            IdentitiesOnly yes
            UserKnownHostsFile "$dir/martlet_known_hosts"
            StrictHostKeyChecking $strict
            PasswordAuthentication no
            BatchMode yes
            IgnoreUnknown PubkeyAcceptedAlgorithms,PubkeyAcceptedKeyTypes
            PubkeyAcceptedAlgorithms +ssh-rsa
            PubkeyAcceptedKeyTypes +ssh-rsa
        END
            # The first value wins in ssh's configuration, so ours is included before what the image brings.
            if ! grep -qs martlet_config "$dir/config"; then
                { printf 'Include "%s"\nHost *\n' "$dir/martlet_config"; cat "$dir/config" 2>/dev/null || :; } > "$dir/config.new"
                mv "$dir/config.new" "$dir/config"
            fi
            chmod 600 "$dir/config" "$dir/martlet_config"
            # ssh takes the home of the password file, which may be another one.
            export GIT_SSH_COMMAND="ssh -F \"$dir/config\""
        }

        # An http server gets the token only where it is the repository's own.
        scope=
        helper='!f() { test "$1" = get && printf "username=run\npassword=%s\n" "$MARTLET_GIT_TOKEN"; }; f'
        case $url in
        http://* | https://*)
            rest=${url#*://}
            host=${rest%%/*}
            scope=${url%%://*}://${host##*@}
            ;;
        file://* | /*) ;;
        *) setup_ssh ;;
        esac

        run_git() {
            if [ -n "$scope" ] && [ -n "${MARTLET_GIT_TOKEN:-}" ]; then
                git -c credential.helper= -c "credential.$scope.helper=$helper" "$@"
            else
                git "$@"
            fi
        }

        say git clone ${depth:+--depth "$depth"} "$url" .
        run_git clone --no-checkout ${depth:+--depth "$depth"} -- "$url" .
        if [ -n "$scope" ] && [ -n "${MARTLET_GIT_TOKEN:-}" ]; then
            # Later steps may fetch as well; only the name of the variable is stored.
            git config "credential.$scope.helper" "$helper"
        fi

        say git fetch origin "$MARTLET_GIT_REF"
        run_git fetch ${depth:+--depth "$depth"} -- origin "$MARTLET_GIT_REF"
        commit=${MARTLET_GIT_COMMITSHA:-FETCH_HEAD}
        if ! git cat-file -e "$commit^{commit}" 2>/dev/null; then
            # The reference has moved on beyond the depth: ask for the commit itself, then for the whole history.
            say git fetch origin "$commit"
            run_git fetch ${depth:+--depth "$depth"} -- origin "$commit" 2>/dev/null ||
                run_git fetch --unshallow -- origin "$MARTLET_GIT_REF"
        fi

        say git checkout "$commit"
        git -c advice.detachedHead=false checkout --force --detach "$commit" --
        if [ -n "$submodules" ]; then
            say git submodule update --init --recursive ${depth:+--depth "$depth"}
            run_git submodule update --init --recursive ${depth:+--depth "$depth"}
        fi

        """#
}
