//! The native half of the Python package `xblock_runtime`.
//!
//! - `error`: the one place where errors become Python exceptions.
//! - `keys`: opaque keys.
//! - `modulestore`: the calls of edx-platform's modulestore.
//! - `problem`: problems by themselves; `sandbox`: where their scripts run; `safe_exec`: Python's own engine.
//! - `formula`: formulas as learners type them.
//! - `services`: what a Python host offers to native blocks.
//! - `store`: stores, their contexts and blocks.
//! - `values`: the names of scripts as values of Python.
//! - `xblocks`: native blocks inside Python's own XBlock runtime.

mod error;
mod formula;
mod keys;
mod modulestore;
mod problem;
mod read_only;
mod safe_exec;
mod sandbox;
mod services;
mod store;
mod values;
mod xblocks;

use pyo3::prelude::*;

/// The module `xblock_runtime._native`; private, Python code uses the package around it.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::formula::{evaluate_formula, formula_latex};
    #[pymodule_export]
    use super::keys::{
        AsideDefinitionKey, AsideDefinitionKeyV1, AsideDefinitionKeyV2, AsideUsageKey, AsideUsageKeyV1,
        AsideUsageKeyV2, AssetKey, AssetLocator, BlockTypeKey, BlockTypeKeyV1, BlockUsageLocator,
        BundleDefinitionLocator, CcxBlockUsageLocator, CcxLocator, CollectionKey, ContainerKey, CourseKey,
        CourseLocator, DefinitionKey, DefinitionLocator, DeprecatedLocation, LearningContextKey,
        LibraryCollectionLocator, LibraryContainerLocator, LibraryLocator, LibraryLocatorV2,
        LibraryUsageLocator, LibraryUsageLocatorV2, OpaqueKey, UsageKey, UsageKeyV2,
    };
    #[pymodule_export]
    use super::modulestore::Modulestore;
    #[pymodule_export]
    use super::problem::{Problem, index_problem, markdown_from_xml, markdown_to_xml};
    #[pymodule_export]
    use super::store::{Handled, Store};
    #[pymodule_export]
    use super::xblocks::{
        Answer, block_class, handle_block, max_score, read_olx, render_block, take_grader_reply,
        validate_block, write_olx,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
