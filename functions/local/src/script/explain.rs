//! `crosswave script explain CODE`

use scripting::Code;

use super::{Ended, files};

pub(super) fn run(code: &str) -> Result<Ended, String> {
    let code: Code = code.parse().map_err(|error: scripting::UnknownCode| error.to_string())?;
    files::print(code.page())
}
