//! Shards: how organisations are spread over streams.
//!
//! How many shards a log has is fixed when it is provisioned. An organisation lies in one shard for
//! ever, so that nothing it owns ever needs an order across shards.

use std::fmt;
use std::num::NonZeroU16;

use longhaul_core::OrgId;

/// How many shards a log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shards(NonZeroU16);

/// One shard, counted from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u16);

impl Shards {
    /// A single shard: the default.
    pub const ONE: Self = Self(NonZeroU16::MIN);

    /// Most shards a log may have: each is a stream of its own on the server.
    pub const MAX: u16 = 256;

    /// `n` shards; nothing unless `n` is 1 to [`Shards::MAX`].
    pub fn new(n: u16) -> Option<Self> {
        NonZeroU16::new(n).filter(|n| n.get() <= Self::MAX).map(Self)
    }

    /// How many.
    pub fn get(self) -> u16 {
        self.0.get()
    }

    /// Where an organisation lies: FNV-1a (32 bits) of its id, modulo the number of shards. The
    /// server's own `partition()` mapping computes the same.
    pub fn of(self, org: &OrgId) -> Shard {
        let hash = org
            .as_str()
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let n = u32::from(self.0.get());
        Shard(u16::try_from(hash % n).unwrap_or_default())
    }

    /// Every shard, in order.
    pub fn all(self) -> impl Iterator<Item = Shard> + Clone + Send {
        (0..self.0.get()).map(Shard)
    }

    /// Whether the shard is one of these.
    pub fn contains(self, shard: Shard) -> bool {
        shard.0 < self.0.get()
    }
}

impl Default for Shards {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_organisation_never_moves() {
        // Stored logs depend on these: they may never change. The hashes are FNV-1a's published
        // test vectors for "a", "foobar" and "hello".
        let shards = Shards::new(256).unwrap();
        for (org, hash) in [("a", 0xe40c_292c_u32), ("foobar", 0xbf9c_f968), ("hello", 0x4f9f_2cab)] {
            let expected = u16::try_from(hash % 256).unwrap();
            assert_eq!(shards.of(&OrgId::new(org).unwrap()), Shard(expected), "{org}");
        }
    }

    #[test]
    fn the_number_is_bounded() {
        assert_eq!(Shards::new(0), None);
        assert_eq!(Shards::new(257), None);
        assert_eq!(Shards::new(4).unwrap().all().collect::<Vec<_>>(), [0, 1, 2, 3].map(Shard));
    }

    proptest! {
        #[test]
        fn an_organisation_lies_in_a_shard_that_exists(org in "[A-Za-z0-9_-]{1,64}", n in 1_u16..=256) {
            let shards = Shards::new(n).unwrap();
            prop_assert!(shards.contains(shards.of(&OrgId::new(org).unwrap())));
        }
    }
}
