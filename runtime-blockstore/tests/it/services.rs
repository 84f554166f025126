//! Servers that tests of this process share.

use std::sync::OnceLock;

use xblock_testkit::Service;

/// The server of the S3 protocol that the tests of this process share.
pub(crate) fn s3() -> Option<&'static Service> {
    static S3: OnceLock<Option<Service>> = OnceLock::new();
    S3.get_or_init(|| {
        let named = std::env::var("BLOCKSTORE_S3_SERVER").ok();
        Service::start("s3.py", named.as_deref().as_slice())
    })
    .as_ref()
}
