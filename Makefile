# trackagoat: a PostgreSQL extension (PGXS).
#
#   make demo    see it work       make test    run every test
#   make bench   measure it        make && sudo make install    use it

EXTENSION = trackagoat
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" trackagoat.control)

MODULE_big = trackagoat
OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c src/worker/*.c))
DATA_built = sql/trackagoat--$(EXTVERSION).sql
DATA = $(wildcard sql/trackagoat--*--*.sql)

PG_CPPFLAGS = -Isrc -DTRACKAGOAT_VERSION='"$(EXTVERSION)"' $(shell curl-config --cflags 2>/dev/null)
SHLIB_LINK = $(shell curl-config --libs 2>/dev/null || echo -lcurl)

# Where several PostgreSQL versions are installed, name one: make PG_CONFIG=...
PG_CONFIG ?= $(firstword $(wildcard /usr/lib/postgresql/15/bin/pg_config) pg_config)

# pg_regress inputs: sql/*.sql but neither the install nor the upgrade scripts
REGRESS = $(foreach t,$(patsubst sql/%.sql,%,$(wildcard sql/*.sql)),$(if $(findstring --,$t),,$t))
REGRESS_OPTS = --load-extension=trackagoat
ISOLATION = $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec))
ISOLATION_OPTS = --inputdir=test --load-extension=trackagoat

EXTRA_CLEAN = $(DATA_built) src/*.bc src/worker/*.bc

# Everything that make demo, make test, make bench and .ci/run need, as
# Debian packages; NN stands for the PostgreSQL version.
PG_VERSION ?= 15
DEB_BUILD = gcc libc6-dev libcurl4-openssl-dev libkrb5-dev postgresql-NN postgresql-server-dev-NN
DEB_DEMO = $(DEB_BUILD) curl nginx-light perl postgresql-NN-cron
# What the benchmarks measure against, and a client of the API, come by npm; a
# Node.js from elsewhere brings its own
DEB_NODE = $(if $(shell command -v npm),,nodejs npm)
DEB_TEST = $(DEB_DEMO) $(DEB_NODE) clang libclang-rt-14-dev libipc-run-perl libtap-parser-sourcehandler-pgtap-perl \
	openssl postgresql-NN-pgtap

# These targets run before PostgreSQL is there, so before PGXS is read.
SCRIPTED = depend demo demo-stop test test-matrix bench soak fuzz
ifneq ($(filter $(SCRIPTED),$(MAKECMDGOALS)),)

.PHONY: $(SCRIPTED)
export PG_VERSION HANDLES LIVE ONLY TESTS SCALE SECONDS

depend:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_TEST))
demo:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_DEMO))
	scripts/demo start
demo-stop:
	scripts/demo stop
test:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_TEST))
	scripts/test
test-matrix:
	scripts/matrix $(DEB_TEST)
bench:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_TEST))
	scripts/bench
soak:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_DEMO) $(DEB_NODE))
	scripts/soak
fuzz:
	scripts/depend $(subst NN,$(PG_VERSION),$(DEB_TEST))
	scripts/fuzz

else

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard src/*.h src/worker/*.h) trackagoat.control

# The install script: the numbered parts in order, setup() made from sql/setup and sql/migrate.
$(DATA_built): $(sort $(wildcard sql/install/*.sql sql/setup/*.sql sql/migrate/*.sql sql/api/*.sql)) scripts/wrap-setup trackagoat.control
	scripts/wrap-setup sql/install sql/setup sql/migrate sql/api >$@.tmp && mv $@.tmp $@

endif
