//! From text to molecules.

use super::ChemistryError;

/// How deep parentheses and brackets may be nested.
const MAX_DEPTH: usize = 100;

/// The longest expression in bytes.
const MAX_LENGTH: usize = 20_000;

const PHASES: [&str; 4] = ["(s)", "(l)", "(g)", "(aq)"];

/// The elements; those of one letter and those of two stand among each other in the order of the periodic table.
const ELEMENTS: [&str; 118] = [
    "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar", "K",
    "Ca", "Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Kr",
    "Rb", "Sr", "Y", "Zr", "Nb", "Mo", "Tc", "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Xe",
    "Cs", "Ba", "La", "Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu",
    "Hf", "Ta", "W", "Re", "Os", "Ir", "Pt", "Au", "Hg", "Tl", "Pb", "Bi", "Po", "At", "Rn", "Fr", "Ra",
    "Ac", "Th", "Pa", "U", "Np", "Pu", "Am", "Cm", "Bk", "Cf", "Es", "Fm", "Md", "No", "Lr", "Rf", "Db",
    "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Uut", "Fl", "Uup", "Lv", "Uus", "Uuo",
];

/// The arrow of an equation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrow {
    /// `->`
    Forth,
    /// `<->`
    Both,
}

impl Arrow {
    /// Returns how the arrow is typed.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Forth => "->",
            Self::Both => "<->",
        }
    }
}

/// Parts an equation at its first arrow, `<->` before `->`.
#[must_use]
pub fn split_on_arrow(equation: &str) -> (&str, Option<(Arrow, &str)>) {
    for arrow in [Arrow::Both, Arrow::Forth] {
        if let Some((left, right)) = equation.split_once(arrow.text()) {
            return (left, Some((arrow, right)));
        }
    }
    (equation, None)
}

/// A molecule with its count and phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Molecule<'t> {
    /// The digits of a number, or of the numbers of a fraction.
    pub(super) count: Option<(String, Option<String>)>,
    pub(super) parts: Vec<Part>,
    pub(super) phase: Option<&'t str>,
}

/// A part of a molecule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) what: What,
    /// How many there are, in digits; nothing for one.
    pub(super) number: String,
    /// The charge with its sign, nothing for none.
    pub(super) charge: String,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Element(&'static str),
    Parentheses(Vec<Part>),
    Brackets(Vec<Part>),
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Vec<Molecule<'_>>, ChemistryError> {
    let fits = text.len() <= MAX_LENGTH;
    let mut parser = Parser { text, at: 0 };
    let molecules = fits.then(|| parser.expression()).flatten();
    molecules
        .filter(|_| parser.peek().is_none())
        .ok_or_else(|| ChemistryError::Syntax { text: text.to_owned() })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    /// Returns what comes after blanks, nothing at the end.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Returns the phase that comes next; what looks like one is one.
    fn next_phase(&mut self) -> Option<&'t str> {
        self.peek();
        let rest = &self.text[self.at..];
        PHASES.iter().find(|phase| rest.starts_with(**phase)).map(|phase| &rest[..phase.len()])
    }

    fn phase(&mut self) -> Option<&'t str> {
        let phase = self.next_phase()?;
        self.at += phase.len();
        Some(phase)
    }

    /// Takes digits, between which blanks may stand.
    fn number(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            digits.push(char::from(digit));
            self.at += 1;
        }
        digits
    }

    fn expression(&mut self) -> Option<Vec<Molecule<'t>>> {
        let mut molecules = vec![self.molecule()?];
        while self.take(b'+') {
            molecules.push(self.molecule()?);
        }
        Some(molecules)
    }

    fn molecule(&mut self) -> Option<Molecule<'t>> {
        let number = self.number();
        let mut count = None;
        if !number.is_empty() {
            let below = if self.take(b'/') {
                Some(self.number()).filter(|below| !below.is_empty()).map(Some)?
            } else {
                None
            };
            count = Some((number, below));
        }
        let parts = self.parts(0)?;
        Some(Molecule { count, parts, phase: self.phase() })
    }

    fn parts(&mut self, depth: usize) -> Option<Vec<Part>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut parts = Vec::new();
        while let Some(what) = self.what(depth)? {
            parts.push(Part { what, number: self.number(), charge: self.charge()? });
        }
        (!parts.is_empty()).then_some(parts)
    }

    /// Takes an element or a group; the outer nothing is a mistake, the inner one the end of the parts.
    #[expect(clippy::option_option, reason = "the two kinds of nothing differ")]
    fn what(&mut self, depth: usize) -> Option<Option<What>> {
        if self.next_phase().is_some() {
            return Some(None);
        }
        if self.take(b'(') {
            let inside = self.parts(depth + 1)?;
            return self.take(b')').then_some(Some(What::Parentheses(inside)));
        }
        if self.take(b'[') {
            let inside = self.parts(depth + 1)?;
            return self.take(b']').then_some(Some(What::Brackets(inside)));
        }
        let rest = &self.text[self.at..];
        let element =
            ELEMENTS.iter().filter(|element| rest.starts_with(**element)).max_by_key(|name| name.len());
        self.at += element.map_or(0, |element| element.len());
        Some(element.map(|element| What::Element(element)))
    }

    fn charge(&mut self) -> Option<String> {
        if !self.take(b'^') {
            return Some(String::new());
        }
        let mut charge = self.number();
        // One charge is not counted out; numbers beginning so have always been read like it.
        if charge.starts_with('1') {
            charge.clear();
        }
        let sign = if self.take(b'+') {
            '+'
        } else if self.take(b'-') {
            '-'
        } else {
            return None;
        };
        charge.push(sign);
        Some(charge)
    }
}
