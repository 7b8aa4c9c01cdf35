/// The shell script that holds the S3 server of ``TestS3Server`` and ends it.
enum TestS3Script {
    /// Reads commands from its standard input, whose end is the server's; takes a directory and four ports.
    static let text = #"""
        set -eu
        directory=$1 proxy=$2 account=$3 container=$4 object=$5
        mkdir -m 700 "$directory"
        mkdir -p "$directory/etc" "$directory/node" "$directory/cache"
        exec >>"$directory/log" 2>&1
        # In memory, because the servers' databases sync for every request; where its files can have attributes, which Swift needs.
        mount -t tmpfs martlet "$directory/node"
        python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.martlet", b"1")' "$directory/node" || umount "$directory/node"
        mkdir "$directory/node/d1"
        cd "$directory/etc"
        printf '[swift-hash]\nswift_hash_path_suffix = test\n[storage-policy:0]\nname = one\ndefault = yes\n' >swift.conf
        common() {
            printf '[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = %s\nuser = root\nswift_dir = %s\nworkers = 0\nlog_address = /nonexistent\n' \
                "$1" "$directory/etc"
        }
        for part in account:$account container:$container object:$object; do
            name=${part%%:*} port=${part##*:}
            swift-ring-builder $name.builder create 4 1 1
            swift-ring-builder $name.builder add "r1z1-127.0.0.1:$port/d1" 1
            swift-ring-builder $name.builder rebalance
            {
                common "$port"
                printf 'devices = %s\nmount_check = false\ndisable_fallocate = true\nfallocate_reserve = 0\n' "$directory/node"
                printf 'recon_cache_path = %s\n[pipeline:main]\npipeline = %s-server\n[app:%s-server]\nuse = egg:swift#%s\n' \
                    "$directory/cache" $name $name $name
            } >$name.conf
        done
        front() {
            {
                common "$2"
                printf '[pipeline:main]\npipeline = catch_errors cache s3api tempauth slo proxy-server\n'
                printf '[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nnode_timeout = 60\nconn_timeout = 10\n'
                printf 'recoverable_node_timeout = 60\nerror_suppression_limit = 1000000\n'
                printf '[filter:catch_errors]\nuse = egg:swift#catch_errors\n'
                # There is no memcached; every look-up is answered by the servers themselves.
                printf '[filter:cache]\nuse = egg:swift#memcache\nmemcache_servers = 127.0.0.1:1\n'
                printf 'error_suppression_limit = 1\nerror_suppression_interval = 86400\n'
                printf '[filter:s3api]\nuse = egg:swift#s3api\nstorage_domain = localhost\nmin_segment_size = 1\n'
                printf 'max_upload_part_num = 10000\n'
                printf '[filter:tempauth]\nuse = egg:swift#tempauth\nuser_test_tester = testing .admin\n'
                printf '[filter:slo]\nuse = egg:swift#slo\n'
            } >"$1.conf"
            swift-proxy-server "$directory/etc/$1.conf" </dev/null &
            eval "process_$1=$!"
        }
        mount --bind "$directory/etc" /etc/swift
        for name in account container object; do swift-$name-server "$directory/etc/$name.conf" </dev/null & done
        front shared "$proxy"
        while read -r action name rest; do
            case $action in
                start) front "$name" "$rest" ;;
                signal) eval "kill -$rest \$process_$name" || true ;;
            esac
        done
        # This is the first process of its namespace, so -1 is all that was started here.
        kill -KILL -1 || true
        cd /
        # What was killed may still be dying, and hold what it had open.
        umount -l /etc/swift "$directory/node" || true
        rm -rf "$directory"
        """#
}
