//! What tests of blocks and of stores stand on.
//!
//! For authors of blocks: [`Workbench`] puts a block on a bench, and [`block_contract!`] checks what every block promises.
//!
//! For backends, the behaviour suite every runtime runs: one named test per behaviour and runtime. A backend's crate adds
//! this to its tests:
//!
//! ```ignore
//! xblock_testkit::runtime_suite!(my_runtime, crate::fresh_runtime);
//!
//! fn fresh_runtime() -> xblock_testkit::Fresh { ... }
//! ```
//!
//! The function gives a fresh, empty runtime at each call (with whatever keeps its folder alive), wrapped in
//! [`Fresh`]; or an `Option` of one, which is none where the service it needs cannot be had and that was said loudly, as
//! [`Service::start`] does.

mod contract;
pub mod fixture;
pub mod fuzz;
mod services;
pub mod suite;
mod workbench;

use xblock_core::runtime::Runtime;

pub use contract::{Contract, Finding, PROMISES, Promise};
pub use services::Service;
pub use workbench::{Answer, StandIn, Workbench, registry_of};

/// A fresh runtime and whatever must live as long as it does, such as a temporary folder.
pub struct Fresh {
    /// The runtime under test.
    pub runtime: Box<dyn Runtime>,
    /// Dropped after the runtime.
    pub guard: Box<dyn std::any::Any>,
}

impl Fresh {
    /// Wraps a runtime that needs nothing else.
    pub fn new(runtime: impl Runtime + 'static) -> Self {
        Self { runtime: Box::new(runtime), guard: Box::new(()) }
    }

    /// Wraps a runtime together with what it stands on.
    pub fn with_guard(runtime: impl Runtime + 'static, guard: impl std::any::Any) -> Self {
        Self { runtime: Box::new(runtime), guard: Box::new(guard) }
    }
}

/// Makes one `#[test]` per behaviour of the suite, in a module of the given name.
#[macro_export]
macro_rules! runtime_suite {
    ($name:ident, $fresh:path) => {
        mod $name {
            $crate::behaviours!($fresh;
                reading: contexts_are_listed_in_key_order, unknown_things_are_not_found, a_block_comes_back_as_written,
                    null_empty_and_unset_are_kept_apart, odd_texts_survive, unknown_types_are_kept,
                    odd_names_are_kept,
                    asides_and_defaults_survive, detached_blocks_are_listed, dangling_children_are_kept,
                    definitions_can_be_looked_up, reads_never_write;
                authoring: a_new_context_needs_its_root, a_context_is_made_once, a_patch_changes_only_what_it_names,
                    deleting_takes_the_subtree, a_shared_child_stays_with_its_other_parent, moving_keeps_the_subtree,
                    the_root_is_fixed, circles_are_refused, other_contexts_are_refused,
                    a_failed_edit_leaves_nothing, children_keep_their_order;
                conflicts: a_stale_base_is_a_conflict, of_two_writers_one_wins, edits_of_two_contexts_do_not_meet;
                publishing: nothing_is_published_by_itself, publishing_all_makes_the_branches_equal,
                    a_draft_edit_stays_in_the_draft, publishing_a_subtree_leaves_the_rest,
                    a_subtree_needs_a_published_parent, a_dropped_child_goes_with_the_publish,
                    discarding_brings_the_published_back, discarding_a_subtree_leaves_the_rest,
                    one_edit_can_publish_and_go_on, an_old_version_can_be_restored;
                assets: a_file_comes_back_byte_for_byte, a_file_is_read_in_parts, attributes_survive, a_draft_file_is_unpublished,
                    a_deleted_file_is_gone, discarding_brings_files_back, restoring_brings_files_back, records_about_files_go_along;
                origins: an_origin_is_kept_until_the_next, an_origin_is_no_version, an_origin_needs_its_context;
                history: versions_are_listed_newest_first, listed_versions_can_be_read, the_feed_tells_every_change, a_cursor_reads_on;
                walking: a_walk_is_depth_first, settings_are_inherited_from_the_nearest
            );
        }
    };
}

/// Used by [`runtime_suite!`].
#[doc(hidden)]
#[macro_export]
macro_rules! behaviours {
    ($fresh:path; $($group:ident: $($behaviour:ident),+);+) => {
        $(
            mod $group {
                $(
                    #[test]
                    fn $behaviour() {
                        // A store that cannot be had here is none; whoever makes it has said so.
                        let Some(fresh) = Option::<$crate::Fresh>::from($fresh()) else { return };
                        $crate::suite::$group::$behaviour(&*fresh.runtime);
                    }
                )+
            }
        )+
    };
}
