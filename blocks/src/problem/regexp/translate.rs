//! Spells a regular expression of Python's `re` (3.11) so that the engine reads the same in it, or says in Python's words
//! why Python would take none.

mod groups;

use std::fmt::Write as _;

use super::BadPattern;
use super::fault::{BACKSLASH_AT_END, Fault, UNBALANCED, bad_name, fault, quoted};

/// What a character outside of classes that Python takes for part of words is; the engine's `\w` has marks, too.
const WORD: &str = r"\p{L}\p{N}_";
/// Python's blanks are the engine's and four separators more.
const BLANK: &str = r"\s\x1c-\x1f";

type Result<T> = std::result::Result<T, Fault>;

/// Translates a pattern. Where `before_break`, `$` stands before a line feed at the end of the text, too, as it does in
/// Python; the engine takes longer then.
///
/// Flags for the whole pattern count where they do not stand at its beginning, too, as they did before Python 3.11.
///
/// # Errors
/// What Python says of the pattern.
pub(super) fn translate(pattern: &str, before_break: bool) -> std::result::Result<String, BadPattern> {
    let mut translation = Translation::new(pattern, before_break);
    let read = translation.read();
    // Python reads one character ahead, so that of all faults it finds this one first.
    let fault = match read {
        Err(other) if translation.rest == "\\" && other.reason != UNBALANCED => {
            fault(BACKSLASH_AT_END, translation.at())
        }
        Err(fault) => fault,
        Ok(()) => match translation.finish() {
            Ok(translated) => return Ok(translated),
            Err(fault) => fault,
        },
    };
    Err(fault.said(pattern))
}

/// What stands before the place, as far as a repetition asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    /// `^`, `$`, `\b` and their kin.
    Edge,
    /// Something that begins at this place of the output.
    Item(usize),
    Repetition,
}

struct Group {
    start: usize,
    /// The byte of the pattern where it begins.
    at: usize,
    flags: Flags,
    /// Its number, where what it found can be referred to.
    number: Option<usize>,
    /// How many more branches a condition may have.
    branches: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ascii: bool,
    verbose: bool,
}

/// One member of a character class.
enum Member {
    Character(char),
    Set(String),
}

struct Translation<'p> {
    pattern: &'p str,
    rest: &'p str,
    out: String,
    last: Last,
    groups: Vec<Group>,
    /// How many groups that can be referred to have begun.
    numbered: usize,
    /// Names of groups with their numbers.
    names: Vec<(&'p str, usize)>,
    /// The numbers that are conditions, which may come before their groups, and where they stand.
    conditions: Vec<(usize, usize)>,
    flags: Flags,
    /// Flags for the whole pattern, in the engine's letters.
    whole: String,
    before_break: bool,
}

impl<'p> Translation<'p> {
    fn new(pattern: &'p str, before_break: bool) -> Self {
        Self {
            pattern,
            rest: pattern,
            out: String::with_capacity(pattern.len() + 16),
            last: Last::Nothing,
            groups: Vec::new(),
            numbered: 0,
            names: Vec::new(),
            conditions: Vec::new(),
            flags: Flags::default(),
            whole: String::new(),
            before_break,
        }
    }

    fn read(&mut self) -> Result<()> {
        while let Some(character) = self.next() {
            self.piece(character)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    /// Goes past a text if it stands here.
    fn takes(&mut self, text: &str) -> bool {
        self.rest.strip_prefix(text).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    /// Returns the byte of the pattern that is read next.
    fn at(&self) -> usize {
        self.pattern.len() - self.rest.len()
    }

    /// Reads a name up to and past its end; a character behind a backslash ends nothing.
    fn until(&mut self, end: char, what: &str) -> Result<&'p str> {
        let (start, name) = (self.at(), self.rest);
        let found = loop {
            match self.next() {
                None => break None,
                Some(character) if character == end => break Some(self.at() - end.len_utf8()),
                Some('\\') => self.pass_escaped()?,
                Some(_) => {}
            }
        };
        match found {
            Some(at) if at > start => Ok(&name[..at - start]),
            None if !name.is_empty() => Err(fault(format!("missing {end}, unterminated name"), start)),
            _ => Err(fault(format!("missing {what}"), start)),
        }
    }

    /// Goes past what stands behind a backslash.
    fn pass_escaped(&mut self) -> Result<()> {
        let at = self.at() - 1;
        self.next().map(drop).ok_or_else(|| fault(BACKSLASH_AT_END, at))
    }

    /// Reads the name of a group.
    fn group_name(&mut self, end: char) -> Result<&'p str> {
        let start = self.at();
        let name = self.until(end, "group name")?;
        if is_identifier(name) { Ok(name) } else { Err(bad_name(name, start)) }
    }

    /// Finds the number of a group by its name.
    fn number_of(&self, name: &str, at: usize) -> Result<usize> {
        let known = self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        known.ok_or_else(|| fault(format!("unknown group name {}", quoted(name)), at))
    }

    fn is_open(&self, number: usize) -> bool {
        self.groups.iter().any(|group| group.number == Some(number))
    }

    fn item(&mut self, text: &str) {
        self.last = Last::Item(self.out.len());
        self.out.push_str(text);
    }

    fn edge(&mut self, text: &str) {
        self.last = Last::Edge;
        self.out.push_str(text);
    }

    fn literal(&mut self, character: char) {
        self.last = Last::Item(self.out.len());
        push_literal(&mut self.out, character);
    }

    fn piece(&mut self, character: char) -> Result<()> {
        match character {
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' if self.flags.verbose => {}
            '#' if self.flags.verbose => {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            }
            '\\' => self.escape()?,
            '[' => self.class()?,
            '.' => self.item("."),
            '^' => self.edge("^"),
            '$' if self.before_break => self.edge(r"(?:$|(?=\n\z))"),
            '$' => self.edge("$"),
            '|' => {
                if let Some(branches) = self.groups.last_mut().and_then(|group| group.branches.as_mut()) {
                    *branches = branches.checked_sub(1).ok_or_else(|| {
                        fault(
                            "conditional backref with more than two branches",
                            self.pattern.len() - self.rest.len() - 1,
                        )
                    })?;
                }
                self.last = Last::Nothing;
                self.out.push('|');
            }
            '(' => self.open()?,
            ')' => {
                let group = self.groups.pop();
                let group = group.ok_or_else(|| fault(UNBALANCED, self.at() - 1))?;
                self.flags = group.flags;
                self.out.push(')');
                self.last = Last::Item(group.start);
            }
            '*' | '+' | '?' => self.repeat(character.encode_utf8(&mut [0; 4]), self.at() - 1)?,
            '{' => match counts(self.rest, self.at()).inspect_err(|_| {
                // Python looks at the numbers once it is past them.
                self.rest = self.rest.split_once('}').map_or("", |(_, rest)| rest);
            })? {
                Some((times, length)) => {
                    let at = self.at() - 1;
                    self.rest = &self.rest[length..];
                    self.repeat(&times, at)?;
                }
                None => self.literal('{'),
            },
            other => self.literal(other),
        }
        Ok(())
    }

    /// Repeats what stands before; a repetition that gives nothing back is a group that does not.
    fn repeat(&mut self, times: &str, at: usize) -> Result<()> {
        let start = match self.last {
            Last::Item(start) => start,
            Last::Repetition => return Err(fault("multiple repeat", at)),
            Last::Nothing | Last::Edge => return Err(fault("nothing to repeat", at)),
        };
        if ["(?=", "(?!", "(?<"].iter().any(|look| self.out[start..].starts_with(look)) {
            // The engine repeats nothing that only looks, and looking again finds the same.
            let _ = self.takes("?") || self.takes("+");
            if matches!(times.as_bytes(), [b'*' | b'?', ..] | [b'{', b'0', ..]) {
                self.out.insert_str(start, "(?:");
                self.out.push_str("|)");
            }
        } else {
            self.out.push_str(times);
            if self.takes("?") {
                self.out.push('?');
            } else if self.takes("+") {
                self.out.insert_str(start, "(?>");
                self.out.push(')');
            }
        }
        self.last = Last::Repetition;
        Ok(())
    }

    fn escape(&mut self) -> Result<()> {
        let at = self.at() - 1;
        let character = self.next().ok_or_else(|| fault(BACKSLASH_AT_END, at))?;
        match character {
            'A' => self.edge(r"\A"),
            'Z' => self.edge(r"\z"),
            'b' | 'B' if self.flags.ascii => {
                let edge = format!(r"(?-u:\{character})");
                self.edge(&edge);
            }
            'b' => self.edge(r"\b"),
            'B' => self.edge(r"\B"),
            '1'..='9' => self.number(character, at)?,
            _ => match self.escaped(character, at)? {
                Member::Character(character) => self.literal(character),
                Member::Set(set) => self.item(&format!("[{set}]")),
            },
        }
        Ok(())
    }

    /// Reads a group's number of one or two digits, or three octal digits.
    fn number(&mut self, first: char, at: usize) -> Result<()> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).take(2).count();
        let text: String = std::iter::once(first).chain(self.rest[..digits].chars()).collect();
        if text.len() == 3 && text.bytes().all(|digit| digit < b'8') {
            self.rest = &self.rest[2..];
            let character = octal(&text, at)?;
            self.literal(character);
        } else {
            let group = &text[..text.len().min(2)];
            self.rest = &self.rest[group.len() - 1..];
            let number: usize = group.parse().unwrap_or(usize::MAX);
            if number > self.numbered {
                return Err(fault(format!("invalid group reference {group}"), at + 1));
            }
            if self.is_open(number) {
                return Err(fault("cannot refer to an open group", at));
            }
            self.item(&format!(r"(?:\{group})"));
        }
        Ok(())
    }

    /// Reads what a backslash means inside of classes and outside; it stands at this byte.
    fn escaped(&mut self, character: char, at: usize) -> Result<Member> {
        let set = |text: &str| Ok(Member::Set(text.to_owned()));
        let ascii = self.flags.ascii;
        Ok(Member::Character(match character {
            'd' => return set(if ascii { "0-9" } else { r"\d" }),
            'D' => return set(if ascii { "[^0-9]" } else { r"\D" }),
            's' => return set(if ascii { r"\t-\r\x20" } else { BLANK }),
            'S' => return Ok(Member::Set(format!("[^{}]", if ascii { r"\t-\r\x20" } else { BLANK }))),
            'w' => return set(if ascii { "a-zA-Z0-9_" } else { WORD }),
            'W' => return Ok(Member::Set(format!("[^{}]", if ascii { "a-zA-Z0-9_" } else { WORD }))),
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hexadecimal(2, at)?,
            'u' => self.hexadecimal(4, at)?,
            'U' => self.hexadecimal(8, at)?,
            'N' => self.named(at)?,
            '0' => {
                let digits = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let (number, rest) = self.rest.split_at(digits);
                self.rest = rest;
                octal(&format!("0{number}"), at)?
            }
            letter if letter.is_ascii_alphabetic() => {
                return Err(fault(format!("bad escape \\{letter}"), at));
            }
            other => other,
        }))
    }

    fn hexadecimal(&mut self, length: usize, at: usize) -> Result<char> {
        let digits = self.rest.bytes().take(length).take_while(u8::is_ascii_hexdigit).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let escape = &self.pattern[at..self.at()];
        if digits < length {
            return Err(fault(format!("incomplete escape {escape}"), at));
        }
        let character = u32::from_str_radix(number, 16).ok().and_then(char::from_u32);
        character.ok_or_else(|| fault(format!("bad escape {escape}"), at))
    }

    /// Reads the name of a character, as Unicode has it.
    fn named(&mut self, at: usize) -> Result<char> {
        if !self.takes("{") {
            return Err(fault("missing {", self.at()));
        }
        let name = self.until('}', "character name")?;
        unicode_names2::character(name)
            .ok_or_else(|| fault(format!("undefined character name {}", quoted(name)), at))
    }

    fn class(&mut self) -> Result<()> {
        let (start, begin) = (self.out.len(), self.at() - 1);
        let open = || fault("unterminated character set", begin);
        self.out.push('[');
        if self.takes("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let at = self.at();
            let character = self.next().ok_or_else(open)?;
            if character == ']' && !is_first {
                break;
            }
            is_first = false;
            let low = self.member(character)?;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.rest = &self.rest[1..];
                let before_end = self.at();
                let end = self.next().ok_or_else(open)?;
                match (low, self.member(end)?) {
                    (Member::Character(low), Member::Character(high)) if low <= high => {
                        push_literal(&mut self.out, low);
                        self.out.push('-');
                        push_literal(&mut self.out, high);
                    }
                    _ => return Err(self.bad_range(at, before_end)),
                }
                continue;
            }
            match low {
                Member::Character(character) => push_literal(&mut self.out, character),
                Member::Set(set) => self.out.push_str(&set),
            }
        }
        self.out.push(']');
        self.last = Last::Item(start);
        Ok(())
    }

    /// Reports a range between the members at two bytes of the pattern. Of an escape Python names the letter only, and
    /// counts back from the end of the range by what it names.
    fn bad_range(&self, low: usize, high: usize) -> Fault {
        let named = |at: usize| {
            let length = if self.pattern[at..].starts_with('\\') { 2 } else { 1 };
            self.pattern[at..].chars().take(length).collect::<String>()
        };
        let range = format!("{}-{}", named(low), named(high));
        let back = self.pattern[..self.at()].char_indices().rev().nth(range.chars().count() - 1);
        fault(format!("bad character range {range}"), back.map_or(low, |(at, _)| at))
    }

    fn member(&mut self, character: char) -> Result<Member> {
        if character != '\\' {
            return Ok(Member::Character(character));
        }
        let at = self.at() - 1;
        match self.next().ok_or_else(|| fault(BACKSLASH_AT_END, at))? {
            'b' => Ok(Member::Character('\x08')),
            digit @ '1'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let (number, rest) = self.rest.split_at(more);
                self.rest = rest;
                octal(&format!("{digit}{number}"), at).map(Member::Character)
            }
            digit @ ('8' | '9') => Err(fault(format!("bad escape \\{digit}"), at)),
            escaped => self.escaped(escaped, at),
        }
    }

    fn finish(mut self) -> Result<String> {
        if let Some(group) = self.groups.last() {
            return Err(fault("missing ), unterminated subpattern", group.at));
        }
        if let Some((number, at)) = self.conditions.iter().find(|(number, _)| *number > self.numbered) {
            return Err(fault(format!("invalid group reference {number}"), *at));
        }
        if !self.whole.is_empty() {
            self.out.insert_str(0, &format!("(?{})", self.whole));
        }
        Ok(self.out)
    }
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
}

/// Tells whether a letter is a flag. `t` is one that does nothing.
fn octal(digits: &str, at: usize) -> Result<char> {
    let number = u32::from_str_radix(digits, 8).ok().filter(|number| *number <= 0o377);
    number
        .and_then(char::from_u32)
        .ok_or_else(|| fault(format!("octal escape value \\{digits} outside of range 0-0o377"), at))
}

fn push_literal(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() || (!character.is_ascii() && !character.is_whitespace()) {
        out.push(character);
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "\\x{{{:x}}}", u32::from(character));
    }
}

/// Reads `2}`, `2,}`, `,3}`, `2,3}` or `,}`: the repetition in the engine's form, and how long it is. Anything else is
/// literal. The text stands at this byte.
fn counts(text: &str, at: usize) -> Result<Option<(String, usize)>> {
    let Some((inside, _)) = text.split_once('}') else { return Ok(None) };
    let (least, most) = inside.split_once(',').map_or((inside, None), |(least, most)| (least, Some(most)));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if inside.is_empty() || !is_number(least) || !most.is_none_or(is_number) {
        return Ok(None);
    }
    let number = |text: &str| match text.parse::<u32>() {
        Ok(number) if number < u32::MAX => Ok(number),
        Err(_) if text.is_empty() => Ok(0),
        _ => Err(Fault::somewhere("the repetition number is too large")),
    };
    let low = number(least)?;
    let times = match most {
        None => format!("{{{low}}}"),
        Some("") if low == 0 => "*".to_owned(),
        Some("") => format!("{{{low},}}"),
        Some(most) => match number(most)? {
            high if high < low => return Err(fault("min repeat greater than max repeat", at)),
            high => format!("{{{low},{high}}}"),
        },
    };
    Ok(Some((times, inside.len() + 1)))
}
