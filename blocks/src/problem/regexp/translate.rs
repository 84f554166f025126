//! Spells a regular expression of Python's `re` (3.11) so that the engine reads the same in it, or says why Python would
//! take none.

use std::fmt::Write as _;

use super::BadPattern;

/// What a character outside of classes that Python takes for part of words is; the engine's `\w` has marks, too.
const WORD: &str = r"\p{L}\p{N}_";
/// Python's blanks are the engine's and four separators more.
const BLANK: &str = r"\s\x1c-\x1f";

type Result<T> = std::result::Result<T, BadPattern>;

/// Translates a pattern. Where `before_break`, `$` stands before a line feed at the end of the text, too, as it does in
/// Python; the engine takes longer then.
///
/// Flags for the whole pattern count where they do not stand at its beginning, too, as they did before Python 3.11.
pub(super) fn translate(pattern: &str, before_break: bool) -> Result<String> {
    let mut translation = Translation::new(pattern, before_break);
    while let Some(character) = translation.next() {
        translation.piece(character)?;
    }
    translation.finish()
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
    flags: Flags,
    /// Its number, where what it found can be referred to.
    number: Option<usize>,
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
    rest: &'p str,
    out: String,
    last: Last,
    groups: Vec<Group>,
    /// How many groups that can be referred to have begun.
    numbered: usize,
    names: Vec<&'p str>,
    /// The highest number that is a condition, which may come before its group.
    condition: usize,
    flags: Flags,
    /// Flags for the whole pattern, in the engine's letters.
    whole: String,
    before_break: bool,
}

impl<'p> Translation<'p> {
    fn new(pattern: &'p str, before_break: bool) -> Self {
        Self {
            rest: pattern,
            out: String::with_capacity(pattern.len() + 16),
            last: Last::Nothing,
            groups: Vec::new(),
            numbered: 0,
            names: Vec::new(),
            condition: 0,
            flags: Flags::default(),
            whole: String::new(),
            before_break,
        }
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

    /// Goes up to and past an end, and returns what stood before it.
    fn until(&mut self, end: char, missing: &str) -> Result<&'p str> {
        let (before, after) = self.rest.split_once(end).ok_or_else(|| bad(missing))?;
        self.rest = after;
        Ok(before)
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
                self.last = Last::Nothing;
                self.out.push('|');
            }
            '(' => self.open()?,
            ')' => {
                let group = self.groups.pop().ok_or_else(|| bad("a ) has no ("))?;
                self.flags = group.flags;
                self.out.push(')');
                self.last = Last::Item(group.start);
            }
            '*' | '+' | '?' => self.repeat(character.encode_utf8(&mut [0; 4]))?,
            '{' => match counts(self.rest)? {
                Some((times, length)) => {
                    self.rest = &self.rest[length..];
                    self.repeat(&times)?;
                }
                None => self.literal('{'),
            },
            other => self.literal(other),
        }
        Ok(())
    }

    /// Repeats what stands before; a repetition that gives nothing back is a group that does not.
    fn repeat(&mut self, times: &str) -> Result<()> {
        let start = match self.last {
            Last::Item(start) => start,
            Last::Repetition => return Err(bad("a repetition is repeated")),
            Last::Nothing | Last::Edge => return Err(bad("there is nothing to repeat")),
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
        let character = self.next().ok_or_else(|| bad("the pattern ends with a backslash"))?;
        match character {
            'A' => self.edge(r"\A"),
            'Z' => self.edge(r"\z"),
            'b' | 'B' if self.flags.ascii => {
                let edge = format!(r"(?-u:\{character})");
                self.edge(&edge);
            }
            'b' => self.edge(r"\b"),
            'B' => self.edge(r"\B"),
            '1'..='9' => self.number(character)?,
            _ => match self.escaped(character)? {
                Member::Character(character) => self.literal(character),
                Member::Set(set) => self.item(&format!("[{set}]")),
            },
        }
        Ok(())
    }

    /// Reads a group's number of one or two digits, or three octal digits.
    fn number(&mut self, first: char) -> Result<()> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).take(2).count();
        let text: String = std::iter::once(first).chain(self.rest[..digits].chars()).collect();
        if text.len() == 3 && text.bytes().all(|digit| digit < b'8') {
            self.rest = &self.rest[2..];
            let character = octal(&text)?;
            self.literal(character);
        } else {
            let group = &text[..text.len().min(2)];
            self.rest = &self.rest[group.len() - 1..];
            let number: usize = group.parse().unwrap_or(usize::MAX);
            if number > self.numbered || self.groups.iter().any(|group| group.number == Some(number)) {
                return Err(BadPattern(format!("no group ends before \\{group}")));
            }
            self.item(&format!(r"(?:\{group})"));
        }
        Ok(())
    }

    /// Reads what a backslash means inside of classes and outside.
    fn escaped(&mut self, character: char) -> Result<Member> {
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
            'x' => self.hexadecimal(2)?,
            'u' => self.hexadecimal(4)?,
            'U' => self.hexadecimal(8)?,
            'N' => self.named()?,
            '0' => {
                let digits = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let (number, rest) = self.rest.split_at(digits);
                self.rest = rest;
                octal(&format!("0{number}"))?
            }
            letter if letter.is_ascii_alphabetic() => {
                return Err(BadPattern(format!("\\{letter} means nothing in Python")));
            }
            other => other,
        }))
    }

    fn hexadecimal(&mut self, length: usize) -> Result<char> {
        let digits = self.rest.get(..length).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let character = digits.and_then(|digits| char::from_u32(u32::from_str_radix(digits, 16).ok()?));
        let character =
            character.ok_or_else(|| bad("a backslash with x, u or U and digits is no character"))?;
        self.rest = &self.rest[length..];
        Ok(character)
    }

    /// Reads the name of a character, as Unicode has it.
    fn named(&mut self) -> Result<char> {
        if !self.takes("{") {
            return Err(bad("\\N has no name in braces"));
        }
        let name = self.until('}', "\\N{ has no }")?;
        unicode_names2::character(name).ok_or_else(|| BadPattern(format!("no character is named {name:?}")))
    }

    fn class(&mut self) -> Result<()> {
        let start = self.out.len();
        self.out.push('[');
        if self.takes("^") {
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let open = || bad("a [ has no ]");
            let character = self.next().ok_or_else(open)?;
            if character == ']' && !is_first {
                break;
            }
            is_first = false;
            let low = self.member(character)?;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.rest = &self.rest[1..];
                let end = self.next().ok_or_else(open)?;
                match (low, self.member(end)?) {
                    (Member::Character(low), Member::Character(high)) if low <= high => {
                        push_literal(&mut self.out, low);
                        self.out.push('-');
                        push_literal(&mut self.out, high);
                    }
                    _ => return Err(bad("a range in brackets ends before it begins")),
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

    fn member(&mut self, character: char) -> Result<Member> {
        if character != '\\' {
            return Ok(Member::Character(character));
        }
        match self.next().ok_or_else(|| bad("a [ has no ]"))? {
            'b' => Ok(Member::Character('\x08')),
            digit @ '1'..='7' => {
                let more = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let (number, rest) = self.rest.split_at(more);
                self.rest = rest;
                octal(&format!("{digit}{number}")).map(Member::Character)
            }
            digit @ ('8' | '9') => Err(BadPattern(format!("\\{digit} means nothing in brackets"))),
            escaped => self.escaped(escaped),
        }
    }

    fn open(&mut self) -> Result<()> {
        let start = self.out.len();
        let before = self.numbered;
        if !self.takes("?") {
            self.numbered += 1;
            self.out.push('(');
        } else if self.takes("#") {
            self.until(')', "a comment has no )")?;
            return Ok(());
        } else if self.takes("P=") {
            let name = self.until(')', "the name of a group has no )")?;
            self.item(&format!("(?P={name})"));
            return Ok(());
        } else if self.takes("P<") {
            let name = self.until('>', "the name of a group has no >")?;
            if self.names.contains(&name) {
                return Err(BadPattern(format!("two groups are named {name:?}")));
            }
            self.names.push(name);
            self.numbered += 1;
            self.out.push_str(&format!("(?P<{name}>"));
        } else if self.takes("(") {
            let name = self.until(')', "the condition of a group has no )")?;
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            if is_number {
                self.condition = self.condition.max(name.parse().unwrap_or(usize::MAX));
            }
            self.out.push_str(&if is_number { format!("(?({name})") } else { format!("(?(<{name}>)") });
        } else if let Some(kind) = [":", "=", "!", ">", "<=", "<!"].iter().find(|kind| self.takes(kind)) {
            self.out.push_str("(?");
            self.out.push_str(kind);
        } else {
            return self.flagged(start);
        }
        let number = (self.numbered > before).then_some(self.numbered);
        self.groups.push(Group { start, flags: self.flags, number });
        self.last = Last::Nothing;
        Ok(())
    }

    /// Reads flags, for the whole pattern or for a group.
    fn flagged(&mut self, start: usize) -> Result<()> {
        let (mut flags, mut on, mut off, mut is_off) = (self.flags, String::new(), String::new(), false);
        let ends_group = loop {
            match self.next() {
                Some(')') if !is_off && !on.is_empty() => break false,
                Some(':') if !is_off || !off.is_empty() => break true,
                Some('-') if !is_off => is_off = true,
                Some('x') => {
                    flags.verbose = !is_off;
                    // Only what is kept counts as said.
                    if is_off { &mut off } else { &mut on }.push('x');
                }
                Some(letter @ ('i' | 'm' | 's')) => if is_off { &mut off } else { &mut on }.push(letter),
                Some(letter @ ('a' | 'u')) if !is_off => {
                    flags.ascii = letter == 'a';
                    on.push('u');
                }
                _ => return Err(bad("what stands after (? means nothing in Python")),
            }
        };
        // Those are done here.
        let done = |text: &str| text.replace(['x', 'u'], "");
        let (on, off) = (done(&on), done(&off));
        if !ends_group {
            self.flags = flags;
            self.groups.iter_mut().for_each(|group| group.flags = flags);
            self.whole.push_str(&on);
            return Ok(());
        }
        self.groups.push(Group { start, flags: self.flags, number: None });
        self.flags = flags;
        self.out.push_str("(?");
        self.out.push_str(&on);
        if !off.is_empty() {
            self.out.push('-');
            self.out.push_str(&off);
        }
        self.out.push(':');
        self.last = Last::Nothing;
        Ok(())
    }

    fn finish(mut self) -> Result<String> {
        if !self.groups.is_empty() {
            return Err(bad("a ( has no )"));
        }
        if self.condition > self.numbered {
            return Err(BadPattern(format!("there is no group {}", self.condition)));
        }
        if !self.whole.is_empty() {
            self.out.insert_str(0, &format!("(?{})", self.whole));
        }
        Ok(self.out)
    }
}

fn bad(reason: &str) -> BadPattern {
    BadPattern(reason.to_owned())
}

fn octal(digits: &str) -> Result<char> {
    let number = u32::from_str_radix(digits, 8).ok().filter(|number| *number <= 0o377);
    number.and_then(char::from_u32).ok_or_else(|| BadPattern(format!("\\{digits} is no character")))
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
/// literal.
fn counts(text: &str) -> Result<Option<(String, usize)>> {
    let Some((inside, _)) = text.split_once('}') else { return Ok(None) };
    let (least, most) = inside.split_once(',').map_or((inside, None), |(least, most)| (least, Some(most)));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if inside.is_empty() || !is_number(least) || !most.is_none_or(is_number) {
        return Ok(None);
    }
    let number = |text: &str| match text.parse::<u32>() {
        Ok(number) => Ok(number),
        Err(_) if text.is_empty() => Ok(0),
        Err(_) => Err(bad("a number of repetitions is too large")),
    };
    let low = number(least)?;
    let times = match most {
        None => format!("{{{low}}}"),
        Some("") if low == 0 => "*".to_owned(),
        Some("") => format!("{{{low},}}"),
        Some(most) => match number(most)? {
            high if high < low => return Err(bad("a number of repetitions ends before it begins")),
            high => format!("{{{low},{high}}}"),
        },
    };
    Ok(Some((times, inside.len() + 1)))
}
