//! The families of keys and their classes, as Python's `isinstance` tells them apart.
//!
//! A class adds its attributes and methods to those of its parent; an attribute that only some classes of a family have
//! raises `AttributeError` on the others.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use xblock_core::keys::python::construct;
use xblock_core::keys::{AnyKey, KeyClass, KeyFamily, KeyKind};

use super::convert::{all_from_python, from_python, named_from_python, scalar_from_python, to_python};
use super::opaque_key::{OpaqueKey, attribute, key_of, made, read};
use crate::error::BindingError;

/// Writes a class: its parent, the kind its `from_string` reads, its attributes, its methods, its constructor.
macro_rules! key_class {
    // Methods by name, one after the other, become items of the one block of methods a class may have.
    (@methods $head:tt { $($done:tt)* } [versions $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The key without the version.
            fn version_agnostic(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.version_agnostic())
            }

            /// The key with the version alone.
            fn course_agnostic(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.course_agnostic())
            }

            /// The key at a version, on the same branch.
            fn for_version(slf: &Bound<'_, Self>, version_guid: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.for_version(scalar_from_python(version_guid)?))
            }
        } [branches $($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [branches $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The key on a branch, without version.
            fn for_branch(slf: &Bound<'_, Self>, branch: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.for_branch(scalar_from_python(branch)?))
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [html_id $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The id an element of a page has for this.
            fn html_id(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                let id = key_of(slf)?.html_id().map_err(BindingError::KeyRule)?;
                to_python(slf.py(), id.into())
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [make_usage_key $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The key of a block in this context.
            fn make_usage_key(
                slf: &Bound<'_, Self>,
                block_type: &Bound<'_, PyAny>,
                block_id: &Bound<'_, PyAny>,
            ) -> PyResult<Py<PyAny>> {
                let (block_type, block_id) = (scalar_from_python(block_type)?, scalar_from_python(block_id)?);
                made(slf.py(), key_of(slf)?.make_usage_key(block_type, block_id))
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [make_asset_key $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The key of a file of this context.
            fn make_asset_key(
                slf: &Bound<'_, Self>,
                asset_type: &Bound<'_, PyAny>,
                path: &Bound<'_, PyAny>,
            ) -> PyResult<Py<PyAny>> {
                let (asset_type, path) = (scalar_from_python(asset_type)?, scalar_from_python(path)?);
                made(slf.py(), key_of(slf)?.make_asset_key(asset_type, path))
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [from_deprecated $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The usage key that a text of the old form is in this course.
            fn make_usage_key_from_deprecated_string(
                slf: &Bound<'_, Self>,
                location_url: &str,
            ) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.make_usage_key_from_deprecated_string(location_url))
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [map $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The key of the same thing in another course.
            fn map_into_course(slf: &Bound<'_, Self>, course_key: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.map_into_course(from_python(course_key)?))
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [to_course $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The course that the custom course is made from.
            fn to_course_locator(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.to_course_locator())
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [to_block $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The block of the course that the block of the custom course stands for.
            fn to_block_locator(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                made(slf.py(), key_of(slf)?.to_block_locator())
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [deprecated_son $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The ``_id`` of the block in the oldest modulestore, as a mapping in its order.
            #[pyo3(signature = (prefix = "", tag = "i4x"))]
            fn to_deprecated_son<'py>(
                slf: &Bound<'py, Self>,
                prefix: &str,
                tag: &str,
            ) -> PyResult<Bound<'py, PyDict>> {
                let son = key_of(slf)?.to_deprecated_son(prefix, tag).map_err(BindingError::KeyRule)?;
                let dict = PyDict::new(slf.py());
                for (name, value) in son {
                    dict.set_item(name, to_python(slf.py(), value)?)?;
                }
                Ok(dict)
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [deprecated_list $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The list that stands for the file in old documents.
            fn to_deprecated_list_repr(slf: &Bound<'_, Self>) -> PyResult<Vec<Py<PyAny>>> {
                let list = key_of(slf)?.to_deprecated_list_repr().map_err(BindingError::KeyRule)?;
                list.into_iter().map(|value| to_python(slf.py(), value)).collect()
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [clean $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            /// The text with ``_`` for what an id cannot hold, runs of them as one.
            #[staticmethod]
            fn clean(value: &str) -> String {
                xblock_core::keys::clean(value)
            }

            /// The text with ``_`` for what an id cannot hold.
            #[staticmethod]
            fn clean_keeping_underscores(value: &str) -> String {
                xblock_core::keys::clean_keeping_underscores(value)
            }

            /// The text with ``_`` for what a URL name cannot hold.
            #[staticmethod]
            fn clean_for_url_name(value: &str) -> String {
                xblock_core::keys::clean_for_url_name(value)
            }

            /// The text with ``_`` for what the id of an element cannot hold.
            #[staticmethod]
            fn clean_for_html(value: &str) -> String {
                xblock_core::keys::clean_for_html(value)
            }
        } [$($rest)*]);
    };
    (@methods $head:tt { $($done:tt)* } [new $signature:literal $($rest:tt)*]) => {
        key_class!(@methods $head { $($done)*
            #[new]
            #[pyo3(signature = (*args, **kwargs), text_signature = $signature)]
            fn new(
                args: &Bound<'_, PyTuple>,
                kwargs: Option<&Bound<'_, PyDict>>,
            ) -> PyResult<PyClassInitializer<Self>> {
                build(Self::KIND, args, kwargs).map(Self::initializer)
            }
        } [$($rest)*]);
    };
    (@methods
        { $doc:literal $class:ident $name:literal $parent:ident $kind:expr, { $($getter:ident $getter_doc:literal)* } }
        { $($done:tt)* } []
    ) => {
        #[doc = $doc]
        #[pyclass(frozen, subclass, extends = $parent, name = $name, module = "xblock_runtime.keys")]
        pub(crate) struct $class;

        #[pymethods]
        impl $class {
            /// Reads a text as a key of this class. Raises ``InvalidKeyError`` when it is none.
            #[staticmethod]
            #[pyo3(signature = (serialized, /))]
            fn from_string(py: Python<'_>, serialized: Option<&str>) -> PyResult<Py<PyAny>> {
                read(py, Self::KIND, serialized)
            }

            $(
                #[doc = $getter_doc]
                #[getter]
                fn $getter(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
                    attribute(slf, stringify!($getter))
                }
            )*

            $($done)*
        }

        impl $class {
            /// What its `from_string` reads.
            const KIND: KeyKind = $kind;

            fn initializer(key: AnyKey) -> PyClassInitializer<Self> {
                $parent::initializer(key).add_subclass(Self)
            }
        }
    };
    (
        $doc:literal $class:ident $name:literal : $parent:ident, $kind:expr,
        { $($getters:tt)* } [$($methods:tt)*]
    ) => {
        key_class!(@methods { $doc $class $name $parent $kind, { $($getters)* } } {} [$($methods)*]);
    };
}

impl OpaqueKey {
    fn initializer(key: AnyKey) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Self::new(key))
    }
}

/// Calls the constructor of a class.
fn build(kind: KeyKind, args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> PyResult<AnyKey> {
    let KeyKind::Class(class) = kind else {
        return Err(PyTypeError::new_err("there are only keys of a class, none of a family"));
    };
    let key = construct(class, all_from_python(args)?, named_from_python(kwargs)?);
    Ok(key.map_err(BindingError::KeyRule)?)
}

key_class! {
    "The key of a course, library or other context of learning."
    LearningContextKey "LearningContextKey": OpaqueKey, KeyKind::Family(KeyFamily::Context),
    {
        is_course "Whether this is a course, a custom course or neither."
    }
    []
}

key_class! {
    "The key of a course, or of a library that is kept with courses."
    CourseKey "CourseKey": LearningContextKey, KeyKind::Course,
    {
        org "The organisation."
        course "The course's code."
        run "The run."
    }
    [make_usage_key make_asset_key]
}

key_class! {
    "The key of a course: ``course-v1:Org+Course+Run``, or in its old form ``Org/Course/Run``."
    CourseLocator "CourseLocator": CourseKey, KeyKind::Class(KeyClass::CourseLocator),
    {
        branch "The branch, if the key names one."
        version_guid "The version as 24 hexadecimal digits, if the key names one."
        version "Another name of the version."
        offering "The course's code and run, as one text."
    }
    [versions html_id from_deprecated new "(org=None, course=None, run=None, branch=None, version_guid=None, deprecated=False, **kwargs)"]
}

key_class! {
    "The key of a custom course: ``ccx-v1:Org+Course+Run+ccx@1``."
    CcxLocator "CCXLocator": CourseLocator, KeyKind::Class(KeyClass::CcxLocator),
    {
        ccx "The number of the custom course."
    }
    [to_course new "(**kwargs)"]
}

key_class! {
    "The key of a library that is kept with courses: ``library-v1:Org+Library``."
    LibraryLocator "LibraryLocator": CourseKey, KeyKind::Class(KeyClass::LibraryLocator),
    {
        library "The library's code."
        branch "The branch, if the key names one."
        version_guid "The version as 24 hexadecimal digits, if the key names one."
        version "Another name of the version."
    }
    [versions html_id new "(org=None, library=None, branch=None, version_guid=None, **kwargs)"]
}

key_class! {
    "The key of a content library: ``lib:Org:slug``."
    LibraryLocatorV2 "LibraryLocatorV2": LearningContextKey, KeyKind::Class(KeyClass::LibraryLocatorV2),
    {
        org "The organisation."
        slug "The library's slug."
    }
    [branches new "(org, slug)"]
}

key_class! {
    "The key of a block, or of an aside of a block, in a learning context."
    UsageKey "UsageKey": OpaqueKey, KeyKind::Family(KeyFamily::Usage),
    {
        block_type "The block type."
        block_id "The block id."
        context_key "The learning context."
        course_key "The learning context."
        definition_key "The definition, which the key of a usage does not know."
    }
    [map]
}

key_class! {
    "The key of a block in a course: ``block-v1:Org+Course+Run+type@html+block@id``, or in its old form ``i4x://Org/Course/html/id``."
    BlockUsageLocator "BlockUsageLocator": UsageKey, KeyKind::Class(KeyClass::BlockUsageLocator),
    {
        org "The organisation."
        course "The course's code."
        run "The run."
        branch "The branch, if the key names one."
        version_guid "The version as 24 hexadecimal digits, if the key names one."
        version "Another name of the version."
        offering "The course's code and run, as one text."
        name "Another name of the block id."
        category "Another name of the block type."
        revision "Another name of the branch."
    }
    [versions html_id deprecated_son clean new "(course_key, block_type, block_id, **kwargs)"]
}

key_class! {
    "The key of a block in a library that is kept with courses: ``lib-block-v1:..``."
    LibraryUsageLocator "LibraryUsageLocator": BlockUsageLocator, KeyKind::Class(KeyClass::LibraryUsageLocator),
    {
        library_key "The library."
    }
    [new "(library_key, block_type, block_id, **kwargs)"]
}

key_class! {
    "The key of a block in a custom course: ``ccx-block-v1:..``."
    CcxBlockUsageLocator "CCXBlockUsageLocator": BlockUsageLocator, KeyKind::Class(KeyClass::CcxBlockUsageLocator),
    {
        ccx "The number of the custom course."
    }
    [to_block new "(course_key, block_type, block_id, **kwargs)"]
}

key_class! {
    "The key of a block as ``location:..`` texts have it."
    DeprecatedLocation "DeprecatedLocation": BlockUsageLocator, KeyKind::Class(KeyClass::DeprecatedLocation),
    {
    }
    [new "(course_key, block_type, block_id)"]
}

key_class! {
    "The key of a block outside of courses."
    UsageKeyV2 "UsageKeyV2": UsageKey, KeyKind::UsageV2,
    {
    }
    []
}

key_class! {
    "The key of a block in a content library: ``lb:Org:slug:html:id``."
    LibraryUsageLocatorV2 "LibraryUsageLocatorV2": UsageKeyV2, KeyKind::Class(KeyClass::LibraryUsageLocatorV2),
    {
        lib_key "The library."
        usage_id "The block id."
    }
    [html_id new "(lib_key, block_type, usage_id)"]
}

key_class! {
    "The key of an aside of a block."
    AsideUsageKey "AsideUsageKey": UsageKey, KeyKind::AsideUsage,
    {
        usage_key "The usage the aside belongs to."
        aside_type "The type of the aside."
    }
    []
}

key_class! {
    "The key of an aside of a block: ``aside-usage-v2:..``."
    AsideUsageKeyV2 "AsideUsageKeyV2": AsideUsageKey, KeyKind::Class(KeyClass::AsideUsageKeyV2),
    {
    }
    [new "(usage_key, aside_type, deprecated=False)"]
}

key_class! {
    "The key of an aside of a block: ``aside-usage-v1:..``."
    AsideUsageKeyV1 "AsideUsageKeyV1": AsideUsageKeyV2, KeyKind::Class(KeyClass::AsideUsageKeyV1),
    {
    }
    [new "(usage_key, aside_type, deprecated=False)"]
}

key_class! {
    "The key of a block's content, wherever it is used."
    DefinitionKey "DefinitionKey": OpaqueKey, KeyKind::Family(KeyFamily::Definition),
    {
        block_type "The block type."
    }
    []
}

key_class! {
    "The key of a document of content: ``def-v1:<id>+type@html``."
    DefinitionLocator "DefinitionLocator": DefinitionKey, KeyKind::Class(KeyClass::DefinitionLocator),
    {
        definition_id "The id of the document."
        version "Another name of the version."
    }
    [new "(block_type, definition_id, deprecated=False)"]
}

key_class! {
    "The key of an OLX file of a bundle: ``bundle-olx:<uuid>:<version or draft>:html:<path>``."
    BundleDefinitionLocator "BundleDefinitionLocator": DefinitionKey, KeyKind::Class(KeyClass::BundleDefinitionLocator),
    {
        bundle_uuid "The bundle."
        olx_path "The path of the file in the bundle."
        bundle_version "The version of the bundle, if it is one."
        draft_name "The draft of the bundle, if it is one."
    }
    [new "(bundle_uuid, block_type, olx_path, bundle_version=None, draft_name=None)"]
}

key_class! {
    "The key of an aside's content."
    AsideDefinitionKey "AsideDefinitionKey": DefinitionKey, KeyKind::AsideDefinition,
    {
        definition_key "The definition, which the key of a usage does not know."
        aside_type "The type of the aside."
    }
    []
}

key_class! {
    "The key of an aside's content: ``aside-def-v2:..``."
    AsideDefinitionKeyV2 "AsideDefinitionKeyV2": AsideDefinitionKey, KeyKind::Class(KeyClass::AsideDefinitionKeyV2),
    {
    }
    [new "(definition_key, aside_type, deprecated=False)"]
}

key_class! {
    "The key of an aside's content: ``aside-def-v1:..``."
    AsideDefinitionKeyV1 "AsideDefinitionKeyV1": AsideDefinitionKeyV2, KeyKind::Class(KeyClass::AsideDefinitionKeyV1),
    {
    }
    [new "(definition_key, aside_type, deprecated=False)"]
}

key_class! {
    "The key of a file that belongs to a course."
    AssetKey "AssetKey": OpaqueKey, KeyKind::Family(KeyFamily::Asset),
    {
        asset_type "The type of the asset."
        path "The path of the asset."
        course_key "The learning context."
        context_key "The learning context."
    }
    [map]
}

key_class! {
    "The key of a file of a course: ``asset-v1:Org+Course+Run+type@asset+block@file.png``, or in its old form ``/c4x/Org/Course/asset/file.png``."
    AssetLocator "AssetLocator": AssetKey, KeyKind::Class(KeyClass::AssetLocator),
    {
        block_type "The block type."
        block_id "The block id."
        org "The organisation."
        course "The course's code."
        run "The run."
        branch "The branch, if the key names one."
        version_guid "The version as 24 hexadecimal digits, if the key names one."
        version "Another name of the version."
        offering "The course's code and run, as one text."
        name "Another name of the block id."
        category "Another name of the block type."
        revision "Another name of the branch."
        tag "What the old form begins with."
    }
    [versions html_id deprecated_son deprecated_list new "(course_key, block_type, block_id, **kwargs)"]
}

key_class! {
    "The key of a block type."
    BlockTypeKey "BlockTypeKey": OpaqueKey, KeyKind::Family(KeyFamily::BlockType),
    {
        block_family "The family of the type."
        block_type "The block type."
    }
    []
}

key_class! {
    "The key of a block type: ``block-type-v1:family:type``, or the type alone."
    BlockTypeKeyV1 "BlockTypeKeyV1": BlockTypeKey, KeyKind::Class(KeyClass::BlockTypeKeyV1),
    {
    }
    [new "(block_family, block_type)"]
}

key_class! {
    "The key of a collection."
    CollectionKey "CollectionKey": OpaqueKey, KeyKind::Family(KeyFamily::Collection),
    {
        context_key "The learning context."
        org "The organisation."
    }
    []
}

key_class! {
    "The key of a collection of a library: ``lib-collection:Org:slug:id``."
    LibraryCollectionLocator "LibraryCollectionLocator": CollectionKey, KeyKind::Class(KeyClass::LibraryCollectionLocator),
    {
        lib_key "The library."
        collection_id "The id of the collection."
    }
    [new "(lib_key, collection_id)"]
}

key_class! {
    "The key of a container."
    ContainerKey "ContainerKey": OpaqueKey, KeyKind::Family(KeyFamily::Container),
    {
        context_key "The learning context."
        org "The organisation."
    }
    []
}

key_class! {
    "The key of a container of a library: ``lct:Org:slug:unit:id``."
    LibraryContainerLocator "LibraryContainerLocator": ContainerKey, KeyKind::Class(KeyClass::LibraryContainerLocator),
    {
        lib_key "The library."
        container_type "The type of the container."
        container_id "The id of the container."
    }
    [new "(lib_key, container_type, container_id)"]
}

/// Makes the Python object of a key.
pub(super) fn wrap(py: Python<'_>, key: AnyKey) -> PyResult<Py<PyAny>> {
    macro_rules! object {
        ($class:ident) => {
            Ok(Bound::new(py, $class::initializer(key))?.into_any().unbind())
        };
    }
    match key.class() {
        Some(KeyClass::CourseLocator) => object!(CourseLocator),
        Some(KeyClass::CcxLocator) => object!(CcxLocator),
        Some(KeyClass::LibraryLocator) => object!(LibraryLocator),
        Some(KeyClass::LibraryLocatorV2) => object!(LibraryLocatorV2),
        Some(KeyClass::BlockUsageLocator) => object!(BlockUsageLocator),
        Some(KeyClass::LibraryUsageLocator) => object!(LibraryUsageLocator),
        Some(KeyClass::CcxBlockUsageLocator) => object!(CcxBlockUsageLocator),
        Some(KeyClass::DeprecatedLocation) => object!(DeprecatedLocation),
        Some(KeyClass::LibraryUsageLocatorV2) => object!(LibraryUsageLocatorV2),
        Some(KeyClass::AsideUsageKeyV2) => object!(AsideUsageKeyV2),
        Some(KeyClass::AsideUsageKeyV1) => object!(AsideUsageKeyV1),
        Some(KeyClass::DefinitionLocator) => object!(DefinitionLocator),
        Some(KeyClass::BundleDefinitionLocator) => object!(BundleDefinitionLocator),
        Some(KeyClass::AsideDefinitionKeyV2) => object!(AsideDefinitionKeyV2),
        Some(KeyClass::AsideDefinitionKeyV1) => object!(AsideDefinitionKeyV1),
        Some(KeyClass::AssetLocator) => object!(AssetLocator),
        Some(KeyClass::BlockTypeKeyV1) => object!(BlockTypeKeyV1),
        Some(KeyClass::LibraryCollectionLocator) => object!(LibraryCollectionLocator),
        Some(KeyClass::LibraryContainerLocator) => object!(LibraryContainerLocator),
        None => match key {
            AnyKey::Context(_) => object!(LearningContextKey),
            AnyKey::Usage(_) => object!(UsageKey),
            AnyKey::Definition(_) => object!(DefinitionKey),
            AnyKey::Asset(_) => object!(AssetKey),
            AnyKey::Collection(_) => object!(CollectionKey),
            AnyKey::Container(_) => object!(ContainerKey),
            _ => object!(OpaqueKey),
        },
    }
}
