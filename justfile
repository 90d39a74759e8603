# Shorthands over the ordinary commands. `just` alone lists them.
set shell := ["bash", "-euo", "pipefail", "-c"]

# What there is
help:
    @just --list --unsorted

# The main job: real reports over a real data set
demo:
    cargo run --release -- demo

# Everything in one process, with its own nats-server
up *ARGS:
    cargo run --release -- up {{ARGS}}

# All tests
test:
    cargo test --workspace

# Tests of one crate: just test-one core
test-one CRATE *ARGS:
    cargo test -p longhaul-{{CRATE}} {{ARGS}}

# A storm of faults over real processes under load, and the audit of what it left: just storm --minutes 60
storm *ARGS="--submissions 10000 --kills 200":
    cargo build --release -p longhaul-cli
    cargo run --release -p longhaul-tests --bin storm -- {{ARGS}}

# The power goes under a nats-server on a disk of its own: needs root, loop devices, mkfs.ext4
power-cut:
    cargo test -p longhaul-tests --test power_cut -- --ignored --nocapture

# Format
fmt:
    cargo fmt --all

# Format check and clippy, warnings denied
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Documentation, warnings denied
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Rewrite the kept tables and golden files after a deliberate change
golden:
    UPDATE_GOLDEN=1 cargo test -p longhaul-core -p longhaul-wire

# Look for inputs that break a reader, guided by coverage: just fuzz csv 240 (see tests/fuzz/README.md)
fuzz TARGET SECONDS="60":
    cargo fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none --features libfuzzer {{TARGET}} \
        tests/fuzz/corpus/{{TARGET}} tests/fuzz/seeds/{{TARGET}} -- -max_total_time={{SECONDS}} -max_len=8192 -timeout=20

# Tables and plots of docs/performance.md, from the measurements kept beside it
performance:
    test -x target/plot/bin/python || python3 -m venv target/plot
    target/plot/bin/python -c 'import matplotlib' 2>/dev/null || target/plot/bin/pip install --quiet 'matplotlib>=3.9,<4'
    target/plot/bin/python docs/performance/plot.py

# Everything CI does
verify: lint test doc
