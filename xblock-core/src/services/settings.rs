//! Service `settings`: what the operator of a site set for the blocks of a class (XBlock's `XBlockWithSettingsMixin`).

use std::collections::BTreeMap;

use crate::fields::Json;

use super::Service;

/// Gives each class of blocks its settings.
pub trait SettingsService: Send + Sync {
    /// Returns the settings kept under a class's key ([`BlockClass::settings_key`](crate::block::BlockClass)), none
    /// where the operator set nothing.
    fn settings_bucket(&self, settings_key: &str) -> Option<Json>;
}

impl Service for dyn SettingsService {
    const NAME: &'static str = "settings";
}

/// Settings that are given once, by key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FixedSettings(pub BTreeMap<String, Json>);

impl SettingsService for FixedSettings {
    fn settings_bucket(&self, settings_key: &str) -> Option<Json> {
        self.0.get(settings_key).cloned()
    }
}
