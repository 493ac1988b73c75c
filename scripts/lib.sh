# What the scripts share: where PostgreSQL is, who runs servers, where files
# go, building and installing, temporary clusters, nginx. Sourced, never run.

# The make above us, and a developer's psql settings, are not for our children.
unset MAKEFLAGS MAKELEVEL MFLAGS PGHOST PGPORT PGUSER PGDATABASE PGSERVICE PGOPTIONS LC_ALL LANGUAGE
export LANG=C.UTF-8 PSQLRC=/dev/null PSQL_HISTORY=/dev/null
export PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# the server user may not see where we were called
cd /

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Finds PostgreSQL: PG_CONFIG, or Debian's of PG_VERSION, or that on the path.
find_postgresql() {
	if [ -z "${PG_CONFIG:-}" ]; then
		PG_CONFIG=/usr/lib/postgresql/${PG_VERSION:-15}/bin/pg_config
		[ -x "$PG_CONFIG" ] || PG_CONFIG=$(command -v pg_config) || die 'no pg_config: make depend'
	fi
	export PG_CONFIG
	bindir=$("$PG_CONFIG" --bindir)
	pgxs=$(readlink -f "$(dirname "$("$PG_CONFIG" --pgxs)")/../..")
	export PATH=$bindir:$PATH
}

# Servers refuse root: as root they run as postgres, else as the caller.
if [ "$(id -u)" = 0 ]; then
	server_user=postgres
	as_server() { HOME=/nonexistent setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
else
	server_user=$(id -un)
	as_server() { "$@"; }
fi

# Whether the server user can work in directory $1.
reachable() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups -- test -x "$1"
	else
		test -x "$1"
	fi
}

# Prints the run directory, .run in the checkout; a link to one under /var/tmp
# where the server user can't reach the checkout (a clone in /root) or its path
# is too long for a socket.
run_dir() {
	local dir
	if [ ! -e "$top/.run" ]; then
		if reachable "$top" && [ ${#top} -le 70 ]; then
			mkdir "$top/.run"
		else
			dir=$(mktemp -d /var/tmp/trackagoat.XXXXXX)
			chmod 755 "$dir"
			ln -sfn "$dir" "$top/.run"
			say "servers can't use $top: .run is a link to $dir" >&2
		fi
	fi
	dir=$(readlink -f "$top/.run")
	reachable "$dir" || die "$server_user can't reach $dir: remove it and try again"
	say "$dir"
}

# Makes directory $1, private to the server user.
server_dir() {
	mkdir -p -m 700 "$1"
	[ "$(id -u)" != 0 ] || chown "$server_user:" "$1"
}

# Makes an empty directory of the server user under /tmp, short enough a path
# for a socket, and prints it.
private_dir() {
	local dir
	dir=$(mktemp -d "/tmp/trackagoat-$1.XXXXXX")
	server_dir "$dir"
	say "$dir"
}

# Copies the sources, without anything built, to directory $1.
copy_sources() {
	mkdir -p "$1"
	tar -C "$top" -c --exclude=./.run --exclude=./.git --exclude='*.o' --exclude='*.so' --exclude='*.bc' . |
		tar -C "$1" -x --no-same-owner
}

# Builds the sources in directory $1. COPT adds options for compiler and linker.
build() (
	set -e
	cd "$1"
	# the same bytes, wherever built
	COPT="-ffile-prefix-map=$PWD=. ${COPT:-}" make -s -j"$(nproc)" >"$1.log" 2>&1 || {
		cat "$1.log" >&2
		die 'the build failed'
	}
)

# Installs what was built in directory $1, unless the very same is installed;
# and the frozen script of the first version, which upgrades are tested from.
install_built() (
	set -e
	cd "$1"
	lib=$("$PG_CONFIG" --pkglibdir) share=$("$PG_CONFIG" --sharedir)/extension
	same=yes
	cmp -s trackagoat.so "$lib/trackagoat.so" || same=no
	for f in trackagoat.control sql/trackagoat--*.sql test/upgrade/*.sql; do
		cmp -s "$f" "$share/${f##*/}" || same=no
	done
	[ $same = no ] || return 0
	sudo=
	if [ ! -w "$lib" ] || [ ! -w "$share" ]; then
		command -v sudo >/dev/null || die "can't write to $lib: as root, first run: make install"
		sudo=sudo
	fi
	$sudo make -s install PG_CONFIG="$PG_CONFIG" >"$1.log" 2>&1 || {
		cat "$1.log" >&2
		die 'make install failed'
	}
	$sudo install -m 644 test/upgrade/*.sql "$share/"
)

# Prints a free port of 127.0.0.1.
free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# Makes and starts a cluster in directory $1, with its socket there, reachable
# by socket only; the configuration is read from stdin. $2... are for initdb.
cluster_start() {
	local dir=$1
	shift
	server_dir "$dir"
	as_server initdb -D "$dir/data" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions -A trust "$@" >/dev/null
	{
		printf "listen_addresses = ''\nunix_socket_directories = '%s'\n" "$dir"
		cat
	} | as_server tee -a "$dir/data/postgresql.conf" >/dev/null
	as_server pg_ctl -D "$dir/data" -l "$dir/postgres.log" -w -t 60 start </dev/null >/dev/null 2>&1 || {
		as_server tail -n 20 "$dir/postgres.log" >&2
		die "the cluster in $dir did not start"
	}
}

# Stops the cluster in directory $1, if it runs.
cluster_stop() {
	as_server test -e "$1/data/postmaster.pid" || return 0
	as_server pg_ctl -D "$1/data" -m fast -w -t 20 stop >/dev/null 2>&1 ||
		as_server pg_ctl -D "$1/data" -m immediate -w -t 20 stop >/dev/null 2>&1 || true
}

# The sums of test files. add_sum adds the last sum in log $1, of a run that
# ended with status $2: a failure more where the sum does not tell of it.
passed=0 failed=0 skipped=0
add_sum() {
	local sum='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'
	if [[ $(grep -E "$sum" "$1" | tail -n 1) =~ $sum ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		[ "$2" = 0 ] || [ "${BASH_REMATCH[2]}" != 0 ] || failed=$((failed + 1))
	else
		say 'no sum of tests, which is a failure'
		failed=$((failed + 1))
	fi
}
say_sum() { say "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"; }

# Runs a command in a process group of its own, so that a Ctrl-C reaches the
# script first and the command keeps the default signals.
job=
in_group() {
	local status=0
	set -m
	"$@" </dev/null &
	job=$!
	set +m
	wait "$job" || status=$?
	job=
	return $status
}

# The same, with the output shown and kept in file $1.
in_group_logged() {
	local status=0 tee
	exec 3> >(exec tee "$1")
	tee=$!
	in_group "${@:2}" >&3 2>&1 3>&- || status=$?
	exec 3>&-
	wait "$tee"
	return $status
}

# Ends what in_group runs; for exit traps.
end_group() {
	[ -n "$job" ] || return 0
	kill -TERM -- "-$job" 2>/dev/null || true
	wait "$job" || true
}

# Ends every process whose working directory is $1 or below: servers, clients
# and test programs alike. The server user looks, as /proc shows others less.
reap() {
	as_server bash -c '
		mine() {
			for p in /proc/[0-9]*; do
				case $(readlink "$p/cwd" 2>/dev/null) in "$1" | "$1"/*) echo "${p#/proc/}" ;; esac
			done
		}
		cd /
		for signal in TERM QUIT KILL; do
			for ((i = 0; i < 20; i++)); do
				pids=$(mine "$1")
				[ -n "$pids" ] || exit 0
				[ $i != 0 ] || kill -$signal $pids 2>/dev/null
				sleep 0.1
			done
		done' - "$1" </dev/null
}
