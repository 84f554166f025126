//! The service `replace_urls` of a host: addresses of authored HTML by the host's own [`Urls`].

use std::sync::Arc;

use crate::fields::BlockFields;
use crate::keys::{ContextKey, UsageKey, clean_asset_name};
use crate::services::{ReplaceUrlsService, ServiceError, replace_addresses};

use super::{Host, Urls};

/// Makes the addresses of one block's HTML real.
pub(super) struct HostUrls {
    urls: Arc<dyn Urls>,
    context: ContextKey,
    folder: String,
}

impl HostUrls {
    pub(super) fn new(host: &Host, usage: &UsageKey, fields: &BlockFields) -> Self {
        // A block without the setting, or with what is no text, names no folder.
        let folder = fields.str("static_asset_path").map(|folder| folder.to_string()).unwrap_or_default();
        Self { urls: host.urls.clone(), context: usage.context_key(), folder }
    }
}

impl ReplaceUrlsService for HostUrls {
    fn replace_urls(&self, text: &str, static_replace_only: bool) -> Result<String, ServiceError> {
        let asset = |path: &str| match self.context.make_asset_key(&clean_asset_name(path)) {
            Ok(key) => self.urls.asset(&key),
            Err(_) => format!("/static/{path}"),
        };
        let jump = |block_id: &str| self.urls.jump(&self.context, block_id);
        let jump: Option<&dyn Fn(&str) -> String> = if static_replace_only { None } else { Some(&jump) };
        Ok(replace_addresses(text, &self.folder, &asset, jump))
    }
}
