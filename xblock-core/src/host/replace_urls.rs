//! The service `replace_urls` of a host: addresses of authored HTML by the host's own [`Urls`].

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::fields::BlockFields;
use crate::keys::{ContextKey, UsageKey, clean_asset_name};
use crate::runtime::{Branch, Runtime};
use crate::services::{ReplaceUrlsService, ServiceError, replace_addresses};

use super::{Host, Urls};

/// The static files that belong to one block alone, listed when the first is asked for.
pub(super) struct OwnFiles {
    runtime: Arc<dyn Runtime>,
    branch: Branch,
    usage: UsageKey,
    names: OnceLock<BTreeSet<String>>,
}

impl OwnFiles {
    pub(super) fn new(host: &Host, usage: &UsageKey) -> Self {
        let (runtime, branch, usage) = (host.runtime.clone(), host.branch, usage.clone());
        Self { runtime, branch, usage, names: OnceLock::new() }
    }

    /// Returns the address of a file by what its text names it, none where the block has no such file.
    pub(super) fn url(&self, urls: &dyn Urls, name: &str) -> Option<String> {
        // A block whose files cannot be listed is shown with those of its course.
        let names = self.names.get_or_init(|| {
            let files = self.runtime.block_assets(&self.usage, self.branch).unwrap_or_default();
            files.into_iter().map(|file| file.name).collect()
        });
        if names.contains(name) { urls.block_asset(&self.usage, name) } else { None }
    }
}

/// Makes the addresses of one block's HTML real.
pub(super) struct HostUrls {
    urls: Arc<dyn Urls>,
    context: ContextKey,
    folder: String,
    own: OwnFiles,
}

impl HostUrls {
    pub(super) fn new(host: &Host, usage: &UsageKey, fields: &BlockFields) -> Self {
        // A block without the setting, or with what is no text, names no folder.
        let folder = fields.str("static_asset_path").map(|folder| folder.to_string()).unwrap_or_default();
        let own = OwnFiles::new(host, usage);
        Self { urls: host.urls.clone(), context: usage.context_key(), folder, own }
    }
}

impl ReplaceUrlsService for HostUrls {
    fn replace_urls(&self, text: &str, static_replace_only: bool) -> Result<String, ServiceError> {
        let asset = |path: &str| {
            self.own.url(&*self.urls, path).unwrap_or_else(|| {
                match self.context.make_asset_key(&clean_asset_name(path)) {
                    Ok(key) => self.urls.asset(&key),
                    Err(_) => format!("/static/{path}"),
                }
            })
        };
        let jump = |block_id: &str| self.urls.jump(&self.context, block_id);
        let jump: Option<&dyn Fn(&str) -> String> = if static_replace_only { None } else { Some(&jump) };
        Ok(replace_addresses(text, &self.folder, &asset, jump))
    }
}
