//! Addresses of static files that say until when they may be read, and that nobody else can make.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use xblock_core::clock::Clock;
use xblock_core::host::{PathUrls, Urls};
use xblock_core::keys::{AssetKey, ContextKey, UsageKey};

/// Addresses end at multiples of so many seconds, so that a page shown twice has the same ones and browsers may keep what
/// they have read; each lives between this long and twice as long.
const WINDOW: i64 = 30 * 60;

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has no signature, or one of another file, another time or another server.
    NotSigned,
    /// Its time is over.
    Expired,
}

/// Signs addresses of static files, and knows its own again.
///
/// Whoever has the key can make addresses for every file of every course that is served.
#[derive(Clone)]
pub struct Signer {
    key: Vec<u8>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// Signs with a secret of any length; servers that have the same one take each other's addresses.
    #[must_use]
    pub fn new(secret: &[u8], clock: Arc<dyn Clock>) -> Self {
        Self { key: secret.to_vec(), clock }
    }

    fn signature(&self, key: &str, expires: i64) -> String {
        let code = hmac(&self.key, format!("{expires}\n{key}").as_bytes());
        code.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Returns what is asked for beside a key.
    pub(super) fn query(&self, key: &str) -> String {
        let now = self.clock.now().timestamp();
        let expires = (now.div_euclid(WINDOW) + 2) * WINDOW;
        format!("expires={expires}&signature={}", self.signature(key, expires))
    }

    /// Says why an address with this query may not be read.
    pub(super) fn check(&self, key: &str, query: &str) -> Result<(), Refused> {
        let value = |name: &str| {
            let mut values =
                query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(found, _)| *found == name);
            // Said twice is said by somebody else.
            values.next().map(|(_, value)| value).filter(|_| values.next().is_none())
        };
        let expires: i64 = value("expires").and_then(|text| text.parse().ok()).ok_or(Refused::NotSigned)?;
        let signature = value("signature").ok_or(Refused::NotSigned)?;
        if !is_same(signature.as_bytes(), self.signature(key, expires).as_bytes()) {
            return Err(Refused::NotSigned);
        }
        if self.clock.now().timestamp() >= expires { Err(Refused::Expired) } else { Ok(()) }
    }
}

/// Compares without telling by its time where two texts differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

/// The keyed hash of RFC 2104 over SHA-256.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

/// Names a file of one block as it is signed; no key of a file has a line feed.
pub(super) fn block_file(usage: &str, name: &str) -> String {
    format!("{usage}\n{name}")
}

/// The addresses of a server on which those of static files are signed.
#[derive(Debug, Clone)]
pub struct SignedUrls {
    paths: PathUrls,
    signer: Signer,
}

impl SignedUrls {
    /// Makes addresses on the same server.
    #[must_use]
    pub fn new(signer: Signer) -> Self {
        Self { paths: PathUrls::default(), signer }
    }
}

impl Urls for SignedUrls {
    fn handler(&self, usage: &UsageKey, handler: &str, suffix: &str) -> String {
        self.paths.handler(usage, handler, suffix)
    }

    fn asset(&self, key: &AssetKey) -> String {
        format!("{}?{}", self.paths.asset(key), self.signer.query(&key.to_string()))
    }

    fn block_asset(&self, usage: &UsageKey, name: &str) -> Option<String> {
        let path = self.paths.block_asset(usage, name)?;
        Some(format!("{path}?{}", self.signer.query(&block_file(&usage.to_string(), name))))
    }

    fn jump(&self, context: &ContextKey, block_id: &str) -> String {
        self.paths.jump(context, block_id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use chrono::{DateTime, Utc};

    use super::*;

    struct Moved(AtomicI64);

    impl Clock for Moved {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(self.0.load(Ordering::Relaxed), 0).unwrap()
        }
    }

    #[test]
    fn the_keyed_hash_is_that_of_the_standard() {
        let hex = |code: [u8; 32]| code.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        // RFC 4231, cases 2 and 6.
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn an_address_is_good_for_its_file_and_its_time_only() {
        let clock = Arc::new(Moved(AtomicI64::new(1_930_000_000)));
        let signer = Signer::new(b"a secret", clock.clone());
        let query = signer.query("asset-v1:O+C+R+type@asset+block@a.png");
        let check = |key: &str, query: &str| signer.check(key, query);
        let key = "asset-v1:O+C+R+type@asset+block@a.png";
        assert_eq!(check(key, &query), Ok(()));
        // The same a minute later, so that it may be kept.
        clock.0.fetch_add(60, Ordering::Relaxed);
        assert_eq!(signer.query(key), query);

        assert_eq!(check("asset-v1:O+C+R+type@asset+block@b.png", &query), Err(Refused::NotSigned));
        let (expires, signature) = query.split_once('&').unwrap();
        let later: i64 = expires.trim_start_matches("expires=").parse::<i64>().unwrap() + 1;
        let last = if signature.ends_with('0') { '1' } else { '0' };
        for forged in [
            String::new(),
            expires.to_owned(),
            signature.to_owned(),
            format!("expires={later}&{signature}"),
            format!("{expires}&{}{last}", &signature[..signature.len() - 1]),
            format!("{expires}&{}", &signature[..signature.len() - 1]),
            format!("{query}&expires={later}"),
            format!("expires=soon&{signature}"),
        ] {
            assert_eq!(check(key, &forged), Err(Refused::NotSigned), "{forged}");
        }
        let other = Signer::new(b"another secret", clock.clone());
        assert_eq!(other.check(key, &query), Err(Refused::NotSigned));

        clock.0.fetch_add(WINDOW - 61, Ordering::Relaxed);
        assert_eq!(check(key, &query), Ok(()), "it lives for half an hour at least");
        clock.0.fetch_add(WINDOW + 1, Ordering::Relaxed);
        assert_eq!(check(key, &query), Err(Refused::Expired));
    }
}
