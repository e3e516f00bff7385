//! What one function of the table is made of.

use std::fmt;

/// One function that scripts can call.
#[derive(Debug, Clone, Copy)]
pub struct FunctionRow {
    /// The name in scripts, in snake case.
    pub name: &'static str,
    /// Names and types of the arguments and the result, such as `left(text: text, count: int) -> text`. An argument
    /// that can be left out has a question mark after its name.
    pub signature: &'static str,
    /// What it does, in one or two sentences.
    pub sentence: &'static str,
    /// Where the reference lists it.
    pub category: Category,
    /// The function of Entra's provisioning expressions that it equals, where there is one.
    pub entra: Option<&'static str>,
    /// Scripts with their results. A test runs each of them.
    pub examples: &'static [Example],
    /// Adds the function under its name, in all its numbers of arguments, to an engine.
    pub register: fn(&mut rhai::Engine, &'static str),
}

/// A script and what it evaluates to.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// An expression.
    pub script: &'static str,
    /// Another expression, of the same value.
    pub result: &'static str,
}

impl FunctionRow {
    /// The least and the greatest number of arguments, read from the signature.
    pub fn arity(&self) -> (usize, usize) {
        let inside = self
            .signature
            .split_once('(')
            .and_then(|(_, rest)| rest.rsplit_once(") ->"))
            .map_or("", |(inside, _)| inside);
        let mut least = 0;
        let mut greatest = 0;
        for argument in inside.split(',').filter(|argument| !argument.trim().is_empty()) {
            greatest += 1;
            if !argument.contains('?') {
                least += 1;
            }
        }
        (least, greatest)
    }
}

/// The groups of the reference page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Cutting, joining and changing texts.
    Text,
    /// Names of people and places, telephone numbers, letters of other alphabets.
    Names,
    /// Addresses, domains and proxy addresses.
    Addresses,
    /// Regular expressions.
    Patterns,
    /// Lists of values.
    Lists,
    /// Days, times and time zones.
    Dates,
    /// The customer's own tables.
    Lookup,
    /// Base64, hexadecimal, bits, and conversions between types.
    Encoding,
    /// Choosing between values.
    Conditions,
    /// Values that no other object may hold.
    Uniqueness,
    /// Texts of messages.
    Templates,
    /// Telling the operator something.
    Diagnosis,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "Text",
            Self::Names => "Names and places",
            Self::Addresses => "Addresses",
            Self::Patterns => "Regular expressions",
            Self::Lists => "Lists",
            Self::Dates => "Dates and times",
            Self::Lookup => "Lookup tables",
            Self::Encoding => "Encoding and conversion",
            Self::Conditions => "Conditions",
            Self::Uniqueness => "Unique values",
            Self::Templates => "Message templates",
            Self::Diagnosis => "Diagnosis",
        })
    }
}
