//! The attributes as written: one `#[xblock]`, and `#[field]` once for each field.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Error, Expr, LitStr, Path, Result, Token, Type, parenthesized};

use crate::json;

/// What `#[xblock]` and `#[fields]` say of a class.
pub(crate) struct Class {
    pub(crate) block_type: LitStr,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) icon: Option<LitStr>,
    pub(crate) completion: Ident,
    pub(crate) custom_completion: bool,
    pub(crate) has_children: bool,
    pub(crate) has_score: bool,
    pub(crate) detached: bool,
    pub(crate) olx: Option<Expr>,
    pub(crate) view: Option<Path>,
    pub(crate) views: Vec<Entry>,
    pub(crate) handlers: Vec<Entry>,
    pub(crate) json_handlers: Vec<Entry>,
    pub(crate) fallback_handler: Option<Ident>,
    pub(crate) needs: Vec<ServiceName>,
    pub(crate) wants: Vec<ServiceName>,
    pub(crate) settings_key: Option<LitStr>,
    pub(crate) scorable: bool,
    pub(crate) applies_to: Option<Ident>,
    pub(crate) validate: Option<Ident>,
    pub(crate) max_score: Option<Ident>,
    pub(crate) groups: Vec<Path>,
}

/// A view or handler, and the method behind it.
pub(crate) struct Entry {
    pub(crate) name: Ident,
    pub(crate) method: Ident,
}

/// A service, by the type it is asked for by, or by its name where it has none in Rust.
pub(crate) enum ServiceName {
    Type(Box<Type>),
    Text(LitStr),
}

/// What one `#[field]` says.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) kind: Kind,
    pub(crate) kind_name: Ident,
    /// Whether the accessor tells nothing from something.
    pub(crate) optional: bool,
    pub(crate) default: Default,
    pub(crate) scope: Ident,
    pub(crate) display_name: Option<LitStr>,
    pub(crate) help: Option<LitStr>,
    pub(crate) values: Values,
    pub(crate) flags: Vec<Ident>,
}

/// What `=` after a field's type says.
pub(crate) enum Default {
    OfType,
    Json(String),
    UniqueId,
}

/// What a field says of its values.
pub(crate) enum Values {
    Any,
    OneOf(Vec<String>),
    Named(Vec<(LitStr, String)>),
    Range { min: Option<TokenStream>, max: Option<TokenStream>, step: Option<TokenStream> },
}

/// How the values of a field type look in Rust.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    Boolean,
    Text,
    DateTime,
    TimeDelta,
    List,
    Dict,
    Set,
    Score,
    Value,
}

impl Kind {
    /// Finds a kind by the name of the field type (a variant of `FieldType`).
    fn of(name: &Ident) -> Option<Self> {
        Some(match name.to_string().as_str() {
            "Integer" => Self::Integer,
            "Float" => Self::Float,
            "Boolean" => Self::Boolean,
            "String" | "XmlString" | "Reference" | "Randomization" => Self::Text,
            "Date" => Self::DateTime,
            "Timedelta" | "RelativeTime" => Self::TimeDelta,
            "List" | "ReferenceList" | "ListScore" | "UserPartitionList" | "TextbookList"
            | "CourseTabList" => Self::List,
            "Dict" | "ReferenceValueDict" | "GroupAccessDict" => Self::Dict,
            "Set" => Self::Set,
            "Score" => Self::Score,
            "DateTime" | "Any" | "JsonField" => Self::Value,
            _ => return None,
        })
    }

    /// Tells whether a field of this kind always holds something, even without a declared default.
    fn always_holds(self) -> bool {
        matches!(self, Self::Boolean | Self::List | Self::Dict | Self::Set | Self::Value)
    }
}

const SCOPES: [(&str, &str); 6] = [
    ("content", "Content"),
    ("settings", "Settings"),
    ("user_state", "UserState"),
    ("preferences", "Preferences"),
    ("user_info", "UserInfo"),
    ("user_state_summary", "UserStateSummary"),
];

const FLAGS: [&str; 5] = ["enforce_type", "xml_node", "force_export", "hidden", "deprecated"];

/// What a declaration is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Block,
    Aside,
}

impl Family {
    fn attribute(self) -> &'static str {
        match self {
            Self::Block => "xblock",
            Self::Aside => "xblock_aside",
        }
    }

    /// Lists what the attribute may say.
    fn items(self) -> &'static [&'static str] {
        match self {
            Self::Block => &[
                "type",
                "aliases",
                "icon",
                "completion",
                "custom_completion",
                "has_children",
                "has_score",
                "scorable",
                "detached",
                "olx",
                "view",
                "views",
                "handlers",
                "json_handlers",
                "fallback_handler",
                "needs",
                "wants",
                "settings_key",
                "validate",
                "max_score",
            ],
            Self::Aside => &["type", "views", "handlers", "json_handlers", "needs", "wants", "applies_to"],
        }
    }
}

/// Reads the `#[xblock]` or `#[xblock_aside]`, and the `#[fields]` attributes.
pub(crate) fn class(attributes: &[Attribute], of: &Ident, family: Family) -> Result<Class> {
    let name = family.attribute();
    let mut declared: Option<Class> = None;
    let mut groups = Vec::new();
    for attribute in attributes {
        if attribute.path().is_ident(name) {
            if declared.is_some() {
                return Err(Error::new_spanned(attribute, format!("one #[{name}(..)] is enough")));
            }
            declared =
                Some(attribute.parse_args_with(|input: ParseStream<'_>| parse_class(input, of, family))?);
        } else if attribute.path().is_ident("fields") {
            let paths = attribute
                .parse_args_with(syn::punctuated::Punctuated::<Path, Token![,]>::parse_terminated)?;
            groups.extend(paths);
        }
    }
    let mut class = declared.ok_or_else(|| {
        Error::new(of.span(), format!("`{of}` needs #[{name}(type = \"..\")] to say its block type"))
    })?;
    class.groups = groups;
    Ok(class)
}

fn parse_class(input: ParseStream<'_>, of: &Ident, family: Family) -> Result<Class> {
    let mut block_type = None;
    let mut class = Class {
        block_type: LitStr::new("", of.span()),
        aliases: Vec::new(),
        icon: None,
        completion: Ident::new("Completable", Span::call_site()),
        custom_completion: false,
        has_children: false,
        has_score: false,
        detached: false,
        olx: None,
        view: None,
        views: Vec::new(),
        handlers: Vec::new(),
        json_handlers: Vec::new(),
        fallback_handler: None,
        needs: Vec::new(),
        wants: Vec::new(),
        settings_key: None,
        scorable: false,
        applies_to: None,
        validate: None,
        max_score: None,
        groups: Vec::new(),
    };
    while !input.is_empty() {
        if input.peek(Token![type]) {
            input.parse::<Token![type]>()?;
            input.parse::<Token![=]>()?;
            block_type = Some(input.parse::<LitStr>()?);
        } else {
            let key: Ident = input.parse()?;
            let word = key.to_string();
            let word = if family.items().contains(&word.as_str()) { word.as_str() } else { "" };
            match word {
                "custom_completion" => class.custom_completion = true,
                "has_children" => class.has_children = true,
                "has_score" => class.has_score = true,
                "detached" => class.detached = true,
                "aliases" => {
                    class.aliases = list(input)?
                        .parse_terminated(<LitStr as syn::parse::Parse>::parse, Token![,])?
                        .into_iter()
                        .collect()
                }
                "views" => class.views = entries(input)?,
                "handlers" => class.handlers = entries(input)?,
                "json_handlers" => class.json_handlers = entries(input)?,
                "fallback_handler" => class.fallback_handler = Some(assigned(input)?),
                "needs" => class.needs = services(input)?,
                "wants" => class.wants = services(input)?,
                "settings_key" => class.settings_key = Some(assigned(input)?),
                "scorable" => class.scorable = true,
                "applies_to" => class.applies_to = Some(assigned(input)?),
                "icon" => class.icon = Some(assigned(input)?),
                "olx" => class.olx = Some(assigned(input)?),
                "view" => class.view = Some(assigned(input)?),
                "validate" => class.validate = Some(assigned(input)?),
                "max_score" => class.max_score = Some(assigned(input)?),
                "completion" => class.completion = completion(&assigned(input)?)?,
                _ => {
                    return Err(Error::new(
                        key.span(),
                        format!(
                            "`{of}`: #[{}] has no `{key}`; it has {}",
                            family.attribute(),
                            family.items().join(", ")
                        ),
                    ));
                }
            }
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    if let Some(twice) =
        class.json_handlers.iter().find(|entry| class.handlers.iter().any(|other| other.name == entry.name))
    {
        return Err(Error::new(twice.name.span(), format!("`{}` is listed twice", twice.name)));
    }
    class.block_type = block_type.ok_or_else(|| {
        Error::new(of.span(), format!("`{of}`: #[{}] needs type = \"..\"", family.attribute()))
    })?;
    Ok(class)
}

fn assigned<T: syn::parse::Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn list<'a>(input: ParseStream<'a>) -> Result<syn::parse::ParseBuffer<'a>> {
    let content;
    parenthesized!(content in input);
    Ok(content)
}

fn entries(input: ParseStream<'_>) -> Result<Vec<Entry>> {
    let content = list(input)?;
    let mut entries: Vec<Entry> = Vec::new();
    while !content.is_empty() {
        let name: Ident = content.parse()?;
        let method = if content.peek(Token![=]) { assigned(&content)? } else { name.clone() };
        if entries.iter().any(|entry| entry.name == name) {
            return Err(Error::new(name.span(), format!("`{name}` is listed twice")));
        }
        entries.push(Entry { name, method });
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(entries)
}

/// Reads `dyn UserService, "mako"`.
fn services(input: ParseStream<'_>) -> Result<Vec<ServiceName>> {
    let content = list(input)?;
    let mut services = Vec::new();
    while !content.is_empty() {
        services.push(if content.peek(LitStr) {
            ServiceName::Text(content.parse()?)
        } else {
            ServiceName::Type(Box::new(content.parse()?))
        });
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(services)
}

fn completion(word: &Ident) -> Result<Ident> {
    let variant = match word.to_string().as_str() {
        "completable" => "Completable",
        "aggregator" => "Aggregator",
        "excluded" => "Excluded",
        other => {
            return Err(Error::new(
                word.span(),
                format!("`{other}` is no completion mode: completable, aggregator or excluded"),
            ));
        }
    };
    Ok(Ident::new(variant, word.span()))
}

/// Reads every `#[field]`, in the order of the names, which is the order in which XBlock lists a class's fields.
pub(crate) fn fields(attributes: &[Attribute]) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("field")) {
        let field = attribute.parse_args_with(parse_field)?;
        if fields.iter().any(|other| other.name == field.name) {
            return Err(Error::new(field.name.span(), format!("field `{}` is declared twice", field.name)));
        }
        fields.push(field);
    }
    fields.sort_by_key(|field| field.name.to_string());
    Ok(fields)
}

fn parse_field(input: ParseStream<'_>) -> Result<Field> {
    let name: Ident = input.parse()?;
    input.parse::<Token![:]>().map_err(|error| {
        Error::new(error.span(), format!("field `{name}` needs a type: `{name}: Integer`"))
    })?;
    let (kind_name, optional) = kind_name(input)?;
    let kind = Kind::of(&kind_name).ok_or_else(|| {
        Error::new(
            kind_name.span(),
            format!("field `{name}`: `{kind_name}` is no field type; they are the variants of FieldType"),
        )
    })?;
    let default = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        default(take_item(input)?, &name)?
    } else {
        Default::OfType
    };
    if matches!(default, Default::OfType) && !optional && !kind.always_holds() {
        return Err(Error::new(
            kind_name.span(),
            format!(
                "field `{name}` has no default, so it may hold nothing: write `{name}: Option<{kind_name}>` or give \
                 it a default, `{name}: {kind_name} = ..`"
            ),
        ));
    }
    let mut field = Field {
        kind,
        kind_name,
        optional,
        default,
        scope: Ident::new("Content", name.span()),
        display_name: None,
        help: None,
        values: Values::Any,
        flags: Vec::new(),
        name,
    };
    let mut has_scope = false;
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let key: Ident = input.parse()?;
        has_scope |= key == "scope";
        option(&mut field, &key, input)?;
    }
    if has_scope {
        return Ok(field);
    }
    Err(Error::new(field.name.span(), format!("field `{}` needs a scope: scope = settings", field.name)))
}

fn kind_name(input: ParseStream<'_>) -> Result<(Ident, bool)> {
    let first: Ident = input.parse()?;
    if first != "Option" {
        return Ok((first, false));
    }
    input.parse::<Token![<]>()?;
    let inner = input.parse()?;
    input.parse::<Token![>]>()?;
    Ok((inner, true))
}

fn default(tokens: TokenStream, name: &Ident) -> Result<Default> {
    let words: Vec<TokenTree> = tokens.clone().into_iter().collect();
    if let [TokenTree::Ident(word)] = words.as_slice()
        && word == "unique_id"
    {
        return Ok(Default::UniqueId);
    }
    named(json::text(tokens, name.span()), name).map(Default::Json)
}

/// Prefixes an error with the field it is about.
fn named<T>(result: Result<T>, name: &Ident) -> Result<T> {
    result.map_err(|error| Error::new(error.span(), format!("field `{name}`: {error}")))
}

/// Takes the tokens up to the next comma outside brackets.
fn take_item(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = Vec::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.push(input.parse::<TokenTree>()?);
    }
    Ok(tokens.into_iter().collect())
}

fn option(field: &mut Field, key: &Ident, input: ParseStream<'_>) -> Result<()> {
    let name = field.name.clone();
    match key.to_string().as_str() {
        "scope" => {
            let word: Ident = named(assigned(input), &name)?;
            let found = SCOPES.iter().find(|(scope, _)| word == scope).ok_or_else(|| {
                let all: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).collect();
                Error::new(
                    word.span(),
                    format!("field `{name}`: `{word}` is no scope; scopes are {}", all.join(", ")),
                )
            })?;
            field.scope = Ident::new(found.1, word.span());
        }
        "display_name" => field.display_name = Some(named(assigned(input), &name)?),
        "help" => field.help = Some(named(assigned(input), &name)?),
        "values" => {
            input.parse::<Token![=]>()?;
            field.values = named(values(take_item(input)?, key), &name)?;
        }
        "min" | "max" | "step" => {
            let bound: Expr = named(assigned(input), &name)?;
            if matches!(field.values, Values::Any) {
                field.values = Values::Range { min: None, max: None, step: None };
            }
            let Values::Range { min, max, step } = &mut field.values else {
                return Err(Error::new(key.span(), format!("field `{name}` has values already")));
            };
            *match key.to_string().as_str() {
                "min" => min,
                "max" => max,
                _ => step,
            } = Some(bound.into_token_stream());
        }
        flag if FLAGS.contains(&flag) => field.flags.push(key.clone()),
        other => {
            return Err(Error::new(
                key.span(),
                format!(
                    "field `{name}`: no option `{other}`; options are scope, display_name, help, values, min, max, step, {}",
                    FLAGS.join(", ")
                ),
            ));
        }
    }
    Ok(())
}

/// Reads `["a", "b"]`, or `{"Name": "a", ..}` for values that are shown under another name.
fn values(tokens: TokenStream, key: &Ident) -> Result<Values> {
    let parser = |input: ParseStream<'_>| {
        if input.peek(syn::token::Bracket) {
            let content;
            syn::bracketed!(content in input);
            let mut items = Vec::new();
            while !content.is_empty() {
                items.push(json::text(take_item(&content)?, key.span())?);
                if !content.is_empty() {
                    content.parse::<Token![,]>()?;
                }
            }
            return Ok(Values::OneOf(items));
        }
        let content;
        syn::braced!(content in input);
        let mut items = Vec::new();
        while !content.is_empty() {
            let shown: LitStr = content.parse()?;
            content.parse::<Token![:]>()?;
            items.push((shown, json::text(take_item(&content)?, key.span())?));
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
        Ok(Values::Named(items))
    };
    parser.parse2(tokens)
}
