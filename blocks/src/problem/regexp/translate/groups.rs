//! Groups: what stands behind a parenthesis, its flags and conditions.

use super::{Group, Last, Result, Translation, is_identifier};
use crate::problem::regexp::fault::{Fault, bad_name, fault, quoted};

impl Translation<'_> {
    /// Reads what stands behind a parenthesis.
    pub(super) fn open(&mut self) -> Result<()> {
        let (start, at) = (self.out.len(), self.at() - 1);
        let before = self.numbered;
        let mut branches = None;
        if !self.takes("?") {
            self.numbered += 1;
            self.out.push('(');
        } else if self.takes("#") {
            loop {
                match self.next() {
                    None => return Err(fault("missing ), unterminated comment", at)),
                    Some(')') => return Ok(()),
                    Some('\\') => self.pass_escaped()?,
                    Some(_) => {}
                }
            }
        } else if self.takes("P=") {
            let begin = self.at();
            let name = self.group_name(')')?;
            let number = self.number_of(name, begin)?;
            if self.is_open(number) {
                return Err(fault("cannot refer to an open group", begin));
            }
            self.item(&format!("(?P={name})"));
            return Ok(());
        } else if self.takes("P<") {
            let begin = self.at();
            let name = self.group_name('>')?;
            self.numbered += 1;
            if let Some((_, first)) = self.names.iter().find(|(known, _)| *known == name) {
                let (name, second) = (quoted(name), self.numbered);
                let reason =
                    format!("redefinition of group name {name} as group {second}; was group {first}");
                return Err(fault(reason, begin));
            }
            self.names.push((name, self.numbered));
            self.out.push_str(&format!("(?P<{name}>"));
        } else if self.takes("P") {
            return Err(self.unknown_extension(at, 2));
        } else if self.takes("(") {
            branches = Some(1);
            self.condition()?;
        } else if let Some(kind) = [":", "=", "!", ">", "<=", "<!"].iter().find(|kind| self.takes(kind)) {
            self.out.push_str("(?");
            self.out.push_str(kind);
        } else if self.takes("<") {
            return Err(self.unknown_extension(at, 2));
        } else {
            return self.flagged(start, at);
        }
        let number = (self.numbered > before).then_some(self.numbered);
        self.groups.push(Group { start, at, flags: self.flags, number, branches });
        self.last = Last::Nothing;
        Ok(())
    }

    /// Reports what stands behind the parenthesis at a byte: a question mark, more that is known, and one character.
    fn unknown_extension(&self, at: usize, known: usize) -> Fault {
        let length = if self.rest.starts_with('\\') { 2 } else { 1 };
        let next: String = self.rest.chars().take(length).collect();
        if next.is_empty() {
            return fault("unexpected end of pattern", self.at());
        }
        fault(format!("unknown extension {}{next}", &self.pattern[at + 1..at + 1 + known]), at + 1)
    }

    /// Reads the group that is a condition.
    fn condition(&mut self) -> Result<()> {
        let begin = self.at();
        let name = self.until(')', "group name")?;
        if is_identifier(name) {
            self.number_of(name, begin)?;
            self.out.push_str(&format!("(?(<{name}>)"));
            return Ok(());
        }
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad_name(name, begin));
        }
        let number = name.parse().unwrap_or(usize::MAX);
        if number == 0 {
            return Err(fault("bad group number", begin));
        }
        self.conditions.push((number, begin));
        self.out.push_str(&format!("(?({name})"));
        Ok(())
    }

    /// Reads flags, for the whole pattern or for a group, which begins at this byte.
    fn flagged(&mut self, start: usize, at: usize) -> Result<()> {
        if !self.rest.starts_with(|first: char| first == '-' || is_flag(first)) {
            return Err(self.unknown_extension(at, 1));
        }
        let (mut flags, mut on, mut off) = (self.flags, String::new(), String::new());
        let mut ends_group = true;
        let mut is_off = false;
        loop {
            let at = self.at();
            let missing = match (is_off, on.is_empty(), off.is_empty()) {
                (false, ..) => "missing -, : or )",
                (true, _, true) => "missing flag",
                (true, _, false) => "missing :",
            };
            match self.next() {
                None => return Err(fault(missing, at)),
                Some(')') if !is_off => {
                    ends_group = false;
                    break;
                }
                Some(':') if !is_off || !off.is_empty() => break,
                Some('-') if !is_off => is_off = true,
                Some(flag) if is_flag(flag) => {
                    let is_kind = matches!(flag, 'a' | 'u' | 'L');
                    if is_off && is_kind {
                        let reason = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                        return Err(fault(reason, self.at()));
                    }
                    if flag == 'L' {
                        let reason = "bad inline flags: cannot use 'L' flag with a str pattern";
                        return Err(fault(reason, self.at()));
                    }
                    if is_kind && on.contains(if flag == 'a' { 'u' } else { 'a' }) {
                        let reason = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                        return Err(fault(reason, self.at()));
                    }
                    match flag {
                        'x' => flags.verbose = !is_off,
                        'a' | 'u' => flags.ascii = flag == 'a',
                        _ => {}
                    }
                    if is_off { &mut off } else { &mut on }.push(flag);
                }
                Some(letter) => {
                    return Err(fault(if letter.is_alphabetic() { "unknown flag" } else { missing }, at));
                }
            }
        }
        if on.contains(|flag| off.contains(flag)) {
            return Err(fault("bad inline flags: flag turned on and off", self.at() - 1));
        }
        // Those are done here.
        let done = |text: &str| text.replace(['x', 'u', 'a', 't'], "");
        let (on, off) = (done(&on), done(&off));
        if !ends_group {
            self.flags = flags;
            self.groups.iter_mut().for_each(|group| group.flags = flags);
            self.whole.push_str(&on);
            return Ok(());
        }
        self.groups.push(Group { start, at, flags: self.flags, number: None, branches: None });
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
}

fn is_flag(letter: char) -> bool {
    matches!(letter, 'i' | 'L' | 'm' | 's' | 'x' | 'a' | 't' | 'u')
}
