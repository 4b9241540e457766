# make demo    sets up what is missing, builds, plays the bundled file into the
#              bundled signed plugin
# make test    sets up what is missing, builds, runs every test
# make         builds everything into bin/
# make check   formatting, linters, sanitizers, every unprivileged test
# make bench   reproduces the figures in the docs
# make latency measures the way from a MIDI port to a plugin, in the lab
# make soak    crashes and restarts booths under load, and counts what is left;
#              SOAK_CYCLES=2000 crashes, SOAK_TRIGGERS=1000000 triggers
# make matrix  rewrites the matrix of attacks and layers in the docs; as root
# make lab     runs the tests that need control groups v2, systemd or real ALSA ports,
#              in QEMU guests of Linux 6.1 and 6.12; docs/lab.md
# make install PREFIX=/usr/local DESTDIR=
#              programs, man pages, completions, units, AppArmor profile;
#              make uninstall takes them away again
# make package a .deb and an .rpm in bin/packages

PREFIX  ?= /usr/local
BIN     := bin
VERSION := 0.1.0
CFLAGS  ?= -O2
CWARN   := -std=c11 -Wall -Wextra -Werror
HARDEN  := -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
INCLUDE := runner/worker/include
GOFLAGS_BUILD := -trimpath -ldflags='-s -w -X main.version=$(VERSION)'
PLUGINS := transpose chord counter
# Rust is not among what setup installs; with rustc there, its example too.
ifneq ($(shell command -v rustc),)
PLUGINS += velocity
endif

# Hostile plugins, one library per family of attacks, and the program that
# loads them without a sandbox. No optimisation that makes calls of libc or
# tables of addresses: some run before they are relocated.
ATTACKS  := runner/attack/plugins
SELFTEST := $(patsubst $(ATTACKS)/%.c,$(BIN)/selftest/%.so,$(filter-out %/control.c,$(wildcard $(ATTACKS)/*.c))) $(BIN)/selftest/isobooth-control
HOSTILE  := -std=gnu11 -O1 -fPIC -fvisibility=hidden -fno-jump-tables -fno-stack-protector -fno-tree-loop-distribute-patterns

.PHONY: all setup demo test check fuzz bench soak matrix man completions package install uninstall clean lab latency selftest
all: setup $(BIN)/isobooth $(BIN)/isobooth-jail $(BIN)/isobooth-worker $(PLUGINS:%=$(BIN)/plugins/%) selftest
selftest: $(SELFTEST)

setup:
	@scripts/setup

$(BIN)/isobooth: FORCE | setup
	go build $(GOFLAGS_BUILD) -o $@ ./cmd/isobooth

$(BIN)/isobooth-jail: FORCE | setup
	go build $(GOFLAGS_BUILD) -o $@ ./cmd/isobooth-jail

$(BIN)/isobooth-worker: $(wildcard runner/worker/*.[ch]) $(INCLUDE)/isobooth/plugin.h | setup
	@mkdir -p $(BIN)
	$(CC) $(CWARN) $(CFLAGS) $(HARDEN) -I$(INCLUDE) -pie -Wl,-z,relro,-z,now -o $@ $(wildcard runner/worker/*.c)

$(BIN)/selftest/%.so: $(ATTACKS)/%.c $(ATTACKS)/attack.h $(ATTACKS)/raw.h $(INCLUDE)/isobooth/plugin.h | setup
	@mkdir -p $(@D)
	$(CC) -Wall -Wextra -Werror $(HOSTILE) -I$(INCLUDE) -shared -o $@ $<

$(BIN)/selftest/isobooth-control: $(ATTACKS)/control.c $(INCLUDE)/isobooth/plugin.h | setup
	@mkdir -p $(@D)
	$(CC) $(CWARN) $(CFLAGS) -I$(INCLUDE) -o $@ $<

# The example plugins, each with its manifest, signed by a key that is made
# here and trusted by nothing but the demo.
$(BIN)/keys/demo.key: | $(BIN)/isobooth
	@mkdir -p $(BIN)/keys
	$(BIN)/isobooth key generate $(BIN)/keys/demo

$(BIN)/plugins/%: FORCE $(BIN)/keys/demo.key
	@scripts/build-plugin $* $@
	@$(BIN)/isobooth sign $@/$*.so --key $(BIN)/keys/demo.key

demo: all
	scripts/demo

test: all
	scripts/test

check: all
	scripts/check

fuzz:
	scripts/fuzz

bench: all
	go run ./bench -bin $(BIN)

SOAK_CYCLES   ?= 2000
SOAK_TRIGGERS ?= 1000000
soak: setup
	ISOBOOTH_MUST_RUN=1 SOAK_CYCLES=$(SOAK_CYCLES) SOAK_TRIGGERS=$(SOAK_TRIGGERS) \
		go test -count=1 -timeout 0 -run '^TestSoak$$' -v ./runner

matrix: all
	scripts/matrix

man: $(BIN)/isobooth
	$(BIN)/isobooth man $(BIN)/man

completions: $(BIN)/isobooth
	@mkdir -p $(BIN)/completions
	for shell in bash zsh fish; do $(BIN)/isobooth completion $$shell >$(BIN)/completions/$$shell || exit; done

lab:
	scripts/lab/test

latency:
	scripts/lab/latency

package: all man completions
	scripts/package $(VERSION) $(BIN)/packages

# Each again after the first time; make uninstall takes what this put there.
install: all man completions
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' scripts/install $(BIN)

uninstall:
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' scripts/install --remove

clean:
	rm -rf $(BIN)

FORCE:
