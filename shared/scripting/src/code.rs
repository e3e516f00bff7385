//! The numbered codes of everything that can be wrong with a script. Each has a page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $title:literal,)*) => {
        /// A code: `E` is found before a script runs, `R` while it runs, `P` by the policy after
        /// it, `U` when values are made unique; `W` warns before a script runs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as people write it: `E006`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// What it stands for, in one line.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The code's page: what is wrong, an example, how to mend it.
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!(
                        "../../../scripts/errors/", stringify!($name), ".md"
                    )),)*
                }
            }
        }
    };
}

codes! {
    E000 = "the script cannot be read",
    E001 = "an entry function is missing",
    E002 = "an entry function has the wrong parameters",
    E003 = "code outside functions",
    E004 = "a function hides a built-in one",
    E005 = "unknown function",
    E006 = "unknown attribute",
    E007 = "too many parameters",
    E008 = "a closure is stored",
    E009 = "a character that changes the direction of text",
    E010 = "the script is too large",
    E011 = "the first line does not name the API version",
    E012 = "the attribute cannot be written",
    E013 = "a pattern is not valid",
    E014 = "a word of the language that is not available",
    E015 = "a file of the library cannot be used",
    E016 = "a message names a file that the library does not have",
    R001 = "the script failed while it ran",
    R002 = "a value is refused by the attribute's rules",
    R003 = "the attribute does not exist",
    R004 = "the attribute cannot be written",
    R005 = "the script raised an error itself",
    R006 = "an entry function returned something else than expected",
    R007 = "no such function for these values",
    R008 = "no value is chosen here",
    R009 = "the script asks for a person's decision",
    R010 = "the script took too long",
    R011 = "the script used too much memory",
    R012 = "the script took too many operations",
    R013 = "a value grew too large",
    R014 = "functions call each other too deeply",
    R020 = "the script broke its worker",
    R021 = "no worker could be started",
    P001 = "an address is in a domain that is not verified",
    P002 = "not exactly one primary address",
    P003 = "a protected attribute is set",
    P004 = "a recipient is not approved",
    P005 = "a link is not approved",
    U101 = "no free value is left",
    W001 = "`park` where it parks nobody",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No code has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no code `{0}`; codes look like E006, R002, P001 and U101")]
pub struct UnknownCode(String);

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownCode(text.to_owned()))
    }
}
