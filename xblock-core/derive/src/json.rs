//! Defaults and values of fields, written as JSON in an attribute and kept as JSON text.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::{Error, Lit, Result};

/// Reads one JSON value from the front of the tokens and returns its text.
pub(crate) fn text(tokens: TokenStream, at: Span) -> Result<String> {
    let mut parser = Parser { tokens: tokens.into_iter().collect(), next: 0, end: at };
    let text = parser.value()?;
    match parser.peek() {
        None => Ok(text),
        Some(extra) => Err(Error::new(extra.span(), "unexpected after the JSON value")),
    }
}

struct Parser {
    tokens: Vec<TokenTree>,
    next: usize,
    end: Span,
}

impl Parser {
    fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Result<TokenTree> {
        let token =
            self.peek().cloned().ok_or_else(|| Error::new(self.end, "a JSON value is missing here"))?;
        self.next += 1;
        Ok(token)
    }

    fn is_punct(&self, wanted: char) -> bool {
        matches!(self.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
    }

    fn value(&mut self) -> Result<String> {
        let negative = self.is_punct('-');
        if negative {
            self.next += 1;
        }
        match self.take()? {
            TokenTree::Literal(literal) => {
                let span = literal.span();
                match Lit::new(literal) {
                    Lit::Int(number) => Ok(signed(negative, number.base10_digits())),
                    Lit::Float(number) => Ok(signed(negative, number.base10_digits())),
                    Lit::Str(string) if !negative => Ok(quote(&string.value())),
                    _ => Err(Error::new(span, "no JSON has this literal")),
                }
            }
            TokenTree::Ident(word) if !negative && ["true", "false", "null"].iter().any(|w| word == w) => {
                Ok(word.to_string())
            }
            TokenTree::Group(group) if !negative && group.delimiter() == Delimiter::Bracket => {
                let items =
                    Self::inside(group.stream(), group.span_close()).items(|parser| parser.value())?;
                Ok(format!("[{items}]"))
            }
            TokenTree::Group(group) if !negative && group.delimiter() == Delimiter::Brace => {
                let members =
                    Self::inside(group.stream(), group.span_close()).items(|parser| parser.member())?;
                Ok(format!("{{{members}}}"))
            }
            other => {
                Err(Error::new(other.span(), "expected JSON: a literal, true, false, null, [..] or {..}"))
            }
        }
    }

    fn inside(tokens: TokenStream, end: Span) -> Self {
        Self { tokens: tokens.into_iter().collect(), next: 0, end }
    }

    fn items(mut self, read: impl Fn(&mut Self) -> Result<String>) -> Result<String> {
        let mut items = Vec::new();
        while self.peek().is_some() {
            items.push(read(&mut self)?);
            match self.peek() {
                None => break,
                Some(_) if self.is_punct(',') => self.next += 1,
                Some(other) => return Err(Error::new(other.span(), "expected a comma")),
            }
        }
        Ok(items.join(","))
    }

    fn member(&mut self) -> Result<String> {
        let key = self.take()?;
        let span = key.span();
        let TokenTree::Literal(literal) = key else {
            return Err(Error::new(span, "expected a name in quotation marks"));
        };
        let Lit::Str(name) = Lit::new(literal) else {
            return Err(Error::new(span, "expected a name in quotation marks"));
        };
        if !self.is_punct(':') {
            return Err(Error::new(span, "expected a colon after the name"));
        }
        self.next += 1;
        Ok(format!("{}:{}", quote(&name.value()), self.value()?))
    }
}

fn signed(negative: bool, digits: &str) -> String {
    if negative { format!("-{digits}") } else { digits.to_owned() }
}

fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> std::result::Result<String, String> {
        let tokens = source.parse().expect("the source is made of tokens");
        text(tokens, Span::call_site()).map_err(|error| error.to_string())
    }

    #[test]
    fn values_become_json_text() {
        assert_eq!(
            read(r#"{"a": [1, -2.5, true, null], "b": "x\"\n"}"#).as_deref(),
            Ok(r#"{"a":[1,-2.5,true,null],"b":"x\"\u000a"}"#)
        );
        assert_eq!(read("[1, 2,]").as_deref(), Ok("[1,2]"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        assert_eq!(
            read("some_path").unwrap_err(),
            "expected JSON: a literal, true, false, null, [..] or {..}"
        );
        assert_eq!(read("{a: 1}").unwrap_err(), "expected a name in quotation marks");
        assert_eq!(read("1 2").unwrap_err(), "unexpected after the JSON value");
        assert_eq!(read("").unwrap_err(), "a JSON value is missing here");
    }
}
