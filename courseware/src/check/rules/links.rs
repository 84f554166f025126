//! Links to blocks and to other courses.

use std::str::FromStr;

use xblock_core::keys::{AssetKey, ContextKey, UsageKey};

use crate::check::codes::{ABSOLUTE_ASSET_LINK, BROKEN_JUMP, FOREIGN_LINK, MISSING_ASSET, UNREPLACED_LINK};
use crate::check::course::{Course, File};
use crate::check::findings::Findings;
use crate::check::links::{Link, LinkKind};

/// Checks the links of every page and block.
pub(super) fn check(course: &Course<'_>, findings: &mut Findings) {
    for file in course.files.values().filter(|file| !file.text.path().ends_with(".json")) {
        for link in file.links() {
            Checked { course, file, link: &link }.check(findings);
        }
    }
}

/// One link being checked.
struct Checked<'l, 'c> {
    course: &'l Course<'c>,
    file: &'l File,
    link: &'l Link,
}

impl Checked<'_, '_> {
    fn check(&self, findings: &mut Findings) {
        // What a script or a template completes is no link yet.
        if self.link.target.is_empty()
            || self.link.written.contains(['$', '{', '}', '+', ' ']) && !self.is_key()
        {
            return;
        }
        if !self.link.is_replaced {
            let message = format!("{} stays as it is here", self.written());
            findings.report(&UNREPLACED_LINK, &self.file.text, self.link.offset, message);
        }
        match self.link.kind {
            // Said of all static files together, see `assets`.
            LinkKind::Static => {}
            LinkKind::JumpToId => self.jump(self.link.target.trim_end_matches('/'), findings),
            LinkKind::JumpTo => self.jump_to(&self.link.target, findings),
            LinkKind::Course => {
                if let Some(name) = self.link.target.strip_prefix("jump_to_id/") {
                    self.jump(name.trim_end_matches('/'), findings);
                }
            }
            LinkKind::Courses => self.courses(findings),
            LinkKind::Asset => self.asset(&format!("asset-v1:{}", self.link.target), findings),
            LinkKind::OldAsset => self.asset(&format!("/c4x/{}", self.link.target), findings),
        }
    }

    /// Returns the whole link as it is written.
    fn written(&self) -> &str {
        let start = self.link.offset;
        let prefix = self.file.text.text[start..].find(self.link.written.as_str()).unwrap_or_default();
        self.file.text.text.get(start..start + prefix + self.link.written.len()).unwrap_or_default()
    }

    fn is_key(&self) -> bool {
        // Keys have plus signs between their parts.
        !matches!(self.link.kind, LinkKind::Static | LinkKind::JumpToId)
            && !self.link.written.contains(['$', '{', '}'])
    }

    fn jump(&self, name: &str, findings: &mut Findings) {
        if name.is_empty() || self.course.has_name(name) {
            return;
        }
        let message = format!("there is no block {name}");
        findings.report(&BROKEN_JUMP, &self.file.text, self.link.offset, message);
    }

    fn jump_to(&self, key: &str, findings: &mut Findings) {
        let Ok(usage) = UsageKey::from_str(key.trim_end_matches('/')) else { return };
        if self.is_own(&usage.context_key()) {
            self.jump(usage.block_id(), findings);
        }
    }

    /// Checks a link to a page of a course that is named by its key.
    fn courses(&self, findings: &mut Findings) {
        let target = &self.link.target;
        let (key, page) = match target.strip_prefix("course-v1:") {
            Some(_) => target.split_once('/').unwrap_or((target, "")),
            None => {
                // Old keys have slashes themselves.
                let Some(end) = target.match_indices('/').nth(2).map(|(at, _)| at) else { return };
                (&target[..end], &target[end + 1..])
            }
        };
        let Ok(key) = ContextKey::from_str(key) else { return };
        if !self.is_own(&key) {
            let message = format!("the link leads into the course {key}");
            findings.report(&FOREIGN_LINK, &self.file.text, self.link.offset, message);
        } else if let Some(name) = page.strip_prefix("jump_to_id/") {
            self.jump(name.trim_end_matches('/'), findings);
        } else if let Some(key) = page.strip_prefix("jump_to/") {
            self.jump_to(key, findings);
        }
    }

    fn asset(&self, key: &str, findings: &mut Findings) {
        let Ok(key) = AssetKey::from_str(key) else { return };
        let (text, offset) = (&self.file.text, self.link.offset);
        if !self.is_own(&key.context_key()) {
            let message = format!("the link leads to a static file of another course, {key}");
            findings.report(&FOREIGN_LINK, text, offset, message);
        } else if !self.course.has_asset(key.path()) && !self.course.package.assets.is_empty() {
            findings.report(&MISSING_ASSET, text, offset, format!("there is no static file {}", key.path()));
        } else if !self.is_handout() {
            let message = format!("the link names {} by the course's key", key.path());
            findings.report(&ABSOLUTE_ASSET_LINK, text, offset, message);
        }
    }

    /// Says whether the link is a video's handout, which Studio writes by its key and an import maps.
    fn is_handout(&self) -> bool {
        let before =
            self.file.text.text.get(..self.link.offset).unwrap_or_default().trim_end_matches(['"', '\'']);
        before.ends_with("handout=") || before.ends_with("<handout src=")
    }

    /// Says whether a key is that of the course, in any form.
    fn is_own(&self, key: &ContextKey) -> bool {
        let parts = |key: &ContextKey| {
            let key = key.plain();
            key.as_course().map(|key| (key.org().to_owned(), key.course().to_owned(), key.run().to_owned()))
        };
        match (parts(key), parts(&self.course.package.context)) {
            // Static files of old courses have no run in their keys.
            (Some(key), Some(own)) => {
                key.0 == own.0 && key.1 == own.1 && (key.2 == own.2 || key.2.is_empty())
            }
            _ => false,
        }
    }
}
