//! The derive macro that declares an XBlock's fields once.
//!
//! Use it as `xblock_core::block::XBlock`; its attributes are described there.
//!
//! - `declaration`: the `#[xblock]` and `#[field]` attributes as written.
//! - `json`: defaults and values written as JSON.
//! - `expansion`: what becomes of them.

mod declaration;
mod expansion;
mod json;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct with a field `fields: BlockFields` an XBlock; described in `xblock_core::block`.
#[proc_macro_derive(XBlock, attributes(xblock, field, fields))]
pub fn derive_xblock(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expansion::block(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct with a field `fields: BlockFields` an aside; described in `xblock_core::block`.
#[proc_macro_derive(XBlockAside, attributes(xblock_aside, field, fields))]
pub fn derive_xblock_aside(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expansion::aside(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a unit struct a group of fields that several XBlocks share; described in `xblock_core::block`.
#[proc_macro_derive(FieldGroup, attributes(field))]
pub fn derive_field_group(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expansion::group(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
