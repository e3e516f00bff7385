//! Letters without their marks, as Entra writes them.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Latin letters without marks: `ä` is `a`, `ø` is `oe`, `ß` is `ss`, as Entra's table has it.
///
/// Letters that Entra's page does not list lose their marks likewise, when what remains is a letter of the English
/// alphabet. Other scripts pass through. The result has at most as many bytes as the composed text.
pub(super) fn normalized(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut latin = false;
    for letter in text.nfc() {
        if letter.is_ascii() {
            latin = letter.is_ascii_alphabetic();
            result.push(letter);
        } else if is_combining_mark(letter) && latin {
            // A mark that has no composed form with the letter before it.
        } else if let Some(plain) = special(letter) {
            latin = true;
            result.push_str(plain);
        } else {
            let base = std::iter::once(letter).nfd().next().unwrap_or(letter);
            latin = base.is_ascii_alphabetic();
            result.push(if latin { base } else { letter });
        }
    }
    result
}

/// Letters that are more than a base letter with a mark.
fn special(letter: char) -> Option<&'static str> {
    Some(match letter {
        'æ' | 'ǽ' | 'ǣ' => "ae",
        'Æ' | 'Ǽ' | 'Ǣ' => "AE",
        'ø' | 'ǿ' | 'œ' => "oe",
        'Ø' | 'Ǿ' | 'Œ' => "OE",
        'ß' => "ss",
        'ẞ' => "SS",
        'ł' => "l",
        'Ł' => "L",
        'ı' => "i",
        'đ' | 'ð' => "d",
        'Đ' | 'Ð' => "D",
        'þ' => "th",
        'Þ' => "TH",
        'ħ' => "h",
        'Ħ' => "H",
        'ŧ' => "t",
        'Ŧ' => "T",
        'ĳ' => "ij",
        'Ĳ' => "IJ",
        _ => return None,
    })
}
