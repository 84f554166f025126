//! Blocks beside the course tree, each a file of its own: about pages, updates and handouts, tabs, custom tags.

use crate::fields::Scope;
use crate::keys::UsageKey;
use crate::olx::json_line::json_indented;
use crate::olx::write::{WriteError, WriteHost};
use crate::runtime::BlockData;

use super::host::Exporter;
use super::sink::ExportStep;

/// Block type, folder and extension.
const PAGES: [(&str, &str, &str); 4] = [
    ("static_tab", "tabs", ".html"),
    ("custom_tag_template", "custom_tags", ""),
    ("course_info", "info", ".html"),
    ("about", "about", ".html"),
];

/// Says whether blocks of a type are pages.
pub(super) fn is_page(block_type: &str) -> bool {
    PAGES.iter().any(|(page, _, _)| *page == block_type)
}

impl Exporter<'_> {
    /// Writes every page of the context.
    pub(super) fn pages(&mut self, usages: &[UsageKey]) -> Result<(), WriteError> {
        for (block_type, folder, extension) in PAGES {
            for usage in usages.iter().filter(|usage| usage.block_type() == block_type) {
                if self.kept.is_some_and(|kept| kept.pages.contains(usage)) {
                    self.page_is_written(usage);
                    continue;
                }
                // One that is also a child stands in its parent.
                if self.written.contains(usage) {
                    continue;
                }
                let record = match self.runtime.block(usage, self.branch) {
                    Err(error) if error.is_damage() => {
                        self.leave_out(usage, &error);
                        continue;
                    }
                    record => record?,
                };
                self.page(usage, &record.data, folder, extension)?;
            }
        }
        Ok(())
    }

    fn page(
        &mut self,
        usage: &UsageKey,
        data: &BlockData,
        folder: &str,
        extension: &str,
    ) -> Result<(), WriteError> {
        let id = usage.block_id();
        let block_type = self.registry.block_type(usage.block_type());
        let text = data.content.get("data").and_then(|value| value.as_str()).unwrap_or_default();
        self.put(&format!("{folder}/{id}{extension}"), text.as_bytes())?;
        let mut others: Vec<_> = data.content.iter().filter(|(name, _)| *name.as_ref() != *"data").collect();
        others.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in others {
            let is_content = block_type.field(name).is_some_and(|spec| spec.scope == Scope::Content);
            if is_content && !name.contains('.') && !id.contains('.') {
                self.put(&format!("{folder}/{id}.{name}.json"), json_indented(value).as_bytes())?;
            } else {
                let host: &mut dyn WriteHost = self;
                host.warn("unknown-field", usage, &format!("field {name} has no place beside a page"));
            }
        }
        self.page_is_written(usage);
        Ok(())
    }

    fn page_is_written(&mut self, usage: &UsageKey) {
        self.written.insert(usage.clone());
        self.report.blocks += 1;
        if let Some(progress) = self.options.progress {
            progress(ExportStep::Block(usage));
        }
    }
}
