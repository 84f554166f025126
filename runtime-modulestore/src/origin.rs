//! The packages that contexts were imported from, deflated. edx-platform knows nothing of them.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use xblock_core::keys::ContextKey;
use xblock_core::runtime::{Origin, RuntimeError};

use crate::documents::corrupt;

/// More than any origin may have.
const MAX_BYTES: u64 = 128 << 20;

pub(crate) fn pack(origin: &Origin) -> Result<Vec<u8>, RuntimeError> {
    let failed = |error| RuntimeError::storage("packing the files of an import", error);
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&origin.to_bytes()).map_err(failed)?;
    packer.finish().map_err(failed)
}

pub(crate) fn unpack(packed: &[u8], context: &ContextKey) -> Result<Origin, RuntimeError> {
    let place = || format!("origin of {context}");
    let mut bytes = Vec::new();
    ZlibDecoder::new(packed)
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| corrupt(place(), error))?;
    Origin::from_bytes(&bytes).ok_or_else(|| corrupt(place(), "it is no list of files"))
}
