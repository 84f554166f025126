//! Links between bundles (reference/blockstore, section 8).

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::uuid_text;
use crate::digest::Digest;

/// One exact version of a bundle that another depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The bundle.
    #[serde(with = "uuid_text")]
    pub bundle_uuid: Uuid,
    /// The snapshot; this is what is read.
    pub snapshot_digest: Digest,
    /// The version's number, 0 for "whatever was latest".
    pub version: u64,
}

impl Dependency {
    /// Gives the order in which indirect dependencies are listed.
    fn rank(&self) -> (u128, u64, Digest) {
        (self.bundle_uuid.as_u128(), self.version, self.snapshot_digest)
    }

    /// Returns the form that goes into snapshot digests, whose keys stand in another order.
    pub(super) fn preimage(&self) -> impl Serialize + use<> {
        #[derive(Serialize)]
        struct Preimage {
            #[serde(with = "uuid_text")]
            bundle_uuid: Uuid,
            version: u64,
            snapshot_digest: Digest,
        }
        Preimage {
            bundle_uuid: self.bundle_uuid,
            version: self.version,
            snapshot_digest: self.snapshot_digest,
        }
    }
}

/// A dependency with everything it depends on itself, frozen when the link was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The version linked to.
    pub direct: Dependency,
    /// All that it depends on, each once, by bundle, version and digest.
    pub indirect: Vec<Dependency>,
}

impl Link {
    /// Makes a link to a version whose own links are given.
    pub(crate) fn new<'l>(direct: Dependency, links: impl Iterator<Item = &'l Self>) -> Self {
        let mut indirect: Vec<Dependency> = links.flat_map(Self::dependencies).cloned().collect();
        indirect.sort_by_key(Dependency::rank);
        indirect.dedup();
        Self { direct, indirect }
    }

    /// Lists the direct and then the indirect dependencies.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &Dependency> {
        std::iter::once(&self.direct).chain(&self.indirect)
    }
}

/// A link as it goes into snapshot digests.
pub(super) struct LinkPreimage<'l>(pub(super) &'l str, pub(super) &'l Link);

impl Serialize for LinkPreimage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let indirect: Vec<_> = self.1.indirect.iter().map(Dependency::preimage).collect();
        let mut object = serializer.serialize_struct("Link", 3)?;
        object.serialize_field("name", self.0)?;
        object.serialize_field("direct", &self.1.direct.preimage())?;
        object.serialize_field("indirect", &indirect)?;
        object.end()
    }
}
