//! What becomes of a declaration: the field list, the class, the constructor and an accessor pair for each field.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Error, Fields, Path, Result};

use crate::declaration::{self, Class, Default, Entry, Family, Field, Kind, ServiceName, Values};

/// Expands `#[derive(XBlock)]`.
pub(crate) fn block(input: &DeriveInput) -> Result<TokenStream> {
    check_struct(input)?;
    let name = &input.ident;
    let class = declaration::class(&input.attrs, name, Family::Block)?;
    let fields = declaration::fields(&input.attrs)?;
    let specs = fields.iter().map(spec);
    let groups = &class.groups;
    let access = groups.iter().map(access_trait);
    let class_value = class_value(name, &class);
    let of_block = quote!(::xblock_core::block::XBlock::fields(self));
    let accessors = fields.iter().map(|field| accessors(field, &quote!(pub), &of_block));
    let behaviour = behaviour(name, &class);
    Ok(quote! {
        #[automatically_derived]
        impl #name {
            const OWN_FIELDS: &'static [::xblock_core::fields::FieldSpec] = &[#(#specs),*];

            /// The fields of the class in the order in which XBlock lists them: groups first, then its own.
            pub const FIELDS: &'static [::xblock_core::fields::FieldSpec] = {
                const PARTS: &[&[::xblock_core::fields::FieldSpec]] = &[
                    #(<#groups as ::xblock_core::block::FieldGroup>::FIELDS,)*
                    #name::OWN_FIELDS,
                ];
                const COUNT: usize = ::xblock_core::block::accessors::count(PARTS);
                static JOINED: [::xblock_core::fields::FieldSpec; COUNT] =
                    ::xblock_core::block::accessors::join(PARTS);
                &JOINED
            };

            #class_value

            /// Makes a block from its fields.
            #[must_use]
            pub fn from_fields(fields: ::xblock_core::fields::BlockFields) -> Self {
                Self { fields }
            }

            #(#accessors)*
        }

        #(#[automatically_derived] impl #access for #name {})*

        #behaviour
    })
}

/// Expands `#[derive(XBlockAside)]`.
pub(crate) fn aside(input: &DeriveInput) -> Result<TokenStream> {
    check_struct(input)?;
    let name = &input.ident;
    let class = declaration::class(&input.attrs, name, Family::Aside)?;
    if let Some(group) = class.groups.first() {
        return Err(Error::new_spanned(group, "an aside declares its fields itself"));
    }
    let fields = declaration::fields(&input.attrs)?;
    let specs = fields.iter().map(spec);
    let accessors = fields.iter().map(|field| accessors(field, &quote!(pub), &quote!(&self.fields)));
    let aside_type = &class.block_type;
    let needs = class.needs.iter().map(service_name);
    let wants = class.wants.iter().map(service_name);
    let behaviour = aside_behaviour(name, &class);
    Ok(quote! {
        #[automatically_derived]
        impl #name {
            /// The fields of the class in the order in which XBlock lists them.
            pub const FIELDS: &'static [::xblock_core::fields::FieldSpec] = &[#(#specs),*];

            /// The declaration of the class, for a registry.
            pub const CLASS: &'static ::xblock_core::block::AsideClass = {
                static CLASS: ::xblock_core::block::AsideClass = ::xblock_core::block::AsideClass {
                    aside_type: #aside_type,
                    fields: #name::FIELDS,
                    services: ::xblock_core::services::DeclaredServices {
                        needs: &[#(#needs),*],
                        wants: &[#(#wants),*],
                    },
                    create: |fields| ::std::boxed::Box::new(#name::from_fields(fields)),
                };
                &CLASS
            };

            /// Makes an aside from its fields.
            #[must_use]
            pub fn from_fields(fields: ::xblock_core::fields::BlockFields) -> Self {
                Self { fields }
            }

            #(#accessors)*
        }

        #behaviour
    })
}

fn aside_behaviour(name: &Ident, class: &Class) -> TokenStream {
    let applies_to = class.applies_to.as_ref().map(|method| {
        quote! {
            fn should_apply_to_block(
                &self,
                block: &dyn ::xblock_core::block::XBlock,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> bool {
                self.#method(block, context)
            }
        }
    });
    let views = class.views.iter().map(|Entry { name, method }| {
        let text = name.to_string();
        quote!(#text => self.#method(block, context).map(::core::option::Option::Some),)
    });
    let handlers = handlers(class);
    quote! {
        #[automatically_derived]
        impl ::xblock_core::block::XBlockAside for #name {
            fn fields(&self) -> &::xblock_core::fields::BlockFields {
                &self.fields
            }

            #applies_to

            #[allow(unused_variables)]
            fn view(
                &self,
                view: &str,
                block: &dyn ::xblock_core::block::XBlock,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> ::core::result::Result<
                ::core::option::Option<::xblock_core::fragment::Fragment>,
                ::xblock_core::block::BlockError,
            > {
                match view {
                    #(#views)*
                    _ => ::core::result::Result::Ok(::core::option::Option::None),
                }
            }

            #[allow(unused_variables)]
            fn handle(
                &self,
                name: &str,
                request: &::xblock_core::block::HandlerRequest,
                block: &dyn ::xblock_core::block::XBlock,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> ::core::result::Result<::xblock_core::block::HandlerResponse, ::xblock_core::block::BlockError> {
                match name {
                    #(#handlers)*
                    _ => ::core::result::Result::Err(::xblock_core::block::BlockError::NoSuchHandler {
                        handler: name.to_owned(),
                    }),
                }
            }
        }
    }
}

/// Returns the arms that lead to a class's handlers.
fn handlers(class: &Class) -> Vec<TokenStream> {
    let plain = class.handlers.iter().map(|Entry { name, method }| {
        let text = name.to_string();
        quote!(#text => self.#method(request, context),)
    });
    let json = class.json_handlers.iter().map(|Entry { name, method }| {
        let text = name.to_string();
        quote! {
            #text => ::xblock_core::block::HandlerResponse::of(&self.#method(request.json()?, context)?),
        }
    });
    plain.chain(json).collect()
}

/// Expands `#[derive(FieldGroup)]`.
pub(crate) fn group(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    let visibility = &input.vis;
    let fields = declaration::fields(&input.attrs)?;
    let specs = fields.iter().map(spec);
    let of_block = quote!(::xblock_core::block::XBlock::fields(self));
    let accessors = fields.iter().map(|field| accessors(field, &TokenStream::new(), &of_block));
    let access = format_ident!("Has{name}");
    let doc = format!("Reads and sets the fields of [`{name}`].");
    Ok(quote! {
        #[automatically_derived]
        impl ::xblock_core::block::FieldGroup for #name {
            const FIELDS: &'static [::xblock_core::fields::FieldSpec] = &[#(#specs),*];
        }

        #[doc = #doc]
        #visibility trait #access: ::xblock_core::block::XBlock {
            #(#accessors)*
        }
    })
}

/// Checks that the struct keeps its fields and nothing else.
fn check_struct(input: &DeriveInput) -> Result<()> {
    let name = &input.ident;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(name.span(), format!("`{name}` must be a struct to be an XBlock")));
    };
    let Fields::Named(named) = &data.fields else {
        return Err(Error::new(
            name.span(),
            format!("`{name}` must be written `struct {name} {{ fields: BlockFields }}`"),
        ));
    };
    let mut has_fields = false;
    for member in &named.named {
        match &member.ident {
            Some(ident) if ident == "fields" => has_fields = true,
            Some(other) => {
                return Err(Error::new(
                    other.span(),
                    format!(
                        "an XBlock keeps nothing but its fields: declare `{other}` with #[field({other}: ..)]"
                    ),
                ));
            }
            None => {}
        }
    }
    if has_fields {
        return Ok(());
    }
    Err(Error::new(
        name.span(),
        format!("`{name}` must be written `struct {name} {{ fields: BlockFields }}`"),
    ))
}

fn spec(field: &Field) -> TokenStream {
    let name = field_name(field);
    let Field { kind_name, scope, flags, .. } = field;
    let default = match &field.default {
        Default::OfType => TokenStream::new(),
        Default::Json(text) => quote!(.default(#text)),
        Default::UniqueId => quote!(.unique_id()),
    };
    let display_name = field.display_name.as_ref().map(|text| quote!(.display_name(#text)));
    let help = field.help.as_ref().map(|text| quote!(.help(#text)));
    let values = values(&field.values);
    quote! {
        ::xblock_core::fields::FieldSpec::new(
            #name,
            ::xblock_core::fields::FieldType::#kind_name,
            ::xblock_core::fields::Scope::#scope,
        )
        #default #display_name #help #values #(.#flags())*
    }
}

fn values(values: &Values) -> TokenStream {
    let chosen = match values {
        Values::Any => return TokenStream::new(),
        Values::OneOf(texts) => quote!(OneOf(&[#(#texts),*])),
        Values::Named(pairs) => {
            let pairs = pairs.iter().map(|(shown, text)| quote!((#shown, #text)));
            quote!(Named(&[#(#pairs),*]))
        }
        Values::Range { min, max, step } => {
            let bound = |bound: &Option<TokenStream>| match bound {
                Some(number) => quote!(::core::option::Option::Some((#number) as f64)),
                None => quote!(::core::option::Option::None),
            };
            let (min, max, step) = (bound(min), bound(max), bound(step));
            quote!(Range { min: #min, max: #max, step: #step })
        }
    };
    quote!(.values(::xblock_core::fields::Values::#chosen))
}

fn class_value(name: &Ident, class: &Class) -> TokenStream {
    let Class { block_type, aliases, completion, custom_completion, has_children, detached, .. } = class;
    // As XBlock's mixin says of the classes it is mixed into.
    let has_score = class.has_score || class.scorable;
    let views = class.views.iter().map(|Entry { name, .. }| name.to_string());
    let needs = class.needs.iter().map(service_name);
    let wants = class.wants.iter().map(service_name);
    let class_name = name.to_string();
    let settings_key = class.settings_key.as_ref().map_or_else(|| quote!(#class_name), |key| quote!(#key));
    let icon = class.icon.as_ref().map_or_else(|| quote!("other"), |icon| quote!(#icon));
    let handlers = class.handlers.iter().chain(&class.json_handlers);
    let handlers = handlers.map(|Entry { name, .. }| name.to_string());
    let olx = class.olx.as_ref().map_or_else(|| quote!(::xblock_core::olx::PlainOlx), |olx| quote!(#olx));
    quote! {
        /// The declaration of the class, for a registry.
        pub const CLASS: &'static ::xblock_core::block::BlockClass = {
            static CLASS: ::xblock_core::block::BlockClass = ::xblock_core::block::BlockClass {
                block_type: #block_type,
                aliases: &[#(#aliases),*],
                fields: #name::FIELDS,
                has_children: #has_children,
                has_score: #has_score,
                detached: #detached,
                completion_mode: ::xblock_core::block::CompletionMode::#completion,
                has_custom_completion: #custom_completion,
                icon_class: #icon,
                views: &[#(#views),*],
                handlers: &[#(#handlers),*],
                services: ::xblock_core::services::DeclaredServices {
                    needs: &[#(#needs),*],
                    wants: &[#(#wants),*],
                },
                settings_key: #settings_key,
                olx: &#olx,
                create: |fields| ::std::boxed::Box::new(#name::from_fields(fields)),
            };
            &CLASS
        };
    }
}

fn service_name(service: &ServiceName) -> TokenStream {
    match service {
        ServiceName::Type(service) => quote!(<#service as ::xblock_core::services::Service>::NAME),
        ServiceName::Text(name) => quote!(#name),
    }
}

fn accessors(field: &Field, visibility: &TokenStream, fields: &TokenStream) -> TokenStream {
    let name = &field.name;
    let stored = field_name(field);
    let setter = format_ident!("set_{}", stored);
    let plain = rust_type(field.kind);
    let getter_doc = match &field.help {
        Some(help) => help.value(),
        None => format!("Returns the field `{stored}`."),
    };
    let setter_doc = format!("Sets the field `{stored}`.");
    let (read, returned) = if field.optional {
        (quote!(optional), quote!(::core::option::Option<#plain>))
    } else {
        (quote!(required), plain)
    };
    quote! {
        #[doc = #getter_doc]
        ///
        /// # Errors
        /// A [`BlockFieldsError`](::xblock_core::fields::BlockFieldsError) when what is stored is none of this field.
        #visibility fn #name(&self) -> ::core::result::Result<#returned, ::xblock_core::fields::BlockFieldsError> {
            ::xblock_core::block::accessors::#read(#fields, #stored)
        }

        #[doc = #setter_doc]
        ///
        /// # Errors
        /// A [`BlockFieldsError`](::xblock_core::fields::BlockFieldsError) when the value is none of this field.
        #visibility fn #setter(
            &self,
            value: impl ::core::convert::Into<#returned>,
        ) -> ::core::result::Result<(), ::xblock_core::fields::BlockFieldsError> {
            ::xblock_core::block::accessors::set(
                #fields,
                #stored,
                ::core::convert::Into::<#returned>::into(value),
            )
        }
    }
}

fn rust_type(kind: Kind) -> TokenStream {
    match kind {
        Kind::Integer => quote!(i64),
        Kind::Float => quote!(f64),
        Kind::Boolean => quote!(bool),
        Kind::Text => quote!(::std::sync::Arc<str>),
        Kind::DateTime => quote!(::xblock_core::fields::DateTime),
        Kind::TimeDelta => quote!(::xblock_core::fields::TimeDelta),
        Kind::List => quote!(::std::vec::Vec<::xblock_core::fields::Value>),
        Kind::Dict => quote!(::xblock_core::fields::Dict),
        Kind::Set => quote!(::xblock_core::fields::ValueSet),
        Kind::Score => quote!(::xblock_core::fields::Score),
        Kind::Value => quote!(::xblock_core::fields::Value),
    }
}

fn behaviour(name: &Ident, class: &Class) -> TokenStream {
    let view = match &class.view {
        Some(function) => quote!(#function(self, name, context)),
        None => quote! {
            ::core::result::Result::Err(::xblock_core::block::BlockError::NoSuchView { view: name.to_owned() })
        },
    };
    let views = class.views.iter().map(|Entry { name, method }| {
        let text = name.to_string();
        quote!(#text => self.#method(context),)
    });
    let handlers = handlers(class);
    let no_handler = match &class.fallback_handler {
        Some(method) => quote!(self.#method(name, request, context)),
        None => quote! {
            ::core::result::Result::Err(::xblock_core::block::BlockError::NoSuchHandler { handler: name.to_owned() })
        },
    };
    let scorable = class.scorable.then(|| {
        quote! {
            fn scorable(&self) -> ::core::option::Option<&dyn ::xblock_core::block::Scorable> {
                ::core::option::Option::Some(self)
            }
        }
    });
    let validate = class.validate.as_ref().map(|method| {
        quote! {
            fn validate(&self) -> ::xblock_core::block::Validation {
                ::xblock_core::block::Validation::of(&self.fields).with(self.#method())
            }
        }
    });
    let max_score = class.max_score.as_ref().map(|method| {
        quote! {
            fn max_score(
                &self,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> ::core::result::Result<::core::option::Option<f64>, ::xblock_core::block::BlockError> {
                self.#method(context).map(::core::option::Option::Some)
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl ::xblock_core::block::XBlock for #name {
            fn fields(&self) -> &::xblock_core::fields::BlockFields {
                &self.fields
            }

            #[allow(unused_variables)]
            fn view(
                &self,
                name: &str,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> ::core::result::Result<::xblock_core::fragment::Fragment, ::xblock_core::block::BlockError> {
                match name {
                    #(#views)*
                    _ => #view,
                }
            }

            #[allow(unused_variables)]
            fn handle(
                &self,
                name: &str,
                request: &::xblock_core::block::HandlerRequest,
                context: &dyn ::xblock_core::block::BlockContext,
            ) -> ::core::result::Result<::xblock_core::block::HandlerResponse, ::xblock_core::block::BlockError> {
                match name {
                    #(#handlers)*
                    _ => #no_handler,
                }
            }

            #scorable

            #validate

            #max_score
        }
    }
}

/// Turns the path of a group into that of the trait with its accessors.
fn access_trait(group: &Path) -> Path {
    let mut path = group.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = format_ident!("Has{}", last.ident);
    }
    path
}

/// Returns the name under which the field is stored.
fn field_name(field: &Field) -> String {
    let name = field.name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(source: &str) -> String {
        let input: DeriveInput = syn::parse_str(source).expect("the source is a struct");
        block(&input).expect_err("the declaration is wrong").to_string()
    }

    fn with_field(field: &str) -> String {
        complaint(&format!("#[xblock(type = \"x\")] #[field({field})] struct X {{ fields: BlockFields }}"))
    }

    #[test]
    fn errors_name_the_field() {
        assert_eq!(with_field("attempts"), "field `attempts` needs a type: `attempts: Integer`");
        assert_eq!(
            with_field("attempts: Number"),
            "field `attempts`: `Number` is no field type; they are the variants of FieldType"
        );
        assert_eq!(with_field("attempts: Integer = 0"), "field `attempts` needs a scope: scope = settings");
        assert_eq!(
            with_field("attempts: Integer, scope = settings"),
            "field `attempts` has no default, so it may hold nothing: write `attempts: Option<Integer>` or give it a \
             default, `attempts: Integer = ..`"
        );
        assert_eq!(
            with_field("attempts: Integer = zero, scope = settings"),
            "field `attempts`: expected JSON: a literal, true, false, null, [..] or {..}"
        );
        assert!(
            with_field("due: Option<Date>, scope = setting")
                .starts_with("field `due`: `setting` is no scope; scopes are content,")
        );
        assert!(
            with_field("due: Option<Date>, scope = settings, default = 1")
                .starts_with("field `due`: no option `default`")
        );
    }

    #[test]
    fn errors_name_the_struct() {
        assert_eq!(
            complaint("struct X { fields: BlockFields }"),
            "`X` needs #[xblock(type = \"..\")] to say its block type"
        );
        assert_eq!(
            complaint("#[xblock(type = \"x\")] struct X { fields: BlockFields, cache: u8 }"),
            "an XBlock keeps nothing but its fields: declare `cache` with #[field(cache: ..)]"
        );
        assert_eq!(
            complaint("#[xblock(type = \"x\")] struct X;"),
            "`X` must be written `struct X { fields: BlockFields }`"
        );
        assert_eq!(
            complaint(
                "#[xblock(type = \"x\")] #[field(a: Option<Date>, scope = settings)] #[field(a: Option<Date>, scope = settings)] struct X { fields: BlockFields }"
            ),
            "field `a` is declared twice"
        );
    }
}
