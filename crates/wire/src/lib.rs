//! How Longhaul is written down: envelope, codec, upgrades, subjects, stream topology.
